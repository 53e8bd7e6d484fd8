/* p(x|z): what stands for a pixel once a decoder has given a number for it. */
#ifndef MODEL_OBSERVATION_H
#define MODEL_OBSERVATION_H

#include "core/option.h"
#include "reverie/model.h"

typedef enum observation_kind { OBSERVATION_BERNOULLI, OBSERVATION_GAUSSIAN } observation_kind;

typedef struct observation {
    int kind;         /* observation_kind */
    double deviation; /* of the Gaussian */
} observation;

/* The option rows; `at` is the offset of an observation in the model's config. */
#define OBSERVATION_OPTIONS(at)                                                                    \
    {"likelihood",                                                                                 \
     RV_OPTION_CHOICE,                                                                             \
     (at) + offsetof(observation, kind),                                                           \
     "bernoulli",                                                                                  \
     0,                                                                                            \
     0,                                                                                            \
     "bernoulli|gaussian",                                                                         \
     "p(x|z) of a pixel"},                                                                         \
    {                                                                                              \
        "likelihood_deviation", RV_OPTION_NUMBER, (at) + offsetof(observation, deviation), "0.1",  \
            1e-6, 1e6, NULL, "standard deviation of the Gaussian likelihood"                       \
    }

/* h [...,D] of a decoder -> p(x|z), event [D] */
rv_dist observation_dist(const rv_model *model, const observation *o, rv_expr h);
/* The images as that distribution takes them: Bernoulli reads data in [low,high] as
 * (x - low) / (high - low). */
rv_expr observation_of(const rv_model *model, const observation *o, rv_expr x);
/* Its mean, in the range of the data. */
rv_expr observation_mean(const rv_model *model, const observation *o, rv_expr h);
/* log p(x|z_k), [K,B]:  h [K B,D], x [B,D] */
rv_expr observation_log_prob(const rv_model *model, const observation *o, rv_expr h, rv_expr x);

#endif
