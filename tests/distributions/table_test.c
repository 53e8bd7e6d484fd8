/* Every function of every row of the table of distributions, and every pair of the KL table. */
#include "distributions/distribution.h"
#include "graph_bench.h"

enum { DRAWS = 20000, WIDTH = 3 };

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
    check_near(mean, expected, 5 * sqrt(square) / (double)count + 1e-9, what);
}

/* "Bernoulli: mean"; valid until the next call. */
static const char *named(rv_dist_kind kind, const char *what)
{
    static char text[96];
    snprintf(text, sizeof text, "%s: %s", kind->name, what);
    return text;
}

/* A distribution of some kind and what it was made of: any real numbers. */
typedef struct example {
    rv_dist dist;
    rv_expr leaf[RV_DIST_PARAMETERS_MOST]; /* [B,width] */
    int leaves;
} example;

static example make(const bench *b, rv_dist_kind kind, int which, int64_t batch, int64_t width)
{
    static const float numbers[][WIDTH] = {
        {0.5F, -1, 0.25F}, {-0.5F, 0.5F, 0.25F}, {0.75F, -0.5F, 1}, {1, 0.25F, -0.25F}};
    example e = {.leaves = kind->parameters};
    for (int i = 0; i < e.leaves; i++)
        e.leaf[i] = rv_broadcast_to(rv_constant(b->graph, rv_shape2(1, width), numbers[i + which]),
                                    rv_shape2(batch, width));
    e.dist = kind->is_correlated ? rv_normal_cholesky(e.leaf[0], e.leaf[1], e.leaf[2])
                                 : rv_dist_with((rv_dist){.kind = kind}, e.leaf);
    return e;
}

/* The gradients of the sum of x in the leaves, [width,B] each. */
static void gradients(const example *e, rv_expr x, rv_expr *out)
{
    rv_grad(rv_sum(x, rv_all_axes(x)), e->leaf, e->leaves, out);
    for (int i = 0; i < e->leaves; i++)
        out[i] = rv_transpose(out[i], (const int[]){1, 0});
}

/* ---- of each row ---- */

static void row_is_whole(bench *b, rv_dist_kind kind)
{
    (void)b;
    if (!kind->name || kind->parameters < 1 || !kind->log_prob || !kind->entropy || !kind->mean ||
        !kind->deviation || !kind->sample || !kind->spread)
        fail_msg("the row of %s lacks an entry", kind->name);
    int ways = (kind->element != NULL) + kind->is_correlated;
    int draws = (kind->relaxation != NULL) + kind->is_reparameterised;
    if (ways != 1 || draws != 1 || (kind->polynomial != NULL) != (kind->degree > 0))
        fail_msg("the row of %s lacks an entry, or says that it has none", kind->name);
    const dist_relaxation *r = kind->relaxation;
    if (r && !(r->log_odds && r->hard && r->soft && r->soft_log && r->log_prob))
        fail_msg("the relaxation of %s lacks an entry", kind->name);
}

/* The trapezium rule, thirty deviations to each side. */
static void check_integral(bench *b, rv_dist_kind kind)
{
    enum { POINTS = 6001 };
    static float grid[POINTS];
    const double step = 60.0 / (POINTS - 1);
    for (int i = 0; i < POINTS; i++)
        grid[i] = (float)(step * (i - (POINTS - 1) / 2));
    rv_dist dist = make(b, kind, 0, POINTS, 1).dist;
    rv_expr deviation = rv_dist_deviation(dist),
            at = rv_constant(b->graph, rv_shape2(POINTS, 1), grid);
    rv_expr p = rv_exp(rv_log_prob(dist, rv_add(rv_dist_mean(dist), rv_mul(deviation, at))));
    rv_expr sum = rv_sum(rv_mul(p, rv_reshape(deviation, rv_shape1(POINTS))), RV_AXIS(0));
    double integral;
    run_seeded(b, &sum, 1, 3);
    rv_read_double(b->program, 0, &integral, 1);
    check_near(integral * step, 1, 1e-4, named(kind, "integral"));
}

static void density_sums_to_one(bench *b, rv_dist_kind kind)
{
    static const float one_hot[] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    static const float bits[] = {0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 1, 1,
                                 1, 0, 0, 1, 0, 1, 1, 1, 0, 1, 1, 1};
    if (kind->is_reparameterised) {
        check_integral(b, kind);
        return;
    }
    int64_t count = kind->is_one_hot ? WIDTH : 1 << WIDTH;
    rv_expr x = rv_constant(b->graph, rv_shape2(count, WIDTH), kind->is_one_hot ? one_hot : bits);
    rv_expr p = rv_exp(rv_log_prob(make(b, kind, 0, count, WIDTH).dist, x));
    run_seeded(b, &p, 1, 3);
    double *values = read(b, 0, count);
    check_near(mean_of(values, count) * (double)count, 1, 1e-12, named(kind, "sum"));
    free(values);
}

/* E[grad log p] = 0 under p itself. */
static void score_averages_to_zero(bench *b, rv_dist_kind kind)
{
    rv_expr out[RV_DIST_PARAMETERS_MOST];
    example e = make(b, kind, 0, DRAWS, WIDTH);
    gradients(&e, rv_log_prob(e.dist, rv_dist_sample(e.dist, "x")), out);
    run_seeded(b, out, e.leaves, 3);
    for (int i = 0; i < e.leaves; i++) {
        double *score = read(b, i, WIDTH * DRAWS);
        for (int d = 0; d < WIDTH; d++)
            check_mean(score + d * DRAWS, DRAWS, 0, named(kind, "score"));
        free(score);
    }
}

/* Means, variances, and the entropy, which is the mean of -log p. */
static void draws_have_their_moments(bench *b, rv_dist_kind kind)
{
    const int to_rows[] = {1, 0};
    rv_dist dist = make(b, kind, 0, DRAWS, WIDTH).dist;
    rv_expr x = rv_dist_sample(dist, "x"), mean = rv_dist_mean(dist);
    const rv_expr out[] = {
        rv_transpose(x, to_rows),           rv_transpose(rv_square(rv_sub(x, mean)), to_rows),
        rv_neg(rv_log_prob(dist, x)),       mean,
        rv_square(rv_dist_deviation(dist)), rv_dist_entropy(dist)};
    double *value[6];
    run_seeded(b, out, 6, 3);
    for (int i = 0; i < 6; i++)
        value[i] = read(b, i, rv_shape_size(rv_expr_shape(out[i])));
    for (int d = 0; d < WIDTH; d++) {
        check_mean(value[0] + d * DRAWS, DRAWS, value[3][d], named(kind, "mean"));
        check_mean(value[1] + d * DRAWS, DRAWS, value[4][d], named(kind, "variance"));
    }
    check_mean(value[2], DRAWS, value[5][0], named(kind, "entropy"));
    for (int e = 0; !kind->is_reparameterised && e < WIDTH * DRAWS; e++)
        assert_true(value[0][e] == 0 || value[0][e] == 1);
    for (int i = 0; i < 6; i++)
        free(value[i]);
}

/* The gradient of E[z^2] = mean^2 + deviation^2 is that of the draws' squares; what is not
 * reparameterised is the same draw without a gradient. */
static void reparameterised_draws_have_their_gradient(bench *b, rv_dist_kind kind)
{
    enum { MOST = RV_DIST_PARAMETERS_MOST };
    rv_expr out[3 * MOST + 2];
    example e = make(b, kind, 0, DRAWS, WIDTH);
    rv_expr plain = rv_dist_sample(e.dist, "z"), z = rv_rsample(e.dist, "z");
    int n = e.leaves;
    if (!kind->is_reparameterised) {
        assert_true(rv_is_poison(z));
        check_error(b->context, RV_BAD_USAGE, "reparameterised");
        return;
    }
    gradients(&e, rv_square(z), out);
    gradients(&e, rv_add(rv_square(rv_dist_mean(e.dist)), rv_square(rv_dist_deviation(e.dist))),
              out + n);
    gradients(&e, plain, out + 2 * n);
    out[3 * n] = z;
    out[3 * n + 1] = plain;
    run_seeded(b, out, 3 * n + 2, 3);
    for (int i = 0; i < n; i++) {
        double *got = read(b, i, WIDTH * DRAWS), *wanted = read(b, n + i, WIDTH * DRAWS);
        double *none = read(b, 2 * n + i, WIDTH * DRAWS);
        for (int d = 0; d < WIDTH; d++) {
            check_mean(got + d * DRAWS, DRAWS, wanted[d * DRAWS], named(kind, "gradient"));
            check_near(none[d * DRAWS], 0, 0, named(kind, "gradient of a plain draw"));
        }
        free(got);
        free(wanted);
        free(none);
    }
    double *one = read(b, 3 * n, WIDTH * DRAWS), *same = read(b, 3 * n + 1, WIDTH * DRAWS);
    assert_memory_equal(one, same, WIDTH * DRAWS * sizeof *one);
    free(one);
    free(same);
}

/* Straight through, a relaxed draw is a hard one; and its density has a score of mean zero. */
static void relaxed_draws_have_their_density(bench *b, rv_dist_kind kind)
{
    rv_expr out[RV_DIST_PARAMETERS_MOST + 1], temperature = rv_scalar(b->graph, 0.5);
    example e = make(b, kind, 0, DRAWS, WIDTH);
    rv_expr y = rv_dist_relaxed_log(e.dist, "y", temperature, 1);
    if (!kind->relaxation) {
        assert_true(rv_is_poison(y));
        check_error(b->context, RV_BAD_USAGE, "only a discrete distribution");
        return;
    }
    gradients(&e, rv_relaxed_log_prob(e.dist, temperature, rv_stop_gradient(y)), out);
    out[e.leaves] = rv_dist_relaxed(e.dist, "y", temperature, 0, 1);
    run_seeded(b, out, e.leaves + 1, 3);
    double *score = read(b, 0, WIDTH * DRAWS), *hard = read(b, e.leaves, WIDTH * DRAWS);
    for (int d = 0; d < WIDTH; d++)
        check_mean(score + d * DRAWS, DRAWS, 0, named(kind, "relaxed score"));
    for (int i = 0; i < WIDTH * DRAWS; i++)
        check_near(hard[i], round(hard[i]), 1e-12, named(kind, "straight through"));
    free(score);
    free(hard);
}

/* What is computed outside of the graph is the density. */
static void elements_add_up_to_the_density(bench *b, rv_dist_kind kind)
{
    enum { B = 20, OUTPUTS = 4 };
    rv_dist dist = make(b, kind, 0, B, WIDTH).dist;
    rv_expr z = rv_dist_sample(dist, "z");
    const rv_expr out[OUTPUTS] = {z, rv_dist_mean(dist), kind->spread(dist), rv_log_prob(dist, z)};
    double *value[OUTPUTS], term[2] = {0}, size;
    run_seeded(b, out, OUTPUTS, 3);
    for (int i = 0; i < OUTPUTS; i++)
        value[i] = read(b, i, rv_shape_size(rv_expr_shape(out[i])));
    for (int i = 0; kind->element && i < B; i++) {
        double sum = 0;
        for (int d = 0; d < WIDTH; d++) {
            double at = value[0][i * WIDTH + d], mean = value[1][i * WIDTH + d];
            double spread = value[2][i * WIDTH + d], element = kind->element(at, mean, spread);
            sum += element;
            if (!kind->degree)
                continue;
            double rest = kind->polynomial(mean, spread, term, &size);
            rest += at * term[0] + (kind->degree == 2 ? at * at * term[1] : 0);
            check_near(rest, element, 1e-12, named(kind, "polynomial"));
        }
        check_near(sum, value[3][i], 1e-12, named(kind, "elements"));
    }
    for (int i = 0; i < OUTPUTS; i++)
        free(value[i]);
}

/* K x B rows read as [K,B]: the same densities.  And what it is made of makes it again. */
static void folding_changes_no_density(bench *b, rv_dist_kind kind)
{
    enum { K = 3, B = 2 };
    rv_expr part[RV_DIST_PARAMETERS_MOST], again[RV_DIST_PARAMETERS_MOST];
    rv_dist dist = make(b, kind, 0, K * B, WIDTH).dist;
    int count = rv_dist_parameters(dist, part);
    assert_int_equal(count, kind->parameters);
    assert_int_equal(rv_dist_parameters(rv_dist_with(dist, part), again), count);
    assert_memory_equal(part, again, (size_t)count * sizeof *part);
    if (kind->is_correlated)
        return;
    rv_dist folded = rv_dist_fold(dist, K);
    rv_expr x = rv_dist_sample(dist, "x"), many = rv_dist_sample(folded, "x");
    assert_true(rv_shape_equal(rv_expr_shape(many), rv_shape3(K, B, WIDTH)));
    const rv_expr out[] = {rv_log_prob(dist, x),
                           rv_log_prob(folded, rv_reshape(x, rv_shape3(K, B, WIDTH)))};
    assert_true(rv_shape_equal(rv_expr_shape(out[1]), rv_shape2(K, B)));
    run_seeded(b, out, 2, 3);
    double *flat = read(b, 0, K * B), *wide = read(b, 1, K * B);
    assert_memory_equal(flat, wide, K * B * sizeof *flat);
    free(flat);
    free(wide);
}

/* ---- of each pair ---- */

static void count_notices(void *user, rv_log_level level, const char *message)
{
    if (level == RV_LOG_NOTICE && strstr(message, "KL"))
        ++*(int *)user;
}

/* Closed: the average of log q - log p at draws of q, 0 from itself, the sum of its elements. */
static void check_closed(bench *b, rv_dist q, rv_dist p, rv_dist other)
{
    rv_expr z = rv_dist_sample(q, "z"), each = q.kind->is_one_hot ? NULL : rv_kl_elementwise(q, p);
    const rv_expr out[] = {rv_sub(rv_log_prob(q, z), rv_log_prob(p, z)), rv_kl(q, p),
                           rv_kl(p, other), each ? rv_sum(each, RV_AXIS(1)) : rv_kl(q, p)};
    double *value[4];
    run_seeded(b, out, 4, 3);
    for (int i = 0; i < 4; i++)
        value[i] = read(b, i, DRAWS);
    assert_true(value[1][0] > 0.01);
    check_mean(value[0], DRAWS, value[1][0], named(q.kind, "KL"));
    check_near(value[2][0], 0, 1e-13, named(p.kind, "KL from itself"));
    check_near(value[3][0], value[1][0], 1e-12, named(q.kind, "KL by elements"));
    for (int i = 0; i < 4; i++)
        free(value[i]);
}

/* No pair is estimated silently, nor without a gradient. */
static void pair_is_closed_or_estimated_aloud(bench *b, rv_dist_kind kind)
{
    void *fresh = b;
    for (int i = 0; dist_table[i]; i++) {
        int notices = 0, is_exact = rv_kl_is_exact(kind, dist_table[i]);
        rv_context_set_log(b->context, count_notices, &notices);
        rv_dist q = make(b, kind, 0, DRAWS, WIDTH).dist;
        rv_dist p = make(b, dist_table[i], 1, DRAWS, WIDTH).dist;
        rv_expr kl = rv_kl(q, p);
        assert_int_equal(notices, !is_exact && kind->is_reparameterised);
        assert_int_equal(rv_is_poison(kl), !is_exact && !kind->is_reparameterised);
        if (rv_is_poison(kl))
            check_error(b->context, RV_BAD_USAGE, "no closed form");
        else if (is_exact)
            check_closed(b, q, p, rv_kl_is_exact(p.kind, p.kind) ? p : q);
        tear_down(&fresh);
        set_up(&fresh);
    }
}

/* ---- */

typedef void (*row_check)(bench *b, rv_dist_kind kind);

static void each_row(void **state)
{
    row_check check = *(row_check *)*state;
    for (int i = 0; dist_table[i]; i++) {
        void *b;
        set_up(&b);
        check(b, dist_table[i]);
        tear_down(&b);
    }
}

int main(void)
{
#define EACH(check)                                                                                \
    {                                                                                              \
#check, each_row, NULL, NULL, &(row_check)                                                 \
        {                                                                                          \
            check                                                                                  \
        }                                                                                          \
    }
    const struct CMUnitTest tests[] = {
        EACH(row_is_whole),
        EACH(density_sums_to_one),
        EACH(score_averages_to_zero),
        EACH(draws_have_their_moments),
        EACH(reparameterised_draws_have_their_gradient),
        EACH(relaxed_draws_have_their_density),
        EACH(elements_add_up_to_the_density),
        EACH(folding_changes_no_density),
        EACH(pair_is_closed_or_estimated_aloud),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
