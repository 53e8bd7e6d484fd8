/* PixelVAEs on images so small that all of them can be listed, and latents so few that p(x) is an
 * integral on a line: what is bounded, drawn and seen against what is exact. */
#include "graph_bench.h"

#include "reverie/config.h"
#include "reverie/eval.h"

enum { PIXELS_MOST = 16, IMAGES = 512, POINTS = 321 };

typedef struct fixture {
    rv_context *context;
    rv_config *config;
    rv_model *model;
    int64_t pixels, latents;
} fixture;

#define ENCODER "model: pixelvae\nencoder: [linear 5, tanh]\n"
#define WORDS   "layers: ['gated 3 k3 strict: true', gated 3 k3, causal 3 k3, tanh]\n"
static const char context[] = ENCODER WORDS;
static const char map[] = ENCODER WORDS "decoder: [linear 6, tanh, reshape 6 1 1, deconv 2 k3]\n";
static const char wide_map[] =
    ENCODER WORDS "decoder: [linear 4, tanh, reshape 4 1 1, deconv 2 k4]\n";
static const char *const forms[] = {context, map};

/* The model of a recipe over small images with weights drawn afresh. */
static void begin(fixture *f, const char *backend, const char *recipe, int64_t side,
                  const char *latents, double scale)
{
    f->context = rv_context_new();
    rv_context_set_backend(f->context, backend);
    rv_context_set_threads(f->context, 1); /* tiny programs: nothing to share */
    f->pixels = side * side;
    rv_config_new(f->context, &f->config);
    rv_config_parse(f->config, recipe, "recipe");
    rv_config_set(f->config, latents);
    const rv_settings *settings = rv_config_settings(f->config);
    check_ok(f->context);
    rv_data_sizes sizes = {side, side, 1, 0, 0, 1, 0, 0, 0, 0};
    rv_model_new(f->context, settings->model, settings->model_config, sizes, &f->model);
    check_ok(f->context);
    f->latents = f->model->kind->latent_width(f->model);
    for (int i = 0; i < rv_params_count(f->model->params); i++) {
        rv_param *p = rv_params_at(f->model->params, i);
        int64_t size = rv_shape_size(rv_param_shape(p));
        double *values = random_array((uint64_t)i + 3, size, -scale, scale);
        rv_param_write_double(p, values, (size_t)size);
        free(values);
    }
}

static void end(fixture *f)
{
    rv_model_free(f->model);
    rv_config_free(f->config);
    rv_context_free(f->context);
}

/* All images of black and white, [2^pixels,pixels]. */
static float *every_image(int64_t pixels)
{
    int64_t count = (int64_t)1 << pixels;
    float *x = malloc(sizeof(float) * (size_t)(count * pixels));
    for (int64_t i = 0; i < count * pixels; i++)
        x[i] = (float)(i / pixels >> i % pixels & 1);
    return x;
}

/* log p(x|z) of `count` images at each of `points` z [points,Z]: out [points,count]. */
static void log_likelihood(const fixture *f, const float *images, int64_t count, const float *z,
                           int64_t points, double *out)
{
    rv_graph *graph = rv_graph_new(f->context);
    rv_program *program;
    rv_expr x = rv_input(graph, "x", RV_F32, rv_shape2(count, f->pixels));
    rv_expr at = rv_input(graph, "z", RV_F32, rv_shape3(1, 1, f->latents));
    rv_draws drawn = {.levels = 1, .z = {rv_broadcast_to(at, rv_shape3(1, count, f->latents))}};
    rv_expr each = f->model->kind->latent.log_likelihood(f->model, x, &drawn, RV_EVALUATE);
    rv_compile(graph, &each, 1, NULL, &program);
    check_ok(f->context);
    rv_bind(program, "x", images, (size_t)(count * f->pixels));
    for (int64_t i = 0; i < points; i++) {
        rv_bind(program, "z", z + i * f->latents, (size_t)f->latents);
        assert_int_equal(rv_run(program), RV_OK);
        rv_read_double(program, 0, out + i * count, (size_t)count);
    }
    rv_program_free(program);
    rv_graph_free(graph);
}

static void check_sums(const char *recipe, const char *backend, int64_t side, double tolerance)
{
    enum { Z = 3, POINTS_OF_Z = 2 };
    static const float z[POINTS_OF_Z * Z] = {0.3F, -2, 1.1F, -1.7F, 0.4F, 2.5F};
    fixture f;
    begin(&f, backend, recipe, side, "latent=3", 1.5);
    int64_t count = (int64_t)1 << f.pixels;
    float *images = every_image(f.pixels);
    double *each = malloc(sizeof *each * (size_t)(POINTS_OF_Z * count)), sum[POINTS_OF_Z] = {0};
    log_likelihood(&f, images, count, z, POINTS_OF_Z, each);
    for (int64_t i = 0; i < POINTS_OF_Z * count; i++)
        sum[i / count] += exp(each[i]);
    for (int i = 0; i < POINTS_OF_Z; i++)
        check_near(sum[i], 1, tolerance, recipe);
    assert_true(fabs(each[0] - each[count]) > 1e-3); /* and z matters */
    free(each);
    free(images);
    end(&f);
}

static void probabilities_given_latents_sum_to_one(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        check_sums(forms[i], "reference", 3, 1e-9);
    check_sums(context, "cpu", 4, 1e-5);
    check_sums(wide_map, "cpu", 4, 1e-5);
}

/* ---- what a pixel sees ---- */

/* The logits of the pixels as the model's net gives them, [N,D]. */
static rv_expr logits(const fixture *f, rv_expr x, rv_expr z, int64_t side)
{
    int count;
    rv_net *const *nets = rv_model_nets(f->model, &count);
    rv_expr c = count == 3 ? rv_net_apply(nets[1], z, RV_EVALUATE) : z;
    rv_expr image = rv_reshape(x, rv_shape4(rv_dim(x, 0), side, side, 1));
    return rv_flatten(rv_net_apply_given(nets[count - 1], image, c, RV_EVALUATE));
}

/* d logit_t / dx_s is exactly 0 for s >= t, and not for all s < t; each latent moves each pixel. */
static void pixels_see_those_before_and_the_latents(void **state)
{
    enum { SIDE = 3, D = 9, Z = 2 };
    (void)state;
    for (int i = 0; i < 2; i++) {
        fixture f;
        rv_expr output[2 * D];
        rv_program *program;
        double of_x[D], of_z[Z];
        float x[D], z[Z] = {0.4F, -0.9F};
        begin(&f, "reference", forms[i], SIDE, "latent=2", 1.5);
        rv_graph *graph = rv_graph_new(f.context);
        rv_expr input[2] = {rv_input(graph, "x", RV_F32, rv_shape2(1, D)),
                            rv_input(graph, "z", RV_F32, rv_shape2(1, Z))};
        rv_expr all = logits(&f, input[0], input[1], SIDE);
        for (int t = 0; t < D; t++)
            rv_grad(rv_sum(rv_cols(all, t, t + 1), rv_all_axes(all)), input, 2, output + 2 * t);
        rv_compile(graph, output, 2 * D, NULL, &program);
        check_ok(f.context);
        for (int s = 0; s < D; s++)
            x[s] = s % 2 == 0;
        rv_bind(program, "x", x, D);
        rv_bind(program, "z", z, Z);
        assert_int_equal(rv_run(program), RV_OK);
        for (int t = 0; t < D; t++) {
            int seen = 0;
            rv_read_double(program, 2 * t, of_x, D);
            rv_read_double(program, 2 * t + 1, of_z, Z);
            for (int s = 0; s < D; s++) {
                seen += of_x[s] != 0;
                assert_true(s < t || of_x[s] == 0);
            }
            assert_true(t == 0 || seen > 0);
            assert_true(of_z[0] != 0 && of_z[1] != 0);
        }
        rv_program_free(program);
        rv_graph_free(graph);
        end(&f);
    }
}

/* ---- one latent: p(x) is an integral ---- */

/* p(x) = int p(x|z) p(z) dz of all 3x3 images, [512], by the trapezoid rule on [-8,8]. */
static void evidence(const fixture *f, const float *images, double *p)
{
    double *each = malloc(sizeof *each * POINTS * IMAGES), step = 16.0 / (POINTS - 1);
    float z[POINTS];
    for (int i = 0; i < POINTS; i++)
        z[i] = (float)(-8 + step * i);
    log_likelihood(f, images, IMAGES, z, POINTS, each);
    memset(p, 0, IMAGES * sizeof *p);
    for (int64_t i = 0; i < (int64_t)POINTS * IMAGES; i++) {
        double at = (double)z[i / IMAGES];
        p[i % IMAGES] += step * exp(each[i] - 0.5 * at * at) / sqrt(2 * acos(-1));
    }
    free(each);
}

/* Of one image: the mean and the log mean exp of K log weights, and the errors of both. */
typedef struct bound {
    double elbo, elbo_error, importance, importance_error;
} bound;

static bound bound_of(const double *log_w, int64_t draws, int64_t stride)
{
    double most = -INFINITY, sum[2] = {0, 0}, square[2] = {0, 0};
    double n = (double)draws;
    for (int64_t k = 0; k < draws; k++)
        most = fmax(most, log_w[k * stride]);
    for (int64_t k = 0; k < draws; k++) {
        double value[2] = {log_w[k * stride], exp(log_w[k * stride] - most)};
        for (int i = 0; i < 2; i++) {
            sum[i] += value[i] / n;
            square[i] += value[i] * value[i] / n;
        }
    }
    return (bound){sum[0], sqrt((square[0] - sum[0] * sum[0]) / n), most + log(sum[1]),
                   sqrt((square[1] - sum[1] * sum[1]) / n) / sum[1]};
}

/* The ELBO is below log p(x), and L_K is log p(x) up to its error, of B images. */
static void check_bounds(const fixture *f, const float *images, const double *p, const char *what)
{
    enum { K = 4000, B = 8 };
    bench b = {.context = f->context, .graph = rv_graph_new(f->context)};
    rv_latents group;
    int groups;
    rv_expr x = rv_evaluation_images(f->model, b.graph, B);
    f->model->kind->encode(f->model, x, &group, &groups);
    rv_expr log_w = rv_model_log_weight(f->model, x, &group, K); /* [K,B] */
    rv_compile(b.graph, &log_w, 1, NULL, &b.program);
    check_ok(f->context);
    rv_bind(b.program, "x", images, (size_t)(B * f->pixels));
    rv_bind_random(b.program, 9, 0, 0, 0);
    assert_int_equal(rv_run(b.program), RV_OK);
    double *weights = read(&b, 0, (int64_t)K * B), gap = 0;
    for (int i = 0; i < B; i++) {
        bound of = bound_of(weights + i, K, B);
        assert_true(of.elbo - 5 * of.elbo_error <= log(p[i]));
        gap += log(p[i]) - of.elbo;
        check_near(of.importance, log(p[i]), 5 * of.importance_error + 1e-4, what);
        assert_true(of.importance_error < 0.1);
    }
    assert_true(gap > 0.1); /* this q is not the posterior */
    free(weights);
    rv_program_free(b.program);
    rv_graph_free(b.graph);
}

/* Pearson's chi-squared of draws of the prior against p(x), within five deviations of its degrees
 * of freedom; images that are expected less than five times count as one. */
static void check_draws(const fixture *f, const double *p, const char *what)
{
    enum { DRAWS = 20000 };
    float *images = malloc(sizeof(float) * DRAWS * (size_t)f->pixels);
    int cells = 0, seen[IMAGES] = {0};
    double statistic = 0, rare_expected = 0, rare_seen = 0;
    assert_int_equal(rv_view_generate(f->model, 5, DRAWS, images), RV_OK);
    for (int64_t n = 0; n < DRAWS; n++) {
        int code = 0;
        for (int d = 0; d < f->pixels; d++)
            code |= (images[n * f->pixels + d] != 0) << d;
        seen[code]++;
    }
    for (int i = 0; i < IMAGES; i++) {
        double expected = DRAWS * p[i];
        if (expected >= 5) {
            statistic += (seen[i] - expected) * (seen[i] - expected) / expected;
            cells++;
        } else {
            rare_expected += expected;
            rare_seen += seen[i];
        }
    }
    if (rare_expected > 5)
        statistic += (rare_seen - rare_expected) * (rare_seen - rare_expected) / rare_expected;
    assert_true(cells > 20);
    check_near(statistic, cells, 5 * sqrt(2.0 * cells), what);
    free(images);
}

static void bounds_and_draws_follow_the_integral(void **state)
{
    float *images = every_image(9);
    (void)state;
    for (int i = 0; i < 2; i++) {
        fixture f;
        double p[IMAGES], sum = 0;
        begin(&f, "cpu", forms[i], 3, "latent=1", 0.8);
        evidence(&f, images, p);
        for (int k = 0; k < IMAGES; k++)
            sum += p[k];
        check_near(sum, 1, 1e-5, forms[i]);
        check_bounds(&f, images, p, forms[i]);
        check_draws(&f, p, forms[i]);
        end(&f);
    }
    free(images);
}

/* ---- images of latents ---- */

/* The oracle: a pass through the nets for each pixel, with the noise of decode. */
static void draw_every_pass(const fixture *f, const float *z, int64_t count, int64_t side, float *x)
{
    rv_graph *graph = rv_graph_new(f->context);
    rv_program *program;
    rv_shape shape = rv_shape2(count, f->pixels);
    rv_expr u = rv_draw_uniform(graph, "pixels", rv_shape1(f->pixels), (rv_draw_axes){-1, -1});
    rv_expr p =
        rv_sigmoid(logits(f, rv_input(graph, "x", RV_F32, shape),
                          rv_input(graph, "z", RV_F32, rv_shape2(count, f->latents)), side));
    rv_expr next = rv_cast(rv_less(rv_broadcast_to(u, shape), p), RV_F32);
    rv_compile(graph, &next, 1, NULL, &program);
    check_ok(f->context);
    rv_bind(program, "z", z, (size_t)(count * f->latents));
    rv_bind_random(program, 0, 0, 0, 0);
    memset(x, 0, sizeof *x * (size_t)(count * f->pixels));
    for (int64_t d = 0; d < f->pixels; d++) {
        rv_bind(program, "x", x, (size_t)(count * f->pixels));
        assert_int_equal(rv_run(program), RV_OK);
        rv_read(program, 0, x, (size_t)(count * f->pixels));
    }
    rv_program_free(program);
    rv_graph_free(graph);
}

/* Images of latents are those of all passes; the same z gives the same image wherever it stands,
 * and draws of the prior have their own noise. */
static void check_images_of_latents(const char *recipe)
{
    enum { N = 300, SIDE = 4, D = 16, Z = 2, OTHER = 299 };
    fixture f;
    static float z[N * Z], x[N * D], all[N * D], alone[D];
    int distinct = 0;
    begin(&f, "cpu", recipe, SIDE, "latent=2", 1.5);
    assert_true(rv_model_has(f.model, RV_DECODER | RV_ENCODER));
    assert_int_equal(rv_view_generate_passes(f.model), 1);
    for (int i = 0; i < N * Z; i++)
        z[i] = (float)((i / Z % 5) - 2 + i % Z);
    assert_int_equal(rv_view_decode(f.model, z, N, x), RV_OK);
    draw_every_pass(&f, z, N, SIDE, all);
    assert_memory_equal(x, all, sizeof x);
    for (int i = 5; i < N; i++)
        assert_memory_equal(x + i * D, x + i % 5 * D, D * sizeof *x);
    for (int i = 1; i < 5; i++)
        distinct += memcmp(x, x + i * D, D * sizeof *x) != 0;
    assert_true(distinct > 0);
    assert_int_equal(rv_view_decode(f.model, z + OTHER * Z, 1, alone), RV_OK);
    assert_memory_equal(alone, x + OTHER * D, sizeof alone);
    assert_int_equal(rv_view_generate(f.model, 4, N, x), RV_OK);
    assert_int_equal(rv_view_generate(f.model, 4, 3, all), RV_OK);
    assert_memory_equal(x, all, 3 * D * sizeof *x);
    assert_int_equal(rv_view_generate(f.model, 5, 3, all), RV_OK);
    assert_memory_not_equal(x, all, 3 * D * sizeof *x);
    end(&f);
}

static void images_of_latents_differ_by_these_alone(void **state)
{
    (void)state;
    check_images_of_latents(context);
    check_images_of_latents(wide_map);
}

/* ---- what is refused ---- */

static void what_does_not_fit_is_refused(void **state)
{
    static const struct {
        const char *recipe;
        int64_t channels;
        int dequantised;
        const char *says;
    } bad[] = {
        {context, 3, 0, "of images with one channel, and these have 3"},
        {context, 1, 1, "of pixels that are levels"},
        {wide_map, 1, 0,
         "decoder gives [4,4,2] for each z, but the map that the pixels see is "
         "[3,3,C]"},
        {ENCODER WORDS "decoder: [linear 9]\n", 1, 0, "decoder gives [9] for each z"},
        {ENCODER "layers: [causal 3 k3]\n", 1, 0, "strict: true"},
        {ENCODER "layers: [conv 3 k3 p1]\n", 1, 0, "mixes pixels"},
        {ENCODER WORDS "posterior: {flow: planar}\nobjective: {free_bits: 1}\n", 1, 0,
         "set posterior.flow=none or objective.free_bits=0"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rv_context *c = rv_context_new();
        rv_config *config;
        rv_model *model;
        rv_data_sizes sizes = {3, 3, bad[i].channels, 0, 0, 1, 0, bad[i].dequantised, 0, 0};
        rv_config_new(c, &config);
        rv_config_parse(config, bad[i].recipe, "recipe");
        const rv_settings *settings = rv_config_settings(config);
        check_ok(c);
        assert_int_equal(rv_model_new(c, settings->model, settings->model_config, sizes, &model),
                         RV_BAD_USAGE);
        check_error(c, RV_BAD_USAGE, bad[i].says);
        rv_config_free(config);
        rv_context_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probabilities_given_latents_sum_to_one),
        cmocka_unit_test(pixels_see_those_before_and_the_latents),
        cmocka_unit_test(bounds_and_draws_follow_the_integral),
        cmocka_unit_test(images_of_latents_differ_by_these_alone),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
