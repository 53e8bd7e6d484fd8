/* Inpainting by chains of latents and missing pixels, of models whose q(z|x) is p(z|x): what the
 * chains come to is known. */
#include "check.h"

#include "reverie/eval.h"

/* p(z) = N(0, 1), p(x|z) = N(w z, s^2 I) of 3 pixels; with P = 1 + w'w / s^2 z given x is
 * N(w'x / (s^2 P), 1 / P). */
enum { LINE = 3, COUNT = 20000 };
static const double w[LINE] = {0.6, -0.9, 0.8}, s = 0.7;

static rv_expr row(rv_graph *graph, const double *values, double scale)
{
    float floats[LINE];
    for (int d = 0; d < LINE; d++)
        floats[d] = (float)(values[d] * scale);
    return rv_constant(graph, rv_shape2(1, LINE), floats);
}

static double precision(int pixels)
{
    double sum = 1;
    for (int d = 0; d < pixels; d++)
        sum += w[d] * w[d] / (s * s);
    return sum;
}

static rv_dist line_posterior(const rv_model *m, rv_expr x, rv_mode mode)
{
    double p = precision(LINE);
    rv_expr mu = rv_matmul_t(x, 0, row(rv_expr_graph(x), w, 1 / (s * s * p)), 1); /* [B,1] */
    (void)m, (void)mode;
    return rv_normal(mu, rv_full(rv_expr_graph(x), rv_expr_shape(mu), 1 / sqrt(p)));
}

static rv_dist line_likelihood(const rv_model *m, rv_expr z, rv_mode mode)
{
    rv_expr mu = rv_matmul(z, row(rv_expr_graph(z), w, 1));
    (void)m, (void)mode;
    return rv_normal(mu, rv_full(rv_expr_graph(z), rv_expr_shape(mu), s));
}

/* z is a bit with p(z=1) = 1/2, and p(x_d=1|z) = sigmoid(a_d z + b_d); its posterior is a Bernoulli
 * whose logit is sum_d x_d a_d + log sigmoid(-a_d - b_d) - log sigmoid(-b_d). */
static const double a[LINE] = {2.5, -3, 3}, b[LINE] = {-1, 1.2, -1.4};

static double log_off(double logit) /* log p(x=0) */
{
    return -log1p(exp(logit));
}

static rv_dist bit_posterior(const rv_model *m, rv_expr x, rv_mode mode)
{
    double shift = 0;
    (void)m, (void)mode;
    for (int d = 0; d < LINE; d++)
        shift += log_off(a[d] + b[d]) - log_off(b[d]);
    return rv_bernoulli(rv_shift(rv_matmul_t(x, 0, row(rv_expr_graph(x), a, 1), 1), shift));
}

static rv_dist bit_likelihood(const rv_model *m, rv_expr z, rv_mode mode)
{
    rv_expr logits = rv_matmul(z, row(rv_expr_graph(z), a, 1));
    (void)m, (void)mode;
    return rv_bernoulli(
        rv_add(logits, rv_broadcast_to(row(rv_expr_graph(z), b, 1), rv_expr_shape(logits))));
}

static rv_dist bit_prior(const rv_model *m, rv_graph *graph, int64_t batch)
{
    (void)m;
    return rv_bernoulli(rv_full(graph, rv_shape2(batch, 1), 0));
}

typedef struct line_config {
    int64_t latent;
} line_config;

static void no_nets(const rv_model *m, rv_net_wish *wish)
{
    (void)m, (void)wish;
}

#define LINE_KIND                                                                                  \
    .config_size = sizeof(line_config), .nets = no_nets, .z_width = RV_MEMBER(line_config, latent)
static const rv_model_kind line = {.name = "line",
                                   LINE_KIND,
                                   .latent = {.posterior = line_posterior,
                                              .likelihood = line_likelihood}},
                           bit = {.name = "bit",
                                  LINE_KIND,
                                  .latent = {.posterior = bit_posterior,
                                             .prior = bit_prior,
                                             .likelihood = bit_likelihood}};

/* Completions of x whose last pixel is missing: their mean and variance there. */
static void last_pixel(const rv_model_kind *kind, const float *x, int is_gray, double *mean,
                       double *variance)
{
    const rv_data_sizes sizes = {1, LINE, 1, 0, 0, 1, 0, 0, 0, 0};
    static const uint8_t missing[LINE] = {0, 0, 1};
    const line_config settings = {1};
    rv_context *context = rv_context_new();
    rv_inpainting_config config = rv_inpainting_defaults();
    rv_model *model;
    rv_inpainting out;
    rv_context_set_threads(context, 1);
    rv_model_new(context, kind, &settings, sizes, &model);
    check_ok(context);
    config.count = COUNT;
    config.sweeps = 25;
    config.is_gray = is_gray;
    rv_inpaint(model, x, missing, &config, &out);
    check_ok(context);
    assert_int_equal(out.mode, RV_INPAINT_GIBBS);
    check_near(rv_values_number(&out.values, "sweeps"), 25, 0, "sweeps");
    if (kind == &line) /* another program's, and no copy */
        assert_true(out.images[2] != out.images[256 * LINE + 2]);
    double sum = 0, square = 0;
    for (int64_t i = 0; i < out.count; i++) {
        double v = (double)out.images[i * LINE + 2];
        sum += v;
        square += v * v;
    }
    *mean = sum / (double)out.count;
    *variance = square / (double)out.count - *mean * *mean;
    rv_inpainting_free(&out);
    rv_model_free(model);
    rv_context_free(context);
}

/* The shown pixel is w_3 z of z ~ p(z|x_1,x_2) = N(m, 1 / P) of these two. */
static void chains_of_a_linear_model_come_to_its_conditional(void **state)
{
    const float x[LINE] = {1.3F, -0.4F, 5};
    double mean, variance, p = precision(2);
    double m = (w[0] * (double)x[0] + w[1] * (double)x[1]) / (s * s * p), v = w[2] * w[2] / p;
    (void)state;
    last_pixel(&line, x, 0, &mean, &variance);
    check_near(mean, w[2] * m, 5 * sqrt(v / COUNT), "mean");
    check_near(variance, v, 5 * v * sqrt(2.0 / COUNT), "variance");
}

static void chains_of_bits_come_to_their_conditional(void **state)
{
    const float x[LINE] = {1, 1, 0};
    double mean, variance, joint[2], on = 0;
    (void)state;
    for (int z = 0; z < 2; z++) {
        joint[z] = 1;
        for (int d = 0; d < 2; d++)
            joint[z] *= 1 / (1 + exp(-(a[d] * z + b[d])));
        on += joint[z] / (1 + exp(-(a[2] * z + b[2])));
    }
    on /= joint[0] + joint[1];
    last_pixel(&bit, x, 0, &mean, &variance);
    check_near(mean, on, 5 * sqrt(on * (1 - on) / COUNT), "p(x_3=1|x_1,x_2)");
    check_near(variance, mean * (1 - mean), 1e-9, "bits");
    last_pixel(&bit, x, 1, &mean, &variance); /* gray: means */
    assert_true(variance < 0.9 * mean * (1 - mean));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_of_a_linear_model_come_to_its_conditional),
        cmocka_unit_test(chains_of_bits_come_to_their_conditional),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
