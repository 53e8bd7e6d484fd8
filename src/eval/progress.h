/* Word of how long drawing takes, where that is long, and then of how far it is. */
#ifndef EVAL_PROGRESS_H
#define EVAL_PROGRESS_H

#include "reverie/core.h"

typedef struct progress {
    rv_context *context;
    char what[96];      /* "drawing 64 images, pixel after pixel," */
    int64_t done, all;  /* steps */
    double start, told; /* seconds */
    int is_long;
} progress;

/* The work of `all` steps begins now. */
void progress_begin(progress *p, rv_context *context, int64_t all, const char *what, ...)
    RV_PRINTF(4, 5);
/* One more step is done: tells the context's log, after a second and then every ten. */
void progress_step(progress *p);

#endif
