/* Stochastic variational inference for a block of images. */
#ifndef INFERENCE_SVI_H
#define INFERENCE_SVI_H

#include "core/arena.h"
#include "inference/report.h"
#include "reverie/program.h"

typedef struct svi {
    rv_model *model;
    const rv_svi_config *config;
    int64_t images, width; /* B, Z */
    rv_graph *graph;
    rv_program *program;
    rv_arena memory; /* of the arrays */
    float *point;    /* [2,B,Z] mu and log sigma of the current start */
    float *gradient; /* [2,B,Z] */
    double *moment;  /* [2,2,B,Z] Adam's */
} svi;

/* Compiles the gradient of the ELBO for `images` images; their pixels are bound to x [B,D], which
 * the caller keeps.  RV_BAD_USAGE for a model without log p(x,z).  The caller closes it in any
 * case. */
rv_status svi_open(svi *s, rv_model *model, const rv_svi_config *config, const float *x,
                   int64_t images, int64_t width);
void svi_close(svi *s);
/* One start (from 0) for the images `first`, first + 1, ...; writes mu, log sigma to s->point. */
typedef struct svi_request {
    uint64_t seed;
    int64_t first;
    int start;
    watch watch; /* called after each step */
    void *user;
} svi_request;
rv_status svi_fit(svi *s, const svi_request *request);

#endif
