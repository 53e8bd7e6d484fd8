/* What the ways of filling in pixels share (inpaint.c chooses one). */
#ifndef EVAL_INPAINT_H
#define EVAL_INPAINT_H

#include "reverie/eval.h"

/* The task: arrays are the caller's. */
typedef struct inpaint_task {
    rv_model *model;
    const float *image;     /* [D], in the range of the data */
    const uint8_t *missing; /* [D]: not 0 where a value is to be filled in */
    const rv_inpainting_config *config;
} inpaint_task;

/* Fills out->images and what else belongs to out->mode, which is set, as are the numbers; `images`
 * is there, and `log_weight` for RV_INPAINT_RESAMPLED. */
rv_status inpaint_by_pixels(const inpaint_task *task, rv_inpainting *out);
rv_status inpaint_by_latents(const inpaint_task *task, rv_inpainting *out);

/* Whether the model is given the class, and it is unknown. */
int inpaint_draws_class(const inpaint_task *task);

/* The effective number of draws with these log weights [count], (sum w)^2 / sum w^2 (Kong 1992). */
double inpaint_effective(const double *log_weight, int64_t count);
/* Chooses `chosen` [wanted] of them with replacement, each with a probability proportional to its
 * weight: one from each of `wanted` equal parts of the sum of weights, u [wanted] in (0,1) being
 * the place in its part (stratified resampling, Kitagawa 1996).  Evenly spaced places would meet
 * the same class again and again where draws have the classes in turn. */
void inpaint_choose(const double *log_weight, int64_t count, const double *u, int64_t wanted,
                    int64_t *chosen);

#endif
