/* Importance weights: against numpy, against exact evidence, in chunks, and where they cannot be
 * trusted. */
#include "golden.h"
#include "linear_model.h"

#include "inference/importance_weights.h"

enum { K_CHUNKS = 37 };

/* log w = 1e6 eps: an image's weights span millions of nats. */
static rv_expr wild_log_weight(rv_model *model, rv_expr x, const rv_latents *group, int64_t draws)
{
    (void)model, (void)x;
    rv_dist q = group[0].posterior;
    rv_expr eps = rv_div(rv_sub(rv_dist_sample_n(q, "z", draws), q.mu), rv_exp(q.log_sigma));
    rv_expr first = rv_cols(eps, 0, 1); /* [K,B,1] */
    rv_shape shape = rv_expr_shape(first);
    return rv_scale(rv_reshape(first, rv_shape2(shape.dim[0], shape.dim[1])), 1e6);
}

static const rv_model_kind wild = {.name = "wild", .encode = encode, .log_weight = wild_log_weight};
/* log w = log(-1) from the third draw on. */
static rv_expr broken_log_weight(rv_model *model, rv_expr x, const rv_latents *group, int64_t draws)
{
    rv_expr log_w = rv_scale(wild_log_weight(model, x, group, draws), 0);
    rv_expr row[2] = {rv_slice(log_w, 0, 0, 2, 1),
                      rv_log(rv_shift(rv_slice(log_w, 0, 2, draws, 1), -1))};
    return rv_concat(row, 2, 0);
}

static const rv_model_kind broken = {
    .name = "broken", .encode = encode, .log_weight = broken_log_weight};
static const rv_model_kind blind = {.name = "blind"};

static rv_importance estimate(fixture *f, int64_t samples, int64_t images, int64_t rows)
{
    rv_importance found;
    rv_importance_config config = rv_importance_defaults();
    config.samples = samples;
    config.images = images;
    config.rows = rows;
    rv_importance_estimate(&f->model, f->source, &config, &found);
    check_ok(f->context);
    return found;
}

/* ---- weights ---- */

static rv_importance_example stream(const double *log_weights, int64_t count)
{
    weights w;
    size_t kept = (size_t)weights_tail(count) + 1;
    float *heap = malloc(kept * sizeof *heap);
    double *work = malloc(kept * sizeof *work);
    weights_begin(&w, count, heap);
    for (int64_t k = 0; k < count; k++)
        weights_add(&w, (float)log_weights[k]);
    rv_importance_example example = weights_example(&w, work);
    free(heap);
    free(work);
    return example;
}

static void test_weights_against_numpy(void **state)
{
    const char *const names[] = {"near", "wide", "poor", "heavy", "light", "pareto", "few"};
    golden g = golden_open("inference/values.txt");
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char name[64];
        rv_shape shape, four;
        snprintf(name, sizeof name, "%s.log_weights", names[i]);
        double *values = golden_read(&g, name, &shape);
        snprintf(name, sizeof name, "%s.numbers", names[i]);
        double *numbers = golden_read(&g, name, &four);
        rv_importance_example e = stream(values, shape.dim[0]);
        check_near(e.bound, numbers[0], 1e-9 * fabs(numbers[0]), names[i]);
        check_near(e.elbo, numbers[1], 1e-9 * fabs(numbers[1]), names[i]);
        check_near(e.effective, numbers[2], 1e-8 * numbers[2], names[i]);
        check_near(e.khat, numbers[3], 1e-8, names[i]);
        free(values);
        free(numbers);
    }
    golden_free(&g);
}

static void test_extreme_weights(void **state)
{
    enum { COUNT = 200 };
    double values[COUNT];
    (void)state;
    for (int k = 0; k < COUNT; k++)
        values[k] = k == 77 ? 3 : -5000.0 * (k + 1);
    rv_importance_example one = stream(values, COUNT);
    check_near(one.bound, 3 - log(COUNT), 1e-12, "one weight is all");
    check_near(one.effective, 1, 1e-12, "effective sample size of one");
    assert_true(isinf(one.khat) && one.khat > 0);
    for (int k = 0; k < COUNT; k++)
        values[k] = -7;
    rv_importance_example alike = stream(values, COUNT);
    check_near(alike.bound, -7, 1e-12, "equal weights");
    check_near(alike.effective, COUNT, 1e-9, "effective sample size of all");
    check_near(alike.khat, 0, 0, "k-hat of equal weights");
    values[5] = -INFINITY;
    check_near(stream(values, COUNT).bound, -7 + log((COUNT - 1.0) / COUNT), 1e-12,
               "a weight of 0");
    for (int k = 0; k < COUNT; k++)
        values[k] = 0.01 * k;
    assert_false(isnan(stream(values, 25).khat));
    assert_true(isnan(stream(values, 20).khat)); /* a tail of four */
    for (int k = 0; k < COUNT; k++)
        values[k] = k < 3 ? 9 + k : -7;
    assert_true(isnan(stream(values, COUNT).khat)); /* three that stand out of the rest */
}

/* ---- L_K of the linear model ---- */

static void test_bounds_rise_to_the_evidence(void **state)
{
    enum { IMAGES = 300 };
    const int64_t samples[] = {1, 5, 50, 2000};
    double before = -INFINITY, evidence = 0, bound = 0;
    (void)state;
    fixture f = open_model(&linear, ENCODER_OFF);
    for (int i = 0; i < IMAGES; i++) {
        float x[D];
        read_pixels(&f, i, x);
        evidence += log_evidence(x) / IMAGES;
    }
    for (int i = 0; i < 4; i++) {
        rv_importance found = estimate(&f, samples[i], IMAGES, 0);
        bound = rv_values_number(&found.values, "log_px");
        if (!(bound > before && bound < evidence + 0.005))
            fail_msg("L_%d is %.6f: before it %.6f, log p(x) %.6f", (int)samples[i], bound, before,
                     evidence);
        before = bound;
        rv_importance_free(&found);
    }
    check_near(bound, evidence, 0.02, "L_2000");
    close_model(&f);
}

/* At p(z|x) itself every weight is p(x). */
static void test_exact_posterior(void **state)
{
    (void)state;
    fixture f = open_model(&linear, ENCODER_FULL);
    rv_importance found = estimate(&f, 200, 10, 0);
    for (int i = 0; i < 10; i++) {
        float x[D];
        read_pixels(&f, i, x);
        check_near(found.each[i].bound, log_evidence(x), 1e-4, "L_K at the posterior");
        check_near(found.each[i].effective, 200, 1e-3, "effective sample size at the posterior");
    }
    assert_true(rv_values_number(&found.values, "khat_warning") == 0);
    rv_importance_free(&found);
    close_model(&f);
}

static void test_chunks_do_not_matter(void **state)
{
    const int64_t rows[] = {1, 7, 20, 64, 513, 100000};
    (void)state;
    fixture f = open_model(&linear, ENCODER_OFF);
    rv_importance whole = estimate(&f, K_CHUNKS, 11, 0);
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        rv_importance found = estimate(&f, K_CHUNKS, 11, rows[r]);
        for (int i = 0; i < 11; i++) {
            check_near(found.each[i].bound, whole.each[i].bound, 1e-5, "L_K in chunks");
            check_near(found.each[i].effective, whole.each[i].effective, 1e-3, "ESS in chunks");
            check_near(found.each[i].khat, whole.each[i].khat, 1e-4, "k-hat in chunks");
        }
        rv_importance_free(&found);
    }
    /* the first images of more are the same images */
    rv_importance more = estimate(&f, K_CHUNKS, 30, 0);
    check_near(more.each[10].bound, whole.each[10].bound, 1e-5, "image 10 of 30");
    rv_importance_free(&more);
    rv_importance_free(&whole);
    close_model(&f);
}

static void test_summary(void **state)
{
    (void)state;
    fixture f = open_model(&linear, ENCODER_OFF);
    rv_importance found = estimate(&f, 400, 7, 0);
    double mean = 0, squares = 0, share = 0, least = INFINITY;
    for (int i = 0; i < 7; i++) {
        mean += found.each[i].bound / 7;
        share += found.each[i].effective / (7.0 * 400);
        least = fmin(least, found.each[i].effective);
    }
    for (int i = 0; i < 7; i++)
        squares += (found.each[i].bound - mean) * (found.each[i].bound - mean);
    const rv_value *bound = rv_values_find(&found.values, "log_px");
    check_near(bound->value, mean, 1e-9, "mean of L_K");
    check_near(bound->error, sqrt(squares / 6 / 7), 1e-9, "its standard error");
    check_near(rv_values_number(&found.values, "ess_share"), share, 1e-9,
               "share of the effective samples");
    check_near(rv_values_number(&found.values, "ess_least"), least, 0,
               "least effective sample size");
    double middle = rv_values_number(&found.values, "ess_median");
    assert_true(middle >= least && middle <= 400);
    rv_importance_free(&found);
    close_model(&f);
}

static void test_weights_that_span_millions_of_nats(void **state)
{
    (void)state;
    fixture f = open_model(&wild, ENCODER_OFF);
    rv_importance found = estimate(&f, 3000, 4, 0);
    for (int i = 0; i < 4; i++) {
        /* the largest of 3,000 normals, times 1e6, less log K */
        assert_true(found.each[i].bound > 2.5e6 && found.each[i].bound < 6e6);
        assert_true(found.each[i].effective >= 1 && found.each[i].effective < 1.5);
        assert_true(found.each[i].khat > RV_KHAT_LIMIT);
        check_near(found.each[i].elbo, 0, 1e5, "mean of log w");
    }
    const rv_value *bound = rv_values_find(&found.values, "log_px");
    assert_true(isfinite(bound->value) && isfinite(bound->error));
    check_near(rv_values_number(&found.values, "khat_above"), 1, 0, "share of heavy tails");
    assert_true(rv_values_number(&found.values, "khat_warning") == 1);
    rv_importance_free(&found);
    close_model(&f);
}

/* ---- stopping, bad input ---- */

static void test_progress_and_stop(void **state)
{
    (void)state;
    fixture f = open_model(&linear, ENCODER_OFF);
    rv_importance found;
    calls c = {0};
    rv_importance_config config = rv_importance_defaults();
    config.samples = 100;
    config.images = 9;
    config.rows = 50;
    config.listener = counting(&c);
    assert_int_equal(rv_importance_estimate(&f.model, f.source, &config, &found), RV_OK);
    assert_true(c.progress >= 9);
    check_near(c.share, 1, 1e-12, "share at the end");
    rv_importance_free(&found);
    c = (calls){.stop_at = 3};
    assert_int_equal(rv_importance_estimate(&f.model, f.source, &config, &found), RV_INTERRUPTED);
    check_error(f.context, RV_INTERRUPTED, "of 9 images");
    assert_null(found.each);
    close_model(&f);
}

static void test_bad_input(void **state)
{
    rv_importance found;
    rv_latents_report report;
    rv_gap gap;
    (void)state;
    fixture f = open_model(&linear, ENCODER_OFF);
    rv_importance_config config = rv_importance_defaults();
    config.samples = 0;
    assert_int_equal(rv_importance_estimate(&f.model, f.source, &config, &found), RV_BAD_USAGE);
    check_error(f.context, RV_BAD_USAGE, "at least 1 draw");
    rv_gap_config gap_config = rv_gap_defaults();
    gap_config.svi.starts = 0;
    assert_int_equal(rv_gap_estimate(&f.model, f.source, &gap_config, &gap), RV_BAD_USAGE);
    check_error(f.context, RV_BAD_USAGE, "at least 1 step");
    rv_latents_config latents = rv_latents_defaults();
    latents.group = 1;
    assert_int_equal(rv_latents_analyse(&f.model, f.source, &latents, &report), RV_BAD_USAGE);
    check_error(f.context, RV_BAD_USAGE, "1 groups of latents, not 2");
    f.model.kind = &broken;
    config.samples = 5;
    assert_int_equal(rv_importance_estimate(&f.model, f.source, &config, &found), RV_NOT_FINITE);
    check_error(f.context, RV_NOT_FINITE, "image 0: a log-weight is not a number");
    f.model.kind = &blind;
    config.samples = latents.group = 0;
    config.samples = 5;
    assert_int_equal(rv_importance_estimate(&f.model, f.source, &config, &found), RV_BAD_USAGE);
    check_error(f.context, RV_BAD_USAGE, "no encoder");
    assert_int_equal(rv_latents_analyse(&f.model, f.source, &latents, &report), RV_BAD_USAGE);
    check_error(f.context, RV_BAD_USAGE, "no encoder");
    close_model(&f);
    f = open_model(&linear, ENCODER_FULL);
    gap_config = rv_gap_defaults();
    assert_int_equal(rv_gap_estimate(&f.model, f.source, &gap_config, &gap), RV_BAD_USAGE);
    check_error(f.context, RV_BAD_USAGE, "diagonal Gaussian");
    close_model(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_against_numpy),
        cmocka_unit_test(test_extreme_weights),
        cmocka_unit_test(test_bounds_rise_to_the_evidence),
        cmocka_unit_test(test_exact_posterior),
        cmocka_unit_test(test_chunks_do_not_matter),
        cmocka_unit_test(test_summary),
        cmocka_unit_test(test_weights_that_span_millions_of_nats),
        cmocka_unit_test(test_progress_and_stop),
        cmocka_unit_test(test_bad_input),
    };
    return cmocka_run_group_tests_name("eval_inference", tests, NULL, NULL);
}
