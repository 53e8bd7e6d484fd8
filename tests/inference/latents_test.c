/* What latents hold, against brute force; the parts of the gap, against closed forms. */
#include "distributions/distribution.h"
#include "inference/aggregate_posterior.h"
#include "linear_model.h"

/* log p(x,z) = log of 0.9 N(z; 3, 0.09) + 0.1 N(z; -3, 0.09): log p(x) = 0, and a Gaussian that
 * fits one of the modes has the ELBO log 0.9 or log 0.1. */
static rv_expr two_modes(rv_model *model, rv_expr x, rv_expr z)
{
    rv_expr part[2];
    (void)model, (void)x;
    for (int i = 0; i < 2; i++) {
        rv_expr square = rv_sum(rv_square(rv_shift(z, i == 0 ? -3 : 3)), RV_AXIS(2)); /* [K,B] */
        part[i] =
            rv_shift(rv_scale(square, -0.5 / 0.09), log(i == 0 ? 0.9 : 0.1) - log(2 * M_PI * 0.09));
    }
    rv_expr most = rv_maximum(part[0], part[1]);
    return rv_add(most,
                  rv_log(rv_add(rv_exp(rv_sub(part[0], most)), rv_exp(rv_sub(part[1], most)))));
}

static const rv_model_kind forked = {.name = "forked", .encode = encode, .log_joint = two_modes};

/* ---- latents ---- */

typedef struct codes {
    int64_t count, width;
    float *mean, *spread, *z; /* [N,W] */
} codes;

/* The encoder's codes and the draws that the report takes. */
static codes draw_codes(fixture *f, int64_t count, uint64_t seed)
{
    rv_program *program;
    rv_graph *graph = rv_graph_new(f->context);
    rv_expr x = rv_input(graph, "x", RV_F32, rv_shape2(count, 784));
    float *images = malloc((size_t)count * 784 * sizeof *images);
    rv_source_fetch_range(f->source, 0, count, 0, images, NULL);
    rv_dist q = posterior(x);
    rv_expr outputs[] = {rv_dist_mean(q), q.kind == RV_DIST_BERNOULLI ? q.logits : q.log_sigma,
                         rv_dist_sample(q, "z")};
    rv_compile(graph, outputs, 3, NULL, &program);
    check_ok(f->context);
    rv_bind(program, "x", images, (size_t)count * 784);
    rv_bind_random(program, seed, 0, 0, 0);
    assert_int_equal(rv_run(program), RV_OK);
    codes c = {.count = count, .width = rv_expr_shape(outputs[0]).dim[1]};
    float **to[] = {&c.mean, &c.spread, &c.z};
    for (int i = 0; i < 3; i++) {
        *to[i] = malloc((size_t)(count * c.width) * sizeof(float));
        rv_read(program, i, *to[i], (size_t)(count * c.width));
    }
    rv_program_free(program);
    rv_graph_free(graph);
    free(images);
    return c;
}

static void free_codes(codes *c)
{
    free(c->mean);
    free(c->spread);
    free(c->z);
}

static double component(const codes *c, int64_t i, int64_t j, int binary)
{
    double sum = 0;
    for (int64_t d = 0; d < c->width; d++) {
        double z = (double)c->z[i * c->width + d], t = (double)c->spread[j * c->width + d];
        double eps = (z - (double)c->mean[j * c->width + d]) / exp(t);
        sum += binary ? z * t - log1p(exp(t)) : -0.5 * eps * eps - t - 0.5 * log(2 * M_PI);
    }
    return sum;
}

/* log q(z_i), pair by pair. */
static double log_aggregate(const codes *c, int64_t i, int binary)
{
    double most = -INFINITY, sum = 0;
    for (int64_t j = 0; j < c->count; j++)
        most = fmax(most, component(c, i, j, binary));
    for (int64_t j = 0; j < c->count; j++)
        sum += exp(component(c, i, j, binary) - most);
    return most + log(sum / (double)c->count);
}

static double brute_information(const codes *c, int binary)
{
    double sum = 0;
    for (int64_t i = 0; i < c->count; i++)
        sum += component(c, i, i, binary) - log_aggregate(c, i, binary);
    return sum / (double)c->count;
}

static rv_latents_report analyse(fixture *f, int64_t images)
{
    rv_latents_report report;
    rv_latents_config config = rv_latents_defaults();
    config.images = images;
    rv_latents_analyse(&f->model, f->source, &config, &report);
    check_ok(f->context);
    return report;
}

static double number(const rv_latents_report *report, const char *name)
{
    return rv_values_number(&report->values, name);
}

static void test_information_by_brute_force(void **state)
{
    const encoder which[] = {ENCODER_OFF, ENCODER_SHARP, ENCODER_BINARY};
    enum { IMAGES = 700 }; /* more than a block of queries */
    (void)state;
    for (int i = 0; i < 3; i++) {
        fixture f = open_model(&linear, which[i]);
        codes c = draw_codes(&f, IMAGES, 1);
        rv_latents_report report = analyse(&f, IMAGES);
        double information = brute_information(&c, which[i] == ENCODER_BINARY);
        check_near(number(&report, "information"), information, 1e-4, "information");
        check_near(number(&report, "information_most"), log(IMAGES), 1e-12, "log N");
        assert_true(information > 0.05 && information < log(IMAGES) - 0.3); /* it says something */
        free_codes(&c);
        rv_latents_report_free(&report);
        close_model(&f);
    }
}

/* I + KL(q(z) || p(z)) = average KL, to the last digit; and the second part errs far less than it
 * would as the mean of log q(z) - log p(z) at the draws. */
static void test_parts_add_up(void **state)
{
    (void)state;
    fixture f = open_model(&linear, ENCODER_OFF);
    codes c = draw_codes(&f, 2000, 1);
    rv_latents_report report = analyse(&f, 2000);
    double kl = 0, at_draws = 0, squares = 0,
           sum = number(&report, "information") + number(&report, "marginal_kl");
    for (int64_t i = 0; i < c.count; i++) {
        double log_ratio = 0;
        for (int64_t d = 0; d < c.width; d++) {
            double z = (double)c.z[i * c.width + d], mu = (double)c.mean[i * c.width + d],
                   t = (double)c.spread[i * c.width + d];
            kl += (0.5 * (mu * mu + exp(2 * t) - 1) - t) / (double)c.count;
            log_ratio += 0.5 * z * z - 0.5 * pow((z - mu) * exp(-t), 2) - t;
        }
        at_draws += log_ratio / (double)c.count;
        squares += log_ratio * log_ratio / (double)c.count;
    }
    check_near(number(&report, "kl"), kl, 1e-5, "average KL");
    check_near(sum, number(&report, "kl"), 1e-12, "the parts against the average KL");
    double error = sqrt((squares - at_draws * at_draws) / (double)c.count);
    check_near(at_draws, kl, 4 * error, "the average KL at the draws");
    assert_true(rv_values_find(&report.values, "marginal_kl")->error < error);
    free_codes(&c);
    rv_latents_report_free(&report);
    close_model(&f);
}

static void test_units(void **state)
{
    (void)state;
    fixture f = open_model(&linear, ENCODER_SHARP);
    codes c = draw_codes(&f, 300, 1);
    rv_latents_report report = analyse(&f, 300);
    double mean = 0, squares = 0;
    for (int64_t i = 0; i < 300; i++)
        mean += (double)c.mean[3 * i + 1] / 300;
    for (int64_t i = 0; i < 300; i++)
        squares += pow((double)c.mean[3 * i + 1] - mean, 2);
    assert_int_equal(report.width, 3);
    assert_int_equal(number(&report, "active_units"), 2);
    assert_true(report.unit[0].is_active && report.unit[1].is_active && !report.unit[2].is_active);
    check_near(report.unit[1].variance, squares / 300, 1e-6, "variance of a mean");
    check_near(report.unit[1].deviation, 0.3, 1e-6, "mean deviation");
    check_near(report.unit[2].kl, 0.125, 1e-6, "KL of N(0.5, 1)");
    check_near(report.unit[0].kl + report.unit[1].kl + report.unit[2].kl, number(&report, "kl"),
               1e-4, "KL of all units");
    free_codes(&c);
    rv_latents_report_free(&report);
    close_model(&f);
    f = open_model(&linear, ENCODER_FULL);
    report = analyse(&f, 50);
    assert_true(isnan(number(&report, "information")) && isnan(number(&report, "marginal_kl")) &&
                isfinite(number(&report, "kl")));
    rv_latents_report_free(&report);
    close_model(&f);
}

/* ---- the gap ---- */

static void test_gap_of_a_known_model(void **state)
{
    enum { IMAGES = 70 }; /* more than a block */
    rv_gap gap;
    exact e = posterior_precision();
    double wanted = 0, amortised = 0, evidence = 0;
    (void)state;
    fixture f = open_model(&linear, ENCODER_OFF);
    rv_gap_config config = rv_gap_defaults();
    config.images = IMAGES;
    config.samples = 2000;
    config.svi.steps = 400;
    rv_gap_estimate(&f.model, f.source, &config, &gap);
    check_ok(f.context);
    for (int i = 0; i < IMAGES; i++) {
        float x[D];
        double mean[2] = {0}, best[2], variance[2], wide[2];
        read_pixels(&f, i, x);
        for (int j = 0; j < 2; j++) {
            for (int d = 0; d < D; d++)
                mean[j] += mean_weight(j, d) * (double)x[d];
            best[j] = mean[j];
            mean[j] = 0.8 * mean[j] + 0.1;
            variance[j] = 1 / e.precision[j][j];
            wide[j] = 1.3 / e.precision[j][j];
        }
        wanted += exact_elbo(x, best, variance) / IMAGES;
        amortised += exact_elbo(x, mean, wide) / IMAGES;
        evidence += log_evidence(x) / IMAGES;
        check_near(gap.each[i].svi_elbo, exact_elbo(x, best, variance), 0.1, "ELBO of a fit");
    }
    check_near(exact_elbo((float[D]){0}, (double[2]){0}, (double[2]){0.1, 0.1}),
               log_evidence((float[D]){0}) - (0.05 * (e.precision[0][0] + e.precision[1][1]) - 1 -
                                              log(0.1) - 0.5 * log(e.determinant)),
               1e-9, "the closed form");
    check_near(rv_values_number(&gap.values, "svi_elbo"), wanted, 0.02, "SVI");
    check_near(rv_values_number(&gap.values, "elbo"), amortised, 0.05, "ELBO");
    check_near(rv_values_number(&gap.values, "approximation_gap"),
               0.5 * (log(e.precision[0][0] * e.precision[1][1]) - log(e.determinant)), 0.02,
               "approximation gap");
    check_near(rv_values_number(&gap.values, "amortisation_gap"), wanted - amortised, 0.05,
               "amortisation gap");
    check_near(fmax(rv_values_number(&gap.values, "log_px"),
                    rv_values_number(&gap.values, "log_px_by_svi")),
               evidence, 0.02, "log p(x)");
    assert_true(rv_values_number(&gap.values, "amortisation_gap") > 0.1 &&
                rv_values_number(&gap.values, "approximation_gap") > 0.03);
    rv_gap_free(&gap);
    calls c = {.stop_at = 20};
    config.listener = counting(&c);
    assert_int_equal(rv_gap_estimate(&f.model, f.source, &config, &gap), RV_INTERRUPTED);
    check_error(f.context, RV_INTERRUPTED, "fitting posteriors");
    close_model(&f);
}

/* With enough starts the larger mode is found for nearly every image, and kept. */
static void test_best_start_is_kept(void **state)
{
    enum { IMAGES = 40 };
    rv_gap gap;
    int larger = 0, smaller = 0;
    (void)state;
    fixture f = open_model(&forked, ENCODER_OFF);
    rv_gap_config config = rv_gap_defaults();
    config.images = IMAGES;
    config.samples = 200;
    config.svi.starts = 6;
    config.svi.steps = 300;
    rv_gap_estimate(&f.model, f.source, &config, &gap);
    check_ok(f.context);
    for (int i = 0; i < IMAGES; i++) {
        larger += fabs(gap.each[i].svi_elbo - log(0.9)) < 0.1;
        smaller += fabs(gap.each[i].svi_elbo - log(0.1)) < 0.1;
    }
    if (larger + smaller < IMAGES || larger < IMAGES * 9 / 10)
        fail_msg("%d fits of the larger mode and %d of the smaller, of %d", larger, smaller,
                 (int)IMAGES);
    rv_gap_free(&gap);
    config.svi.starts = 1; /* one alone finds now this one, now that */
    rv_gap_estimate(&f.model, f.source, &config, &gap);
    for (int i = 0; i < IMAGES; i++)
        smaller += fabs(gap.each[i].svi_elbo - log(0.1)) < 0.1;
    assert_true(smaller > IMAGES / 8);
    rv_gap_free(&gap);
    close_model(&f);
}

/* ---- out of memory ---- */

typedef rv_status (*estimate)(fixture *f);

static rv_status estimate_importance(fixture *f)
{
    rv_importance found;
    rv_importance_config config = rv_importance_defaults();
    config.samples = config.images = 5;
    rv_status status = rv_importance_estimate(&f->model, f->source, &config, &found);
    rv_importance_free(&found);
    return status;
}

static rv_status estimate_latents(fixture *f)
{
    rv_latents_report found;
    rv_latents_config config = rv_latents_defaults();
    config.images = 5;
    rv_status status = rv_latents_analyse(&f->model, f->source, &config, &found);
    rv_latents_report_free(&found);
    return status;
}

static rv_status estimate_gap(fixture *f)
{
    rv_gap found;
    rv_gap_config config = rv_gap_defaults();
    config.samples = config.images = config.svi.steps = 2;
    rv_status status = rv_gap_estimate(&f->model, f->source, &config, &found);
    rv_gap_free(&found);
    return status;
}

/* An encoder whose posterior is of no kind. */
static rv_status encode_strangely(rv_model *model, rv_expr x, rv_latents *out, int *count)
{
    (void)model;
    out[0] = (rv_latents){"z", posterior(x), 2, NULL};
    out[0].posterior.kind = NULL;
    *count = 1;
    return RV_OK;
}

static const rv_model_kind strange = {
    .name = "strange", .encode = encode_strangely, .log_joint = log_joint};

static void test_unknown_kinds_are_refused(void **state)
{
    const estimate all[] = {estimate_importance, estimate_latents, estimate_gap};
    const float one[] = {1};
    (void)state;
    fixture f = open_model(&strange, ENCODER_OFF);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(all[i](&f), RV_BAD_USAGE);
        check_error(f.context, RV_BAD_USAGE, "a distribution of no kind has no");
    }
    double log_q;
    mixture m = {RV_DIST_NORMAL_FULL, 1, 1, one, one, one};
    assert_int_equal(mixture_log_density(f.context, &m, NULL, &log_q), RV_BAD_USAGE);
    check_error(f.context, RV_BAD_USAGE, "not known for a Normal with a full covariance");
    close_model(&f);
}

/* A distribution whose density is no polynomial is computed pair by pair. */
static void test_without_a_polynomial(void **state)
{
    enum { N = 40, W = 2 };
    float z[N * W], mean[N * W], spread[N * W];
    double fast[N], slow[N];
    const rv_listener nobody = {0};
    (void)state;
    fixture f = open_model(&linear, ENCODER_OFF);
    for (int i = 0; i < N * W; i++) {
        mean[i] = sinf((float)i);
        spread[i] = cosf((float)i) - 1;
        z[i] = mean[i] + 0.5F * expf(spread[i]);
    }
    struct rv_distribution pairwise = rv_normal_kind;
    pairwise.degree = 0;
    pairwise.polynomial = NULL;
    const mixture one = {RV_DIST_NORMAL, N, W, z, mean, spread};
    const mixture other = {&pairwise, N, W, z, mean, spread};
    assert_int_equal(mixture_log_density(f.context, &one, &nobody, fast), RV_OK);
    assert_int_equal(mixture_log_density(f.context, &other, &nobody, slow), RV_OK);
    for (int i = 0; i < N; i++)
        check_near(slow[i], fast[i], 1e-4, "log q(z)");
    close_model(&f);
}

/* Whatever allocation fails, it is said, and nothing is kept. */
static void test_out_of_memory(void **state)
{
    const estimate all[] = {estimate_importance, estimate_latents, estimate_gap};
    (void)state;
    fixture f = open_model(&linear, ENCODER_OFF);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(all[i](&f), RV_OK); /* what is kept for good is there */
        int64_t live = rv_memory_counted().live;
        rv_status status = RV_NO_MEMORY;
        for (uint64_t after = 1; status != RV_OK; after += 1 + after / 16) {
            rv_memory_fail_after(after, 1);
            status = all[i](&f);
            rv_memory_fail_after(0, 0);
            if (status != RV_OK && status != RV_NO_MEMORY)
                fail_msg("estimate %d, allocation %d: status %d", i, (int)after, (int)status);
            rv_error_clear(f.context);
            if (rv_memory_counted().live != live)
                fail_msg("estimate %d, allocation %d: %d blocks are left", i, (int)after,
                         (int)(rv_memory_counted().live - live));
        }
    }
    close_model(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_information_by_brute_force),
        cmocka_unit_test(test_parts_add_up),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_gap_of_a_known_model),
        cmocka_unit_test(test_best_start_is_kept),
        cmocka_unit_test(test_unknown_kinds_are_refused),
        cmocka_unit_test(test_without_a_polynomial),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests_name("eval_latents", tests, NULL, NULL);
}
