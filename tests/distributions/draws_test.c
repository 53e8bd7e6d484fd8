/* Densities far out, how draws are keyed, and what is refused. */
#include "graph_bench.h"
#include "reverie/distributions.h"

static void run(bench *b, const rv_expr *outputs, int count)
{
    run_seeded(b, outputs, count, 3);
}

/* [count] copies of one row, as a batch. */
static rv_expr rows(const bench *b, const float *row, int64_t width, int64_t count)
{
    rv_expr one = rv_constant(b->graph, rv_shape2(1, width), row);
    return rv_broadcast_to(one, rv_shape2(count, width));
}

/* ---- densities ---- */

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

/* ---- what is refused ---- */

/* By any function; `what` it has none of. */
static void no_kind_is_refused(void **state)
{
    bench *b = *state;
    rv_expr x = rows(b, mu_row, 2, 4), one = rv_scalar(b->graph, 1), part[RV_DIST_PARAMETERS_MOST];
    rv_dist d = rv_categorical(rows(b, logits_row, 2, 4)), p = d;
    d.kind = NULL;
#define REFUSED(call, what)                                                                        \
    do {                                                                                           \
        assert_true(rv_is_poison(call));                                                           \
        check_error(b->context, RV_BAD_USAGE, "has no " what);                                     \
    } while (0)
    REFUSED(rv_log_prob(d, x), "density");
    REFUSED(rv_dist_entropy(d), "entropy");
    REFUSED(rv_dist_mean(d), "mean");
    REFUSED(rv_dist_deviation(d), "deviation");
    REFUSED(rv_dist_sample(d, "x"), "draws");
    REFUSED(rv_dist_sample_n(d, "x", 3), "draws");
    REFUSED(rv_rsample(d, "x"), "draws");
    REFUSED(rv_dist_relaxed(d, "x", one, 0, 0), "relaxation");
    REFUSED(rv_dist_relaxed_log(d, "x", one, 1), "relaxation");
    REFUSED(rv_relaxed_log_prob(d, one, x), "relaxation");
    REFUSED(rv_kl(d, d), "KL");
    REFUSED(rv_kl(d, p), "KL");
    REFUSED(rv_kl(p, d), "KL");
    REFUSED(rv_kl_elementwise(d, d), "KL");
#undef REFUSED
    assert_false(rv_kl_is_exact(d.kind, d.kind) || rv_kl_is_exact(p.kind, d.kind));
    assert_int_equal(rv_dist_parameters(d, part), 0);
    check_error(b->context, RV_BAD_USAGE, "has no parameters");
    rv_dist_fold(d, 2);
    check_error(b->context, RV_BAD_USAGE, "has no parameters");
    rv_std_normal_like(d);
    check_error(b->context, RV_BAD_USAGE, "has no value");
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
        TEST(far_tails_stay_finite),
        TEST(draws_are_keyed_by_name_and_number),
        TEST(density_of_many_draws_keeps_the_batch),
        TEST(no_kind_is_refused),
        TEST(poison_passes_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
