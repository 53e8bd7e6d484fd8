/* The context's inside, for floors 0 to 2.  Parameters hang on it through an opaque store with a
 * destructor, so that floor 0 does not know what a parameter is. */
#ifndef CORE_CONTEXT_H
#define CORE_CONTEXT_H

#include "core/algorithm_choices.h"
#include "reverie/core.h"

#include <pthread.h>

enum { RV_SAID_MOST = 128 };

struct rv_context {
    pthread_mutex_t lock; /* guards status, message, and the log callback */
    rv_status status;
    char message[1024];
    rv_log_fn log;
    void *log_user;
    uint64_t said[RV_SAID_MOST]; /* hashes of what rv_notify_once said */
    uint64_t said_count;
    rv_context *beside; /* keeps them for this one; NULL: itself */
    int threads;
    uint64_t seed;
    void *parameters; /* floor 1's store */
    void (*parameters_free)(void *);
    const void *backend; /* floor 2's choice; NULL until asked for */
    void *workers;       /* and its threads */
    void (*workers_free)(void *);
    const char *isa; /* cap of the instruction set; NULL: the best of the machine */
    /* How a convolution's algorithm is chosen. */
    int conv_policy;    /* rv_conv_policy */
    int conv_is_given;  /* the caller has set it: the record of a run does not change it */
    int conv_measures;  /* a new choice is checked by a measurement */
    size_t conv_memory; /* bytes that transforms may keep from pass to pass */
    rv_choices choices; /* so far */
    char *choices_text; /* as last asked for */
};

/* What `context` has said once is not said again in `aside`, which it outlives. */
void rv_context_set_beside(rv_context *aside, rv_context *context);

#endif
