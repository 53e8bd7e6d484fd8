/* Posteriors that a flow moves: the bound against exact evidence, for every flow; what the flow of
 * no steps is; what a rotation keeps. */
#include "graph_bench.h"

#include "reverie/config.h"

enum { SIDE = 2, D = SIDE * SIDE, Z = 2, B = 2, DRAWS = 40000 };
static const double deviation = 1; /* of p(x|z) */

typedef struct fixture {
    rv_config *config;
    rv_model *model;
    double weight[D * Z], bias[D]; /* of the linear decoder */
} fixture;

/* A VAE with a linear Gaussian decoder, whose evidence is exact, and weights drawn afresh. */
static fixture make(bench *b, const char *settings)
{
    fixture f;
    char recipe[512];
    snprintf(recipe, sizeof recipe,
             "model: vae\nlatent: %d\nencoder: [linear 5, tanh]\ndecoder: []\n"
             "likelihood: gaussian\nlikelihood_deviation: 1\nposterior: {%s}\n",
             Z, settings);
    rv_config_new(b->context, &f.config);
    rv_config_parse(f.config, recipe, "recipe");
    const rv_settings *s = rv_config_settings(f.config);
    check_ok(b->context);
    rv_data_sizes sizes = {.height = SIDE, .width = SIDE, .channels = 1, .high = 1};
    rv_model_new(b->context, s->model, s->model_config, sizes, &f.model);
    check_ok(b->context);
    for (int i = 0; i < rv_params_count(f.model->params); i++) {
        rv_param *p = rv_params_at(f.model->params, i);
        int64_t size = rv_shape_size(rv_param_shape(p));
        double *values = random_array((uint64_t)i + 3, size, -0.3, 0.3);
        rv_param_write_double(p, values, (size_t)size);
        free(values);
    }
    rv_net *decoder = f.model->net[1];
    rv_param_read_double(rv_net_weight(decoder, 0), f.weight, (size_t)D * Z);
    rv_param_read_double(rv_net_weight(decoder, 1), f.bias, D);
    return f;
}

static void release(fixture *f)
{
    rv_model_free(f->model);
    rv_config_free(f->config);
}

static const float images[B * D] = {0.2F, 0.9F, 0.4F, -0.1F, 1, 0, 0.5F, 0.5F};

static rv_expr images_of(bench *b)
{
    return rv_constant(b->graph, rv_shape2(B, D), images);
}

/* log N(x; b, W W' + s^2 I), by elimination of the covariance beside x - b. */
static double evidence(const fixture *f, const float *x)
{
    double a[D][D + 1], log_p = 0;
    for (int i = 0; i < D; i++) {
        for (int j = 0; j < D; j++) {
            a[i][j] = i == j ? deviation * deviation : 0;
            for (int k = 0; k < Z; k++)
                a[i][j] += f->weight[i * Z + k] * f->weight[j * Z + k];
        }
        a[i][D] = (double)x[i] - f->bias[i];
    }
    for (int k = 0; k < D; k++) {
        log_p -= 0.5 * (log(2 * acos(-1)) + log(a[k][k]) + a[k][D] * a[k][D] / a[k][k]);
        for (int i = k + 1; i < D; i++)
            for (int j = D; j >= k; j--)
                a[i][j] -= a[i][k] / a[k][k] * a[k][j];
    }
    return log_p;
}

static const char *const flows[] = {
    "flow: none",
    "flow: planar, flow_length: 3",
    "flow: planar, flow_length: 3, flow_amortised: false",
    "flow: radial, flow_length: 3",
    "flow: radial, flow_length: 2, flow_amortised: false",
    "flow: householder, flow_length: 3",
    "flow: sylvester, flow_length: 3",
    "flow: sylvester, flow_length: 2, flow_amortised: false",
    "flow: iaf, flow_length: 3, flow_context: 4, flow_layers: [masked 6, tanh]",
    "flow: iaf, flow_length: 2, flow_context: 0, flow_layers: [masked 6, tanh]",
    "flow: iaf, flow_length: 2, flow_amortised: false, flow_layers: [masked 6, tanh]",
    "flow: planar, flow_length: 2, covariance: full",
};

/* L_K, from DRAWS values of log w that lie `stride` apart: the mean over groups of K. */
static double bound_of(const double *log_w, int stride, int k)
{
    double sum = 0;
    for (int first = 0; first < DRAWS; first += k) {
        double w = 0;
        for (int i = first; i < first + k; i++)
            w += exp(log_w[i * stride]);
        sum += log(w / k);
    }
    return sum / (DRAWS / k);
}

/* The mean of w = p(x,z) / q(z|x) over draws is p(x), whatever q: within five standard errors,
 * small ones; and L_1 is below log p(x), L_16 less than half as much (Burda et al. 2016,
 * theorem 1). */
static void check_weights(bench *b, fixture *f, const char *what)
{
    rv_latents group[RV_LATENTS_MOST];
    int groups;
    rv_expr x = images_of(b);
    f->model->kind->encode(f->model, x, group, &groups);
    rv_expr log_w = rv_model_log_weight(f->model, x, group, DRAWS); /* [K,B] */
    run_seeded(b, &log_w, 1, 5);
    double *value = read(b, 0, (int64_t)DRAWS * B);
    for (int n = 0; n < B; n++) {
        double log_p = evidence(f, images + n * D), sum = 0, square = 0;
        for (int k = 0; k < DRAWS; k++) {
            double w = exp(value[k * B + n] - log_p);
            sum += w;
            square += w * w;
        }
        double mean = sum / DRAWS, error = sqrt((square / DRAWS - mean * mean) / DRAWS);
        if (error > 0.05)
            fail_msg("%s: the standard error %g tells nothing", what, error);
        check_near(mean, 1, 5 * error, what);
        double gap[2] = {log_p - bound_of(value + n, B, 1), log_p - bound_of(value + n, B, 16)};
        if (!(gap[0] > 0 && gap[1] > -5 * error && gap[1] < gap[0] / 2))
            fail_msg("%s: L_1 is %g below the evidence, L_16 %g", what, gap[0], gap[1]);
    }
    free(value);
}

static void weights_average_to_the_evidence(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof flows / sizeof *flows; i++) {
        bench *b;
        set_up((void **)&b);
        fixture f = make(b, flows[i]);
        check_weights(b, &f, flows[i]);
        release(&f);
        tear_down((void **)&b);
    }
}

/* Values of the evaluation, [B] each, by name. */
static double *evaluated(bench *b, fixture *f, const char *name, uint64_t seed)
{
    rv_evaluation e;
    assert_int_equal(f->model->kind->evaluate(f->model, b->graph, B, &e), RV_OK);
    for (int i = 0; i < e.metric_count; i++)
        if (strcmp(e.metric[i].name, name) == 0) {
            rv_expr value = e.metric[i].value;
            rv_compile(b->graph, &value, 1, NULL, &b->program);
            check_ok(b->context);
            rv_bind(b->program, "x", images, (size_t)B * D);
            rv_bind_random(b->program, seed, 0, 0, 0);
            assert_int_equal(rv_run(b->program), RV_OK);
            return read(b, 0, B);
        }
    fail_msg("there is no %s", name);
    return NULL;
}

/* Without steps the program is the diagonal posterior's, to the bit. */
static void a_flow_of_no_steps_is_none(void **state)
{
    static const char *const none[] = {
        "flow: none",
        "flow: planar, flow_length: 0",
        "flow: radial, flow_length: 0",
        "flow: sylvester, flow_length: 0",
        "flow: iaf, flow_length: 0",
        "flow: householder, flow_length: 0",
    };
    double *first = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        bench *b;
        set_up((void **)&b);
        fixture f = make(b, none[i]);
        double *elbo = evaluated(b, &f, "elbo", 3);
        if (first)
            assert_memory_equal(elbo, first, sizeof *elbo * B);
        else
            first = elbo;
        if (elbo != first)
            free(elbo);
        release(&f);
        tear_down((void **)&b);
    }
    free(first);
}

/* A Householder flow has the KL of the posterior before it; another flow's is sampled, and another
 * at other draws. */
static void a_rotation_keeps_the_closed_kl(void **state)
{
    static const char *const kinds[] = {"flow: none", "flow: householder, flow_amortised: false",
                                        "flow: planar"};
    double kl[3][2];
    (void)state;
    for (int i = 0; i < 3; i++)
        for (int seed = 0; seed < 2; seed++) {
            bench *b;
            set_up((void **)&b);
            fixture f = make(b, kinds[i]);
            double *value = evaluated(b, &f, "kl", (uint64_t)seed + 1);
            kl[i][seed] = value[0];
            free(value);
            release(&f);
            tear_down((void **)&b);
        }
    assert_true(kl[0][0] == kl[0][1]);
    check_near(kl[1][0], kl[0][0], 1e-12, "Householder");
    check_near(kl[1][1], kl[0][0], 1e-12, "Householder");
    assert_true(kl[2][0] != kl[2][1]);
}

static void what_cannot_be_is_told(void **state)
{
    static const struct {
        const char *settings, *says;
    } cases[] = {
        {"model: vae\nlatent: 1\nposterior: {flow: iaf}\n", "one latent has none before it"},
        {"model: vae\nlatent: 9\nposterior: {flow: iaf, flow_length: 9}\n", "at most 8"},
        {"model: vae\nlatent: 400\nposterior: {flow: sylvester, flow_length: 200}\n",
         "more than memory should be spent on"},
        {"model: vae\nposterior: {flow: planar}\nobjective: {free_bits: 1}\n",
         "objective.free_bits is of the KL in closed form"},
        {"model: vae\nposterior: {flow: iaf, flow_layers: [linear 8]}\n", "mixes inputs"},
    };
    bench *b = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rv_config *config;
        rv_model *model = NULL;
        rv_data_sizes sizes = {.height = SIDE, .width = SIDE, .channels = 1, .high = 1};
        rv_config_new(b->context, &config);
        rv_config_parse(config, cases[i].settings, "recipe");
        const rv_settings *s = rv_config_settings(config);
        check_ok(b->context);
        rv_model_new(b->context, s->model, s->model_config, sizes, &model);
        assert_null(model);
        check_error(b->context, RV_BAD_USAGE, cases[i].says);
        rv_config_free(config);
    }
}

/* A flow that all images share takes nothing of the encoder: it gives (mu, s) alone. */
static void shared_flows_see_no_image(void **state)
{
    static const char *const kind[] = {"planar", "radial", "householder", "sylvester", "iaf"};
    (void)state;
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++) {
        char settings[64];
        bench *b;
        set_up((void **)&b);
        snprintf(settings, sizeof settings, "flow: %s, flow_amortised: false", kind[i]);
        fixture f = make(b, settings);
        int64_t width = rv_net_output_shape(f.model->net[0]).dim[0];
        if (width != (int64_t)2 * Z)
            fail_msg("%s: the encoder gives %lld numbers, not %d", kind[i], (long long)width,
                     2 * Z);
        release(&f);
        tear_down((void **)&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_average_to_the_evidence),
        cmocka_unit_test(a_flow_of_no_steps_is_none),
        cmocka_unit_test(a_rotation_keeps_the_closed_kl),
        cmocka_unit_test(shared_flows_see_no_image),
        cmocka_unit_test_setup_teardown(what_cannot_be_is_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
