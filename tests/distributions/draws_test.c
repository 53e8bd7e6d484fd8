/* Distributions as mathematics: densities integrate to one, scores average to zero, draws have the
 * moments they should, closed KL against Monte Carlo, and what is refused. */
#include "graph_bench.h"
#include "reverie/distributions.h"

enum { DRAWS = 40000 };

static void run(bench *b, const rv_expr *outputs, int count)
{
    run_seeded(b, outputs, count, 3);
}

static double mean_of(const double *x, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += x[i];
    return sum / (double)count;
}

/* Whether a mean over `count` values is `expected` within five of its own standard errors. */
static void check_mean(const double *x, int64_t count, double expected, const char *what)
{
    double mean = mean_of(x, count), square = 0;
    for (int64_t i = 0; i < count; i++)
        square += (x[i] - mean) * (x[i] - mean);
    check_near(mean, expected, 5 * sqrt(square) / (double)count + 1e-12, what);
}

/* [count] copies of one row, as a batch. */
static rv_expr rows(const bench *b, const float *row, int64_t width, int64_t count)
{
    rv_expr one = rv_constant(b->graph, rv_shape2(1, width), row);
    return rv_broadcast_to(one, rv_shape2(count, width));
}

/* ---- densities ---- */

/* The trapezium rule on a grid that reaches ten deviations to each side. */
static void normal_integrates_to_one(void **state)
{
    enum { POINTS = 2001 };
    bench *b = *state;
    static float grid[POINTS];
    const float mu = 1.5F, log_sigma = -0.75F;
    double step = 20 * exp(-0.75) / (POINTS - 1);
    for (int i = 0; i < POINTS; i++)
        grid[i] = (float)(1.5 + step * (i - (POINTS - 1) / 2));
    rv_dist dist = rv_normal_log(rows(b, &mu, 1, POINTS), rows(b, &log_sigma, 1, POINTS));
    rv_expr p = rv_exp(rv_log_prob(dist, rv_constant(b->graph, rv_shape2(POINTS, 1), grid)));
    run(b, &p, 1);
    double *values = read(b, 0, POINTS);
    check_near(mean_of(values, POINTS) * POINTS * step, 1, 1e-6, "integral");
    free(values);
}

static void discrete_probabilities_sum_to_one(void **state)
{
    bench *b = *state;
    const float logits[] = {2, -1, 0.5F}, zero_one[] = {0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 1, 1,
                                                        1, 0, 0, 1, 0, 1, 1, 1, 0, 1, 1, 1};
    const float classes[] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    rv_expr out[2];
    out[0] = rv_exp(rv_log_prob(rv_bernoulli(rows(b, logits, 3, 8)),
                                rv_constant(b->graph, rv_shape2(8, 3), zero_one)));
    out[1] = rv_exp(rv_log_prob(rv_categorical(rows(b, logits, 3, 3)),
                                rv_constant(b->graph, rv_shape2(3, 3), classes)));
    run(b, out, 2);
    double *p = read(b, 0, 8), *q = read(b, 1, 3);
    check_near(8 * mean_of(p, 8), 1, 1e-12, "Bernoulli");
    check_near(3 * mean_of(q, 3), 1, 1e-12, "Categorical");
    free(p);
    free(q);
}

/* Far out, where sigma^2 would underflow in float or the probability rounds to 0 or 1. */
static void far_tails_stay_finite(void **state)
{
    bench *b = *state;
    const float s[] = {-60}, x[] = {0}, logits[] = {-1000, 1000}, ones[] = {1, 0};
    rv_expr out[3];
    out[0] = rv_log_prob(rv_normal_log(rows(b, x, 1, 1), rows(b, s, 1, 1)), rows(b, x, 1, 1));
    out[1] = rv_log_prob(rv_bernoulli(rows(b, logits, 2, 1)), rows(b, ones, 2, 1));
    out[2] = rv_dist_entropy(rv_bernoulli(rows(b, logits, 2, 1)));
    run(b, out, 3);
    double got[3];
    for (int i = 0; i < 3; i++)
        rv_read_double(b->program, i, &got[i], 1);
    check_near(got[0], 60 - 0.91893853320467274178, 1e-12, "log N");
    check_near(got[1], -2000, 1e-9, "log Bernoulli");
    check_near(got[2], 0, 1e-9, "entropy");
}

/* ---- draws ---- */

static const float mu_row[] = {1.5F, -2}, log_sigma_row[] = {0.5F, -1};
static const float logits_row[] = {1, -0.5F};

static rv_dist some_normal(const bench *b)
{
    return rv_normal_log(rows(b, mu_row, 2, DRAWS), rows(b, log_sigma_row, 2, DRAWS));
}

/* E[grad log p] = 0 under p itself. */
static void scores_average_to_zero(void **state)
{
    bench *b = *state;
    rv_expr mu = rows(b, mu_row, 2, DRAWS), s = rows(b, log_sigma_row, 2, DRAWS);
    rv_expr logits = rows(b, logits_row, 2, DRAWS), wrt[2] = {mu, s}, out[4];
    rv_dist normal = rv_normal_log(mu, s), coin = rv_bernoulli(logits);
    rv_dist dice = rv_categorical(logits);
    rv_expr log_p = rv_log_prob(normal, rv_dist_sample(normal, "x"));
    rv_grad(rv_sum(log_p, RV_AXIS(0)), wrt, 2, out);
    log_p = rv_log_prob(coin, rv_dist_sample(coin, "coin"));
    rv_grad(rv_sum(log_p, RV_AXIS(0)), &logits, 1, &out[2]);
    log_p = rv_log_prob(dice, rv_dist_sample(dice, "dice"));
    rv_grad(rv_sum(log_p, RV_AXIS(0)), &logits, 1, &out[3]);
    for (int i = 0; i < 4; i++)
        out[i] = rv_transpose(out[i], (const int[]){1, 0});
    run(b, out, 4);
    const char *what[] = {"mu", "log sigma", "Bernoulli logits", "Categorical logits"};
    for (int i = 0; i < 4; i++) {
        double *score = read(b, i, 2 * DRAWS);
        check_mean(score, DRAWS, 0, what[i]);
        check_mean(score + DRAWS, DRAWS, 0, what[i]);
        free(score);
    }
}

/* Mean and variance of draws; the gradient of rsample is 1 in mu and sigma eps in log sigma, and
 * sample has none. */
static void normal_draws_have_their_moments(void **state)
{
    bench *b = *state;
    rv_dist dist = some_normal(b);
    rv_expr z = rv_rsample(dist, "z"), off = rv_sub(z, dist.mu), out[5];
    rv_expr wrt[2] = {dist.mu, dist.log_sigma};
    out[0] = rv_transpose(z, (const int[]){1, 0});
    out[1] = rv_transpose(rv_square(off), (const int[]){1, 0});
    rv_grad(rv_sum(z, rv_all_axes(z)), wrt, 2, &out[2]);
    out[3] = rv_sub(out[3], off);
    rv_expr frozen = rv_dist_sample(dist, "z");
    rv_grad(rv_sum(frozen, rv_all_axes(frozen)), wrt, 1, &out[4]);
    run(b, out, 5);
    double *first = read(b, 0, 2 * DRAWS), *second = read(b, 1, 2 * DRAWS);
    for (int k = 0; k < 2; k++) {
        check_mean(first + k * DRAWS, DRAWS, (double)mu_row[k], "mean");
        check_mean(second + k * DRAWS, DRAWS, exp(2 * (double)log_sigma_row[k]), "variance");
    }
    const double wanted[] = {1, 0, 0};
    for (int i = 0; i < 3; i++) {
        double *gradient = read(b, 2 + i, 2 * DRAWS);
        for (int e = 0; e < 2 * DRAWS; e++)
            check_near(gradient[e], wanted[i], 1e-9, "gradient of a draw");
        free(gradient);
    }
    free(first);
    free(second);
}

static void discrete_draws_have_their_means(void **state)
{
    bench *b = *state;
    const float scores[] = {0, 1, 2};
    rv_dist dist[2] = {rv_bernoulli(rows(b, logits_row, 2, DRAWS)),
                       rv_categorical(rows(b, scores, 3, DRAWS))};
    const int width[] = {2, 3};
    rv_expr out[4];
    for (int i = 0; i < 2; i++) {
        out[2 * i] = rv_transpose(rv_dist_sample(dist[i], "x"), (const int[]){1, 0});
        out[2 * i + 1] = rv_dist_mean(dist[i]);
    }
    run(b, out, 4);
    for (int i = 0; i < 2; i++) {
        double *x = read(b, 2 * i, width[i] * DRAWS), *p = read(b, 2 * i + 1, width[i] * DRAWS);
        for (int k = 0; k < width[i]; k++)
            check_mean(x + k * DRAWS, DRAWS, p[k], "share of ones");
        for (int e = 0; e < width[i] * DRAWS; e++)
            assert_true(x[e] == 0 || x[e] == 1);
        free(x);
        free(p);
    }
}

/* Two names, two draws; one name, one draw; draw k of many is the draw at offset k. */
static void draws_are_keyed_by_name_and_number(void **state)
{
    enum { B = 5, Z = 2, K = 3, N = B * Z };
    bench *b = *state;
    rv_dist dist = rv_normal_log(rows(b, mu_row, Z, B), rows(b, log_sigma_row, Z, B));
    rv_expr out[4] = {rv_rsample(dist, "z"), rv_rsample(dist, "z"), rv_rsample(dist, "other"),
                      rv_rsample_n(dist, "z", K)};
    assert_true(rv_shape_equal(rv_expr_shape(out[3]), rv_shape3(K, B, Z)));
    run(b, out, 4);
    double *many = read(b, 3, K * N);
    for (int k = 0; k < K; k++) {
        rv_bind_random(b->program, 3, 0, 0, (uint32_t)k);
        assert_int_equal(rv_run(b->program), RV_OK);
        double *one = read(b, 0, N), *same = read(b, 1, N), *other = read(b, 2, N);
        assert_memory_equal(one, same, N * sizeof *one);
        assert_memory_not_equal(one, other, N * sizeof *one);
        assert_memory_equal(one, many + k * N, N * sizeof *one);
        free(one);
        free(same);
        free(other);
    }
    free(many);
}

/* The density of K draws at once is one number for each draw and each example. */
static void density_of_many_draws_keeps_the_batch(void **state)
{
    enum { B = 5, Z = 2, K = 3 };
    bench *b = *state;
    rv_dist dist = rv_normal_log(rows(b, mu_row, Z, B), rows(b, log_sigma_row, Z, B));
    rv_expr log_q = rv_log_prob(dist, rv_rsample_n(dist, "z", K));
    char text[96];
    if (!rv_shape_equal(rv_expr_shape(log_q), rv_shape2(K, B)))
        fail_msg("log q of [3,5,2] draws: got %s, expected [3,5]",
                 rv_shape_text(rv_expr_shape(log_q), text));
}

/* ---- KL ---- */

/* log q(z) - log p(z) at draws of q averages to the closed form. */
static void closed_kl_agrees_with_monte_carlo(void **state)
{
    bench *b = *state;
    const float m[] = {0.5F, -1}, t[] = {1, 0}, other[] = {-1, 0.25F};
    rv_expr logits = rows(b, logits_row, 2, DRAWS), others = rows(b, other, 2, DRAWS);
    const struct {
        rv_dist q, p;
    } pairs[] = {
        {some_normal(b), rv_normal_log(rows(b, m, 2, DRAWS), rows(b, t, 2, DRAWS))},
        {some_normal(b), rv_std_normal(b->graph, rv_shape2(DRAWS, 2))},
        {rv_bernoulli(logits), rv_bernoulli(others)},
        {rv_categorical(logits), rv_categorical(others)},
    };
    enum { PAIRS = sizeof pairs / sizeof *pairs };
    rv_expr out[2 * PAIRS];
    for (int i = 0; i < PAIRS; i++) {
        rv_expr z = rv_dist_sample(pairs[i].q, "z");
        assert_true(rv_kl_is_exact(pairs[i].q.kind, pairs[i].p.kind));
        out[2 * i] = rv_sub(rv_log_prob(pairs[i].q, z), rv_log_prob(pairs[i].p, z));
        out[2 * i + 1] = rv_kl(pairs[i].q, pairs[i].p);
    }
    run(b, out, 2 * PAIRS);
    for (int i = 0; i < PAIRS; i++) {
        double *estimate = read(b, 2 * i, DRAWS), *closed = read(b, 2 * i + 1, DRAWS);
        assert_true(closed[0] > 0.01);
        check_mean(estimate, DRAWS, closed[0], "KL");
        free(estimate);
        free(closed);
    }
}

/* A distribution has no divergence from itself. */
static void kl_to_itself_is_zero(void **state)
{
    bench *b = *state;
    rv_expr mu = rows(b, mu_row, 2, 4), s = rows(b, log_sigma_row, 2, 4);
    rv_expr logits = rows(b, logits_row, 2, 4), out[4];
    rv_dist standard = rv_std_normal(b->graph, rv_shape2(4, 2));
    out[0] = rv_kl(rv_normal_log(mu, s), rv_normal_log(mu, s));
    out[1] = rv_kl(standard, standard);
    out[2] = rv_kl(rv_bernoulli(logits), rv_bernoulli(logits));
    out[3] = rv_kl(rv_categorical(logits), rv_categorical(logits));
    run(b, out, 4);
    for (int i = 0; i < 4; i++) {
        double *kl = read(b, i, 4);
        for (int e = 0; e < 4; e++)
            check_near(kl[e], 0, 1e-13, "KL(q || q)");
        free(kl);
    }
}

static void count_notices(void *user, rv_log_level level, const char *message)
{
    if (level == RV_LOG_NOTICE && strstr(message, "KL"))
        ++*(int *)user;
}

/* A pair that the table lacks is estimated at one draw, and says so; a pair in it is silent. */
static void other_pairs_are_estimated_aloud(void **state)
{
    bench *b = *state;
    int notices = 0;
    rv_context_set_log(b->context, count_notices, &notices);
    rv_dist q = rv_bernoulli(rows(b, logits_row, 2, DRAWS)), p = some_normal(b);
    rv_expr kl = rv_kl(p, rv_std_normal_like(p)), out[2];
    assert_int_equal(notices, 0);
    kl = rv_kl(q, p);
    assert_int_equal(notices, 1);
    assert_false(rv_kl_is_exact(q.kind, p.kind));
    assert_true(rv_is_poison(rv_kl_elementwise(q, p)));
    check_error(b->context, RV_BAD_USAGE, "KL");
    /* E_q[log q - log p] = -H(q) - sum_x q(x) log p(x), each x being 0 or 1 */
    rv_expr probability = rv_dist_mean(q), zero = rv_zeros_like(probability);
    rv_dist each = rv_normal_log(p.mu, p.log_sigma);
    rv_expr at[2];
    for (int x = 0; x < 2; x++) {
        rv_expr eps = rv_mul(rv_sub(rv_shift(zero, x), each.mu), rv_exp(rv_neg(each.log_sigma)));
        at[x] = rv_shift(rv_sub(rv_scale(rv_square(eps), -0.5), each.log_sigma),
                         -0.91893853320467274178);
    }
    rv_expr cross = rv_add(rv_mul(probability, at[1]),
                           rv_mul(rv_sub(rv_ones_like(probability), probability), at[0]));
    out[0] = kl;
    out[1] = rv_neg(rv_add(rv_dist_entropy(q), rv_sum(cross, RV_AXIS(1))));
    run(b, out, 2);
    double *estimate = read(b, 0, DRAWS), *exact = read(b, 1, DRAWS);
    check_mean(estimate, DRAWS, exact[0], "estimated KL");
    free(estimate);
    free(exact);
}

/* ---- what is refused ---- */

static void discrete_draws_are_not_reparameterised(void **state)
{
    bench *b = *state;
    rv_expr logits = rows(b, logits_row, 2, 4);
    assert_true(rv_is_poison(rv_rsample(rv_bernoulli(logits), "x")));
    check_error(b->context, RV_BAD_USAGE, "reparameterised");
    assert_true(rv_is_poison(rv_rsample_n(rv_categorical(logits), "x", 3)));
    check_error(b->context, RV_BAD_USAGE, "reparameterised");
}

/* Not taken for the last of the kinds, by any function; `what` it has none of. */
static void unknown_kinds_are_refused(void **state)
{
    bench *b = *state;
    rv_expr x = rows(b, mu_row, 2, 4), part[RV_DIST_PARAMETERS_MOST];
    const int kinds[] = {RV_DIST_KINDS, RV_DIST_KINDS + 1, -1};
    for (int i = 0; i < 3; i++) {
        rv_dist d = rv_categorical(rows(b, logits_row, 2, 4)), p = d;
        d.kind = (rv_dist_kind)kinds[i];
#define REFUSED(call, what)                                                                        \
    do {                                                                                           \
        assert_true(rv_is_poison(call));                                                           \
        check_error(b->context, RV_BAD_USAGE, "has no " what);                                     \
    } while (0)
        REFUSED(rv_log_prob(d, x), "density");
        REFUSED(rv_dist_entropy(d), "entropy");
        REFUSED(rv_dist_mean(d), "mean");
        REFUSED(rv_dist_deviation(d), "deviation");
        REFUSED(rv_dist_sample(d, "x"), "value");
        REFUSED(rv_dist_sample_n(d, "x", 3), "value");
        REFUSED(rv_rsample(d, "x"), "value");
        REFUSED(rv_dist_relaxed(d, "x", rv_scalar(b->graph, 1), 0, 0), "value");
        REFUSED(rv_dist_relaxed_log(d, "x", rv_scalar(b->graph, 1), 1), "value");
        REFUSED(rv_relaxed_log_prob(d, rv_scalar(b->graph, 1), x), "value");
        REFUSED(rv_kl(d, d), "value");
        REFUSED(rv_kl(d, p), "value");
        REFUSED(rv_kl(p, d), "value");
        REFUSED(rv_kl_elementwise(d, d), "value");
#undef REFUSED
        assert_false(rv_kl_is_exact(d.kind, d.kind) || rv_kl_is_exact(p.kind, d.kind));
        assert_int_equal(rv_dist_parameters(d, part), 0);
        check_error(b->context, RV_BAD_USAGE, "has no parameters");
        rv_dist_fold(d, 2);
        check_error(b->context, RV_BAD_USAGE, "has no parameters");
        rv_std_normal_like(d);
        check_error(b->context, RV_BAD_USAGE, "has no value");
    }
}

static void poison_passes_through(void **state)
{
    bench *b = *state;
    rv_expr bad = rv_expr_fail(b->graph, "planted"), x = rows(b, mu_row, 2, 4);
    rv_dist dist[] = {rv_normal_log(bad, bad), rv_bernoulli(bad), rv_categorical(bad)};
    for (int i = 0; i < 3; i++) {
        assert_true(rv_is_poison(rv_log_prob(dist[i], x)));
        assert_true(rv_is_poison(rv_dist_sample(dist[i], "x")));
        assert_true(rv_is_poison(rv_rsample(dist[i], "x")));
        assert_true(rv_is_poison(rv_dist_mean(dist[i])));
        assert_true(rv_is_poison(rv_dist_entropy(dist[i])));
        assert_true(rv_is_poison(rv_kl(dist[i], dist[i])));
        assert_true(rv_is_poison(rv_kl_elementwise(dist[i], dist[i])));
    }
    check_error(b->context, RV_BAD_USAGE, "planted");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(normal_integrates_to_one),
        TEST(discrete_probabilities_sum_to_one),
        TEST(far_tails_stay_finite),
        TEST(scores_average_to_zero),
        TEST(normal_draws_have_their_moments),
        TEST(discrete_draws_have_their_means),
        TEST(draws_are_keyed_by_name_and_number),
        TEST(density_of_many_draws_keeps_the_batch),
        TEST(closed_kl_agrees_with_monte_carlo),
        TEST(kl_to_itself_is_zero),
        TEST(other_pairs_are_estimated_aloud),
        TEST(discrete_draws_are_not_reparameterised),
        TEST(unknown_kinds_are_refused),
        TEST(poison_passes_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
