/* reverie/optim.h - floor 3: optimizers as expressions, schedules as functions.
 *
 *     rv_optimizer_config config = rv_optimizer_defaults();        // Adam
 *     rv_expr norm;                                                // of the gradient
 *     rv_optimize(&config, "vae", loss, weights, count, &norm);
 *     ...
 *     double factor = rv_schedule_at(&schedule, epoch, epochs, 1.0 / batches);
 *     rv_bind_scalar(program, "vae.lr", rate * factor);
 *     rv_bind_scalar(program, "vae.t", step + 1);                  // 1 at the first step
 *
 * An update consists of ordinary expressions and assignments: gradient, clipping, state and weights
 * become one fused pass for each parameter.
 */
#ifndef REVERIE_OPTIM_H
#define REVERIE_OPTIM_H

#include "reverie/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rv_optimizer { RV_SGD, RV_RMSPROP, RV_ADAM, RV_ADAMW, RV_ADAMAX } rv_optimizer;

typedef struct rv_optimizer_config {
    int kind;            /* rv_optimizer */
    double beta1, beta2; /* Adam, AdamW, Adamax */
    double epsilon;      /* added to the root, as PyTorch does; Adamax: to |g| */
    double momentum;     /* SGD, RMSprop */
    int nesterov;        /* SGD */
    double alpha;        /* decay of RMSprop */
    int centered;        /* RMSprop: by the variance of the gradient, not its mean square */
    double weight_decay; /* added to the gradient; in AdamW decoupled */
    double clip_norm;    /* global norm of the gradient; 0: none */
    double clip_value;   /* each element to [-v, v]; 0: none */
} rv_optimizer_config;
/* Adam, betas (0.9, 0.999), epsilon 1e-8; alpha 0.99; no momentum, decay or clipping. */
rv_optimizer_config rv_optimizer_defaults(void);

/* Assigns new values to `weights` [count] and to the optimizer's state (parameters named
 * "optimizer.STAGE.WEIGHT.exp_avg" and so on, RV_STATE) so that `loss`, a scalar, falls.
 * "STAGE.lr" and "STAGE.t" (the number of this step, from 1) become inputs of the graph.  *norm
 * (unless NULL) is the norm of the gradient before clipping, a scalar.  Returns the latched
 * status. */
rv_status rv_optimize(const rv_optimizer_config *config, const char *stage, rv_expr loss,
                      rv_param *const *weights, int count, rv_expr *norm);

/* Moving averages "ema.NAME" (RV_STATE) of the updated values w' of parameters: a' = d a + (1 - d)
 * w', d = min(decay, (1 + t) / (10 + t)), so that the start is soon forgotten; at the first step d
 * is 0, so that an average begins at the parameter.  t is the input "STAGE.t". */
void rv_average_weights(rv_graph *graph, const char *stage, double decay, rv_param *const *params,
                        int count);

typedef enum rv_schedule { RV_CONSTANT, RV_STEPS, RV_EXPONENTIAL, RV_COSINE, RV_LATE } rv_schedule;

/* A schedule of the factor on the learning rate. */
typedef struct rv_schedule_config {
    int kind;                /* rv_schedule */
    double factor;           /* STEPS: at each milestone; EXPONENTIAL: each epoch, > 0 */
    const double *milestone; /* STEPS: epochs, ascending [milestone_count]; borrowed */
    int milestone_count;     /* 0: at a half and at three quarters of the epochs, rounded up */
    double least;            /* COSINE, LATE: the factor at the end; LATE: > 0 */
    double warmup;           /* epochs over which the factor grows linearly to 1 */
} rv_schedule_config;
/* Constant, no warm-up, factor 0.1. */
rv_schedule_config rv_schedule_defaults(void);
/* The factor at a fractional epoch of `epochs`, for a step of length `step` epochs.  STEPS and
 * EXPONENTIAL change at whole epochs, like PyTorch's MultiStepLR and ExponentialLR with one step
 * for each epoch; COSINE is smooth (Loshchilov & Hutter 2017, equation 5, without restarts); LATE
 * is 1 in the first half and then falls exponentially (Donahue et al. 2017, appendix C).  In a
 * warm-up of W steps, step k = 0, 1, ... has the factor (k + 1) / W: the last step has the full
 * rate, and no step has 0.  EXPONENTIAL, COSINE and LATE begin to fall only after the warm-up. */
double rv_schedule_at(const rv_schedule_config *config, double epoch, double epochs, double step);
/* RV_BAD_USAGE, with the remedy, for impossible schedules: LATE to 0, EXPONENTIAL by 0, a warm-up
 * longer than `epochs`. */
rv_status rv_schedule_check(rv_context *context, const rv_schedule_config *config, double epochs);

#ifdef __cplusplus
}
#endif
#endif
