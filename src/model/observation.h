/* p(x|z): what stands for a pixel once a decoder has given a number for it. */
#ifndef MODEL_OBSERVATION_H
#define MODEL_OBSERVATION_H

#include "reverie/model.h"
#include "reverie/option.h"

/* h [...,D] of a decoder -> p(x|z), event [D] */
rv_dist observation_dist(const rv_model *model, const rv_observation *o, rv_expr h);
/* The images as that distribution takes them: Bernoulli reads data in [low,high] as
 * (x - low) / (high - low). */
rv_expr observation_of(const rv_model *model, const rv_observation *o, rv_expr x);
/* Its mean, in the range of the data. */
rv_expr observation_mean(const rv_model *model, const rv_observation *o, rv_expr h);
/* log p(x|z_k), [K,B]:  h [K B,D], x [B,D] */
rv_expr observation_log_prob(const rv_model *model, const rv_observation *o, rv_expr h, rv_expr x);

#endif
