/* The distribution of a pixel's value given by the outputs of an autoregressive net: a bit, or one
 * of 256 levels. */
#ifndef MODEL_PIXEL_VALUES_H
#define MODEL_PIXEL_VALUES_H

#include "reverie/model.h"

typedef struct pixel_values {
    int conditionals;   /* bernoulli, categorical, logistic */
    int64_t components; /* of a mixture of logistics */
} pixel_values;
extern const rv_option pixel_values_options[2]; /* bernoulli; 5 */

/* RV_BAD_USAGE for images of several channels, and for real numbers. */
rv_status pixel_values_check(const rv_model *model, const pixel_values *values);
/* How many outputs of a net a pixel has. */
int pixel_values_heads(const pixel_values *values);
/* Images x [B,D] in the range of the data -> in [0,1], as nets take them. */
rv_expr pixel_values_unit(const rv_model *model, rv_expr x);
/* log p(x_d|.) summed over the pixels, [B], nats; h [B,D heads], x [B,D] in the range of the
 * data. */
rv_expr pixel_values_log_prob(const rv_model *model, const pixel_values *values, rv_expr h,
                              rv_expr x);
/* u_d in (0,1), [batch,D]. */
rv_expr pixel_values_noise(const rv_model *model, rv_graph *graph, int64_t batch);
/* Pixels of quantile u: h [B,N heads], u [B,N] in (0,1) -> [B,N] in the range of the data. The same
 * u gives the same pixel, whatever else is drawn with it. */
rv_expr pixel_values_draw(const rv_model *model, const pixel_values *values, rv_expr h, rv_expr u);

#endif
