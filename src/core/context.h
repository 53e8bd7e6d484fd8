/* The inside of the context, for floors 0 to 2.  It holds parameters in an opaque store with a
 * destructor, so that floor 0 does not know what a parameter is. */
#ifndef CORE_CONTEXT_H
#define CORE_CONTEXT_H

#include "reverie/core.h"

#include <pthread.h>

enum { RV_SAID_MOST = 128 };

struct rv_context {
    pthread_mutex_t lock; /* guards status, message, and the log callback */
    rv_status status;
    char message[1024];
    rv_log_fn log;
    void *log_user;
    uint64_t said[RV_SAID_MOST]; /* hashes of the messages of rv_notify_once */
    uint64_t said_count;
    rv_context *notices_of; /* keeps these hashes; NULL: itself */
    int threads;
    uint64_t seed;
    void *parameters; /* floor 1's store */
    void (*parameters_free)(void *);
    const void *backend; /* floor 2's choice; NULL before its first use */
    void *workers;       /* and its threads */
    void (*workers_free)(void *);
    const char *isa; /* cap of the instruction set; NULL: the best of the machine */
    void *tuning;    /* floor 2's choices of algorithms; NULL before the first */
    void (*tuning_free)(void *);
};

/* The context `other` does not repeat messages of rv_notify_once in `context`, which outlives
 * it. */
void rv_context_share_notices(rv_context *other, rv_context *context);

#endif
