/* The ELBO against the exact evidence of a linear-Gaussian model, and free bits and beta against
 * their definitions.
 *
 * p(z) = N(0, I), p(x|z) = N(W z + b, s^2 I), the columns of W orthogonal.  Then
 *   p(x)   = N(b, W W' + s^2 I)
 *   p(z|x) is diagonal: variance s^2 / (s^2 + |w_j|^2), mean w_j'(x - b) / (s^2 + |w_j|^2). */
#include "check.h"

#include "reverie/objective.h"
#include "reverie/program.h"

enum { ROWS = 40000, D = 3, Z = 2 };

static const double s = 0.5;
static const double W[D][Z] = {{1.2, 0.3}, {0.6, -0.6}, {0, 0}}; /* 1.2 * 0.3 - 0.6 * 0.6 = 0 */
static const double b[D] = {0.1, -0.2, 0.3}, x[D] = {0.9, 0.4, -0.1};

static double column_square(int j)
{
    return W[0][j] * W[0][j] + W[1][j] * W[1][j] + W[2][j] * W[2][j];
}

/* log p(x): the columns are eigenvectors of W W' + s^2 I, the third direction has variance s^2. */
static double exact_evidence(void)
{
    double left = 0, log_p = 0;
    for (int i = 0; i < D; i++)
        left += (x[i] - b[i]) * (x[i] - b[i]);
    for (int j = 0; j < Z; j++) {
        double along = 0, square = column_square(j), variance = square + s * s;
        for (int i = 0; i < D; i++)
            along += W[i][j] * (x[i] - b[i]) / sqrt(square);
        log_p -= 0.5 * (along * along / variance + log(2 * M_PI * variance));
        left -= along * along;
    }
    return log_p - 0.5 * (left / (s * s) + log(2 * M_PI * s * s));
}

static void exact_posterior(double mean[Z], double sigma[Z])
{
    for (int j = 0; j < Z; j++) {
        double denominator = s * s + column_square(j);
        mean[j] = 0;
        for (int i = 0; i < D; i++)
            mean[j] += W[i][j] * (x[i] - b[i]) / denominator;
        sigma[j] = sqrt(s * s / denominator);
    }
}

typedef struct values {
    double elbo, reconstruction, kl, objective;
} values;

static rv_expr rows(rv_graph *graph, const double *row, int n)
{
    float narrow[8];
    for (int i = 0; i < n; i++)
        narrow[i] = (float)row[i];
    return rv_broadcast_to(rv_constant(graph, rv_shape1(n), narrow), rv_shape2(ROWS, n));
}

static rv_expr mean_of(rv_expr each)
{
    return rv_mean(each, RV_AXIS(0));
}

/* The ELBO's parts averaged over many draws of q = N(mean, sigma^2). */
static values estimate(const double mean[Z], const double sigma[Z], double beta, double free_bits)
{
    float w[D * Z];
    values v;
    rv_program *program;
    rv_context *context = rv_context_new();
    rv_context_set_backend(context, "reference");
    rv_graph *graph = rv_graph_new(context);
    for (int i = 0; i < D * Z; i++)
        w[i] = (float)W[i / Z][i % Z];
    rv_dist q = rv_normal(rows(graph, mean, Z), rows(graph, sigma, Z));
    rv_expr z = rv_rsample(q, "z");
    rv_expr centre =
        rv_add(rv_matmul_t(z, 0, rv_constant(graph, rv_shape2(D, Z), w), 1), rows(graph, b, D));
    rv_dist p = rv_normal(centre, rv_full(graph, rv_shape2(ROWS, D), s));
    rv_elbo_config config = {rv_scalar(graph, beta), free_bits};
    rv_elbo_parts parts = rv_elbo(q, p, rows(graph, x, D), config);
    rv_expr outputs[4] = {mean_of(parts.elbo), mean_of(parts.reconstruction), mean_of(parts.kl),
                          mean_of(parts.objective)};
    rv_compile(graph, outputs, 4, NULL, &program);
    check_ok(context);
    rv_bind_random(program, 7, 0, 0, 0);
    assert_int_equal(rv_run(program), RV_OK);
    rv_read_double(program, 0, &v.elbo, 1);
    rv_read_double(program, 1, &v.reconstruction, 1);
    rv_read_double(program, 2, &v.kl, 1);
    rv_read_double(program, 3, &v.objective, 1);
    rv_program_free(program);
    rv_graph_free(graph);
    rv_context_free(context);
    return v;
}

/* At the true posterior the bound is the evidence. */
static void test_elbo_is_the_evidence_at_the_posterior(void **state)
{
    double mean[Z], sigma[Z];
    (void)state;
    exact_posterior(mean, sigma);
    check_near(estimate(mean, sigma, 1, 0).elbo, exact_evidence(), 0.02, "ELBO");
}

static double kl_to_posterior(const double mean[Z], const double sigma[Z])
{
    double m[Z], t[Z], kl = 0;
    exact_posterior(m, t);
    for (int j = 0; j < Z; j++)
        kl += log(t[j] / sigma[j]) - 0.5 +
              (sigma[j] * sigma[j] + (mean[j] - m[j]) * (mean[j] - m[j])) / (2 * t[j] * t[j]);
    return kl;
}

/* Elsewhere the gap is KL(q || p(z|x)). */
static void test_gap_is_the_divergence_from_the_posterior(void **state)
{
    const double mean[Z] = {0.2, -0.3}, sigma[Z] = {0.5, 0.9};
    (void)state;
    double gap = exact_evidence() - estimate(mean, sigma, 1, 0).elbo;
    check_near(gap, kl_to_posterior(mean, sigma), 0.04, "log p(x) - ELBO");
    assert_true(gap > 0);
}

static void test_parts_and_weights(void **state)
{
    const double mean[Z] = {0.2, -0.3}, sigma[Z] = {0.5, 0.9};
    double kl[Z];
    (void)state;
    for (int j = 0; j < Z; j++)
        kl[j] = 0.5 * (mean[j] * mean[j] + sigma[j] * sigma[j] - 1) - log(sigma[j]);
    values plain = estimate(mean, sigma, 1, 0), weighted = estimate(mean, sigma, 4, 0);
    values free_bits = estimate(mean, sigma, 1, 0.2);
    check_near(plain.kl, kl[0] + kl[1], 1e-6, "kl");
    check_near(plain.elbo, -(plain.reconstruction + plain.kl), 1e-9, "elbo = -(rec + kl)");
    check_near(weighted.objective, -(plain.reconstruction + 4 * plain.kl), 1e-6, "beta 4");
    check_near(weighted.elbo, plain.elbo, 1e-9, "the bound does not depend on beta");
    check_near(free_bits.objective, -(plain.reconstruction + fmax(kl[0], 0.2) + fmax(kl[1], 0.2)),
               1e-6, "free bits");
    assert_true(kl[1] < 0.2 && kl[0] > 0.2); /* so that the test sees both cases */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elbo_is_the_evidence_at_the_posterior),
        cmocka_unit_test(test_gap_is_the_divergence_from_the_posterior),
        cmocka_unit_test(test_parts_and_weights),
    };
    return cmocka_run_group_tests_name("objective", tests, NULL, NULL);
}
