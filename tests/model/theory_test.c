/* docs/theory.md, statement by statement: one test each, with the library's own expressions.
 * A mean over draws is compared within five of its own standard errors; seeds are fixed.
 *
 * The linear-Gaussian model: p(z) = N(0, I), p(x|z) = N(W z + b, s^2 I), the columns of W
 * orthogonal.  Then p(x) = N(b, W W' + s^2 I), and p(z|x) is diagonal, with variances
 * s^2 / (s^2 + |w_j|^2) and means w_j'(x - b) / (s^2 + |w_j|^2). */
#include "graph_bench.h"

#include "reverie/objective.h"
#include "reverie/optim.h"

enum { DRAWS = 20000, D = 3, Z = 2 };

static void run(bench *b, const rv_expr *outputs, int count)
{
    run_seeded(b, outputs, count, 11);
}

static double read_one(const bench *b, int output)
{
    double value = NAN;
    rv_read_double(b->program, output, &value, 1);
    return value;
}

/* A mean and its standard error. */
typedef struct estimate {
    double mean, error;
} estimate;

static estimate estimate_of(const double *x, int64_t count)
{
    double mean = 0, square = 0;
    for (int64_t i = 0; i < count; i++)
        mean += x[i] / (double)count;
    for (int64_t i = 0; i < count; i++)
        square += (x[i] - mean) * (x[i] - mean);
    return (estimate){mean, sqrt(square / (double)(count - 1) / (double)count)};
}

static estimate read_mean(const bench *b, int output, int64_t count)
{
    double *values = read(b, output, count);
    estimate e = estimate_of(values, count);
    free(values);
    return e;
}

/* Within five standard errors, plus the rounding of single-precision constants. */
static void check_estimate(estimate e, double expected, const char *what)
{
    check_near(e.mean, expected, 5 * e.error + 1e-5, what);
}

static void check_above(double got, double least, const char *what)
{
    if (!(got > least))
        fail_msg("%s: got %.12g, which is not above %.12g", what, got, least);
}

/* `count` copies of one row. */
static rv_expr rows(const bench *b, const double *row, int64_t width, int64_t count)
{
    float narrow[16];
    for (int64_t i = 0; i < width; i++)
        narrow[i] = (float)row[i];
    return rv_broadcast_to(rv_constant(b->graph, rv_shape2(1, width), narrow),
                           rv_shape2(count, width));
}

/* ---- the linear-Gaussian model ---- */

static const double s = 0.5;
static const double W[D][Z] = {{1.2, 0.3}, {0.6, -0.6}, {0, 0}}; /* 1.2 * 0.3 - 0.6 * 0.6 = 0 */
static const double b_row[D] = {0.1, -0.2, 0.3}, x_row[D] = {0.9, 0.4, -0.1};
/* An encoder that is off in its means and its deviations. */
static const double off_mean[Z] = {0.2, -0.3}, off_sigma[Z] = {0.5, 0.9};

static double column_square(int j)
{
    return W[0][j] * W[0][j] + W[1][j] * W[1][j] + W[2][j] * W[2][j];
}

/* log p(x): the columns are eigenvectors of W W' + s^2 I, the third direction has variance s^2. */
static double exact_evidence(void)
{
    double left = 0, log_p = 0;
    for (int i = 0; i < D; i++)
        left += (x_row[i] - b_row[i]) * (x_row[i] - b_row[i]);
    for (int j = 0; j < Z; j++) {
        double along = 0, square = column_square(j), variance = square + s * s;
        for (int i = 0; i < D; i++)
            along += W[i][j] * (x_row[i] - b_row[i]) / sqrt(square);
        log_p -= 0.5 * (along * along / variance + log(2 * M_PI * variance));
        left -= along * along;
    }
    return log_p - 0.5 * (left / (s * s) + log(2 * M_PI * s * s));
}

static rv_dist exact_posterior(const bench *b, int64_t count)
{
    double mean[Z] = {0}, sigma[Z];
    for (int j = 0; j < Z; j++) {
        double denominator = s * s + column_square(j);
        for (int i = 0; i < D; i++)
            mean[j] += W[i][j] * (x_row[i] - b_row[i]) / denominator;
        sigma[j] = sqrt(s * s / denominator);
    }
    return rv_normal(rows(b, mean, Z, count), rows(b, sigma, Z, count));
}

static rv_dist off_posterior(const bench *b, int64_t count)
{
    return rv_normal(rows(b, off_mean, Z, count), rows(b, off_sigma, Z, count));
}

/* p(x|z), z [N,Z] */
static rv_dist likelihood(const bench *b, rv_expr z)
{
    float w[D * Z];
    int64_t count = rv_expr_shape(z).dim[0];
    for (int i = 0; i < D * Z; i++)
        w[i] = (float)W[i / Z][i % Z];
    rv_expr centre = rv_add(rv_matmul_t(z, 0, rv_constant(b->graph, rv_shape2(D, Z), w), 1),
                            rows(b, b_row, D, count));
    return rv_normal(centre, rv_full(b->graph, rv_shape2(count, D), s));
}

/* log p(x, z) = log p(x|z) + log p(z);  z [N,Z] -> [N] */
static rv_expr log_joint(const bench *b, rv_expr z)
{
    int64_t count = rv_expr_shape(z).dim[0];
    rv_dist prior = rv_std_normal(b->graph, rv_shape2(count, Z));
    return rv_add(rv_log_prob(likelihood(b, z), rows(b, x_row, D, count)), rv_log_prob(prior, z));
}

/* The evidence is the integral over z of the joint density, here summed on a grid. */
static void evidence_is_the_integral_of_the_joint(void **state)
{
    enum { SIDE = 161, N = SIDE * SIDE };
    bench *b = *state;
    static float grid[N * Z];
    const double reach = 6, step = 2 * reach / (SIDE - 1);
    for (int i = 0; i < N; i++) {
        grid[2 * i] = (float)(-reach + step * (i % SIDE));
        grid[2 * i + 1] = (float)(-reach + step * (int)(i / SIDE));
    }
    rv_expr z = rv_constant(b->graph, rv_shape2(N, Z), grid);
    rv_expr log_p = rv_logsumexp(log_joint(b, z), RV_AXIS(0));
    run(b, &log_p, 1);
    check_near(read_one(b, 0) + 2 * log(step), exact_evidence(), 1e-5, "log p(x)");
}

/* ELBO <= log p(x), and the gap is KL(q || p(z|x)); at the posterior each draw gives log p(x). */
static void gap_is_the_divergence_from_the_posterior(void **state)
{
    bench *b = *state;
    rv_dist q = off_posterior(b, DRAWS), posterior = exact_posterior(b, DRAWS);
    rv_expr z = rv_rsample(q, "z"), best = rv_rsample(posterior, "z"), x = rows(b, x_row, D, DRAWS);
    rv_expr out[3] = {rv_elbo(q, likelihood(b, z), x, rv_elbo_defaults()).elbo, rv_kl(q, posterior),
                      rv_sub(log_joint(b, best), rv_log_prob(posterior, best))};
    run(b, out, 3);
    estimate elbo = read_mean(b, 0, DRAWS), gap = read_mean(b, 1, DRAWS);
    check_above(exact_evidence() - elbo.mean, 50 * elbo.error, "log p(x) - ELBO");
    check_estimate(elbo, exact_evidence() - gap.mean, "ELBO = log p(x) - KL(q || p(z|x))");
    double *each = read(b, 2, DRAWS);
    for (int i = 0; i < DRAWS; i++)
        check_near(each[i], exact_evidence(), 1e-5, "log p(x,z) - log q(z) at the posterior");
    free(each);
}

/* E_q[log p(x,z) - log q(z)] = E_q[log p(x|z)] - KL(q || p(z)), the KL in closed form. */
static void elbo_is_reconstruction_minus_kl(void **state)
{
    bench *b = *state;
    rv_dist q = off_posterior(b, DRAWS);
    rv_expr z = rv_rsample(q, "z"), x = rows(b, x_row, D, DRAWS);
    rv_elbo_parts parts = rv_elbo(q, likelihood(b, z), x, rv_elbo_defaults());
    rv_expr by_draws = rv_sub(log_joint(b, z), rv_log_prob(q, z));
    rv_expr out[3] = {
        rv_sub(by_draws, rv_neg(rv_add(parts.reconstruction, parts.kl))),
        rv_add(parts.reconstruction, rv_log_prob(likelihood(b, z), x)),
        parts.kl,
    };
    run(b, out, 3);
    check_estimate(read_mean(b, 0, DRAWS), 0, "ELBO by draws - ELBO in parts");
    check_near(read_mean(b, 1, DRAWS).mean, 0, 1e-9, "reconstruction = -log p(x|z)");
    check_above(read_mean(b, 2, DRAWS).mean, 0.1, "KL");
}

/* KL(q || p) = E_q[log q - log p], and it is not symmetric. */
static void closed_kl_is_the_mean_of_the_log_ratio(void **state)
{
    const double other_mean[Z] = {-0.4, 0.5}, other_sigma[Z] = {1.3, 0.4};
    bench *b = *state;
    rv_dist q = off_posterior(b, DRAWS);
    rv_dist p = rv_normal(rows(b, other_mean, Z, DRAWS), rows(b, other_sigma, Z, DRAWS));
    rv_expr z = rv_rsample(q, "z"), y = rv_rsample(p, "y");
    rv_expr out[4] = {rv_sub(rv_log_prob(q, z), rv_log_prob(p, z)), rv_kl(q, p),
                      rv_sub(rv_log_prob(p, y), rv_log_prob(q, y)), rv_kl(p, q)};
    run(b, out, 4);
    double forward = read_mean(b, 1, DRAWS).mean, backward = read_mean(b, 3, DRAWS).mean;
    check_estimate(read_mean(b, 0, DRAWS), forward, "KL(q || p)");
    check_estimate(read_mean(b, 2, DRAWS), backward, "KL(p || q)");
    check_above(fabs(forward - backward), 0.1, "|KL(q || p) - KL(p || q)|");
}

/* ---- gradients ---- */

/* The gradient of each draw in each of two columns of a parameter: [2,N] from [N,2]. */
static rv_expr by_column(rv_expr loss, rv_expr wrt)
{
    rv_expr gradient;
    rv_grad(rv_sum(loss, RV_AXIS(0)), &wrt, 1, &gradient);
    return rv_transpose(gradient, (const int[]){1, 0});
}

/* Whose gradient is (f(z) - baseline) d log q(z), and nothing through z. */
static rv_expr by_score(rv_dist q, rv_expr z, rv_expr f, double baseline)
{
    rv_expr log_q = rv_log_prob(q, rv_stop_gradient(z));
    return rv_score_function(rv_stop_gradient(f), log_q, rv_shift(f, -baseline));
}

/* Of the ELBO of the model in mu and log sigma.  Both estimators have the mean
 * -grad KL(q || p(z|x)), and the reparameterised one varies less. */
static void both_gradients_have_one_mean(void **state)
{
    bench *b = *state;
    rv_dist q = off_posterior(b, DRAWS);
    rv_expr z = rv_rsample(q, "z"), wrt[2] = {q.mu, q.log_sigma}, out[6];
    rv_expr f = rv_sub(log_joint(b, z), rv_log_prob(q, z));
    rv_expr gap = rv_neg(rv_kl(q, exact_posterior(b, DRAWS)));
    for (int i = 0; i < 2; i++) {
        out[3 * i] = by_column(f, wrt[i]);
        out[3 * i + 1] = by_column(by_score(q, z, f, 0), wrt[i]);
        out[3 * i + 2] = by_column(gap, wrt[i]);
    }
    run(b, out, 6);
    for (int i = 0; i < 2; i++) {
        double *path = read(b, 3 * i, 2 * DRAWS), *score = read(b, 3 * i + 1, 2 * DRAWS);
        double *exact = read(b, 3 * i + 2, 2 * DRAWS);
        for (int k = 0; k < Z; k++) {
            estimate by_path = estimate_of(path + k * DRAWS, DRAWS);
            estimate by_score = estimate_of(score + k * DRAWS, DRAWS);
            check_estimate(by_path, exact[k * DRAWS], "reparameterised gradient");
            check_estimate(by_score, exact[k * DRAWS], "score-function gradient");
            check_above(by_score.error / by_path.error, 1.5, "ratio of the standard errors");
        }
        free(path);
        free(score);
        free(exact);
    }
}

/* The variance of the values about a known mean. */
static void check_variance(double *values, double mean, double expected, const char *what)
{
    for (int i = 0; i < DRAWS; i++)
        values[i] = (values[i] - mean) * (values[i] - mean);
    check_estimate(estimate_of(values, DRAWS), expected, what);
    free(values);
}

/* f(z) = z^2, q = N(m, 1): the gradient in m is 2 m, in log sigma 2.  In m the reparameterised
 * variance is 4, by the score m^4 + 14 m^2 + 15, and with the baseline E[f] = m^2 + 1 it is
 * 8 m^2 + 10. */
static void variances_are_as_derived(void **state)
{
    const double mu[2] = {0.5, -1}, one = 1;
    bench *b = *state;
    rv_expr out[8];
    for (int k = 0; k < 2; k++) {
        double mean = mu[k] * mu[k] + 1;
        rv_dist q = rv_normal(rows(b, &mu[k], 1, DRAWS), rows(b, &one, 1, DRAWS));
        rv_expr z = rv_rsample(q, k == 0 ? "first" : "second");
        rv_expr f = rv_sum(rv_square(z), RV_AXIS(1)), wrt[2] = {q.mu, q.log_sigma};
        rv_grad(rv_sum(f, RV_AXIS(0)), wrt, 2, &out[4 * k]);
        rv_grad(rv_sum(by_score(q, z, f, 0), RV_AXIS(0)), wrt, 1, &out[4 * k + 2]);
        rv_grad(rv_sum(by_score(q, z, f, mean), RV_AXIS(0)), wrt, 1, &out[4 * k + 3]);
    }
    run(b, out, 8);
    for (int k = 0; k < 2; k++) {
        double m = mu[k];
        check_estimate(read_mean(b, 4 * k, DRAWS), 2 * m, "reparameterised");
        check_estimate(read_mean(b, 4 * k + 1, DRAWS), 2, "in log sigma");
        check_estimate(read_mean(b, 4 * k + 2, DRAWS), 2 * m, "score function");
        check_estimate(read_mean(b, 4 * k + 3, DRAWS), 2 * m, "with a baseline");
        check_variance(read(b, 4 * k, DRAWS), 2 * m, 4, "variance, reparameterised");
        check_variance(read(b, 4 * k + 2, DRAWS), 2 * m, m * m * m * m + 14 * m * m + 15,
                       "variance, score function");
        check_variance(read(b, 4 * k + 3, DRAWS), 2 * m, 8 * m * m + 10,
                       "variance, with a baseline");
    }
}

/* ---- the averaged KL ---- */

/* Four data points x, q(z|x) = N(m_x, t_x^2) in one dimension; integrals on a grid.  The three
 * parts are found in three ways: the closed KL of each pair; the information as log 4 - E[H(x|z)],
 * with q(x|z) by Bayes' rule; the divergence of the mixture from the prior. */
static void averaged_kl_is_information_plus_divergence(void **state)
{
    enum { POINTS = 2401, DATA = 4 };
    const double m[DATA] = {-1.5, -0.2, 0.4, 1.1}, t[DATA] = {0.4, 0.7, 0.3, 0.5};
    const double reach = 8, step = 2 * reach / (POINTS - 1);
    bench *b = *state;
    static float grid[POINTS];
    float mean[DATA], log_t[DATA];
    for (int i = 0; i < POINTS; i++)
        grid[i] = (float)(-reach + step * i);
    for (int i = 0; i < DATA; i++) {
        mean[i] = (float)m[i];
        log_t[i] = (float)log(t[i]);
    }
    rv_dist q = rv_normal_log(rv_constant(b->graph, rv_shape2(DATA, 1), mean),
                              rv_constant(b->graph, rv_shape2(DATA, 1), log_t));
    rv_expr kl = rv_mean(rv_kl(q, rv_std_normal_like(q)), RV_AXIS(0));
    /* log q(z|x) at every point of the grid for every x: [POINTS,DATA] */
    rv_expr z = rv_broadcast_to(rv_constant(b->graph, rv_shape3(POINTS, 1, 1), grid),
                                rv_shape3(POINTS, DATA, 1));
    rv_expr given = rv_log_prob(q, z);
    rv_expr mixture = rv_shift(rv_logsumexp(given, RV_AXIS(1)), -log(DATA)); /* log q(z) */
    rv_expr prior = rv_log_prob(rv_std_normal(b->graph, rv_shape2(POINTS, 1)),
                                rv_constant(b->graph, rv_shape2(POINTS, 1), grid));
    rv_expr mass = rv_scale(rv_exp(mixture), step);
    rv_expr unsure = rv_dist_entropy(rv_categorical(given)); /* H(x|z) */
    rv_expr out[4] = {kl, rv_sum(rv_mul(mass, unsure), RV_AXIS(0)),
                      rv_sum(rv_mul(mass, rv_sub(mixture, prior)), RV_AXIS(0)),
                      rv_sum(mass, RV_AXIS(0))};
    run(b, out, 4);
    double information = log(DATA) - read_one(b, 1), divergence = read_one(b, 2);
    check_near(read_one(b, 3), 1, 1e-5, "integral of q(z)");
    check_near(information + divergence, read_one(b, 0), 1e-5, "I(x;z) + KL(q(z) || p(z))");
    check_above(information, 0.3, "I(x;z)");
    check_above(log(DATA), information, "log 4 against I(x;z)");
    check_above(divergence, 0.05, "KL(q(z) || p(z))");
}

/* ---- bounds from K draws ---- */

/* L_1 < L_5 < L_50 < log p(x), each step by more than five standard errors of the difference, on
 * the same draws taken in groups. */
static void bound_grows_with_the_number_of_draws(void **state)
{
    enum { K = 50, GROUP = 5, TIMES = 1000 };
    bench *b = *state;
    rv_dist q = off_posterior(b, TIMES);
    rv_expr z = rv_rsample_n(q, "z", K); /* [K,TIMES,Z] */
    rv_expr joint = log_joint(b, rv_reshape(z, rv_shape2(K * TIMES, Z)));
    rv_expr log_w = rv_sub(rv_reshape(joint, rv_shape2(K, TIMES)), rv_log_prob(q, z));
    rv_expr grouped = rv_reshape(log_w, rv_shape3(GROUP, K / GROUP, TIMES));
    rv_expr one = rv_mean(log_w, RV_AXIS(0));
    rv_expr five = rv_mean(rv_importance_bound(grouped), RV_AXIS(0));
    rv_expr fifty = rv_importance_bound(log_w);
    rv_expr out[4] = {one, rv_sub(five, one), rv_sub(fifty, five), fifty};
    run(b, out, 4);
    estimate first = read_mean(b, 0, TIMES), last = read_mean(b, 3, TIMES);
    for (int i = 1; i < 3; i++) {
        estimate growth = read_mean(b, i, TIMES);
        check_above(growth.mean, 5 * growth.error, i == 1 ? "L_5 - L_1" : "L_50 - L_5");
    }
    check_above(exact_evidence() - first.mean, 50 * first.error, "log p(x) - L_1");
    check_above(exact_evidence() - last.mean, 0, "log p(x) - L_50");
    check_near(last.mean, exact_evidence(), 0.05, "L_50");
}

/* ---- the Wasserstein distance ---- */

enum { ATOMS = 5 };
static const double real_at[ATOMS][2] = {{0, 0}, {1, 0.2}, {0.3, 1}, {-0.5, 0.7}, {0.8, -0.6}};
static const double fake_at[ATOMS][2] = {{1.5, 1}, {0.2, -0.4}, {1, 1.6}, {2, 0.1}, {0.4, 0.6}};

static double length_between(const double *a, const double *c)
{
    return hypot(a[0] - c[0], a[1] - c[1]);
}

/* The primal: of equal atoms the best plan is a matching; all 120 of them. */
static double best_matching(int *match, int placed, double cost)
{
    double best = INFINITY;
    if (placed == ATOMS)
        return cost / ATOMS;
    for (int j = 0; j < ATOMS; j++) {
        int taken = 0;
        for (int i = 0; i < placed; i++)
            taken |= match[i] == j;
        if (taken)
            continue;
        match[placed] = j;
        best = fmin(best, best_matching(match, placed + 1,
                                        cost + length_between(real_at[placed], fake_at[j])));
    }
    return best;
}

static rv_expr distances(const bench *b, const double from[ATOMS][2])
{
    float d[ATOMS * ATOMS];
    for (int i = 0; i < ATOMS * ATOMS; i++)
        d[i] = (float)length_between(from[i / ATOMS], fake_at[i % ATOMS]);
    return rv_constant(b->graph, rv_shape2(ATOMS, ATOMS), d);
}

/* f(x) = min_j (a_j + |x - y_j|) is 1-Lipschitz whatever a is: the critic at the atoms. */
static rv_expr critic(const bench *b, rv_expr a, const double at[ATOMS][2])
{
    return rv_neg(rv_max(rv_neg(rv_add(a, distances(b, at))), RV_AXIS(1)));
}

/* Every 1-Lipschitz critic stays below the distance, and the best one reaches it. */
static void critics_stay_below_the_distance(void **state)
{
    enum { STEPS = 400 };
    bench *b = *state;
    int match[ATOMS];
    double exact = best_matching(match, 0, 0), value = 0;
    rv_param *a =
        rv_param_get(b->context, "a", rv_shape1(ATOMS), rv_initial_normal(0, 1), RV_WEIGHT);
    rv_expr values = rv_param_value(b->graph, a);
    rv_expr loss =
        rv_wasserstein_critic_loss(critic(b, values, real_at), critic(b, values, fake_at));
    rv_optimizer_config adam = rv_optimizer_defaults();
    rv_schedule_config cosine = rv_schedule_defaults();
    cosine.kind = RV_COSINE;
    rv_optimize(&adam, "critic", loss, &a, 1, NULL);
    rv_compile(b->graph, &loss, 1, loss, &b->program);
    check_ok(b->context);
    for (int step = 0; step < STEPS; step++) {
        rv_bind_scalar(b->program, "critic.lr", 0.05 * rv_schedule_at(&cosine, step, STEPS, 1));
        rv_bind_scalar(b->program, "critic.t", step + 1);
        assert_int_equal(rv_run(b->program), RV_OK);
        value = -read_one(b, 0);
        if (step == 0)
            check_above(exact - value, 0.1, "the distance against the first critic");
        check_above(exact + 1e-6, value, "the distance against a critic");
    }
    check_near(value, exact, 0.005, "the best critic");
}

/* ---- the Gumbel-max trick ---- */

enum { CLASSES = 5 };
static const double class_p[CLASSES] = {0.05, 0.15, 0.2, 0.25, 0.35};

static double chi_square(const double *mean)
{
    double sum = 0;
    for (int k = 0; k < CLASSES; k++)
        sum += DRAWS * (mean[k] - class_p[k]) * (mean[k] - class_p[k]) / class_p[k];
    return sum;
}

static rv_expr shares_of_argmax(rv_expr scores)
{
    return rv_mean(rv_one_hot(rv_argmax(scores, 1), CLASSES), RV_AXIS(0));
}

/* argmax(log p + g) draws class k with probability p_k: chi-square of 4 degrees of freedom, whose
 * quantile at 0.999 is 18.47.  With normal noise in place of g the same test fails. */
static void gumbel_max_draws_the_class_probabilities(void **state)
{
    const rv_draw_axes axes = {0, -1};
    double log_p[CLASSES];
    bench *b = *state;
    for (int k = 0; k < CLASSES; k++)
        log_p[k] = log(class_p[k]);
    rv_expr logits = rows(b, log_p, CLASSES, DRAWS);
    rv_shape shape = rv_expr_shape(logits);
    rv_expr out[3] = {
        shares_of_argmax(rv_add(logits, rv_draw_gumbel(b->graph, "g", shape, axes))),
        rv_mean(rv_dist_sample(rv_categorical(logits), "y"), RV_AXIS(0)),
        shares_of_argmax(rv_add(logits, rv_draw_normal(b->graph, "g", shape, axes))),
    };
    run(b, out, 3);
    double *by_hand = read(b, 0, CLASSES), *library = read(b, 1, CLASSES);
    double *normal = read(b, 2, CLASSES);
    check_above(18.47, chi_square(by_hand), "the limit against Gumbel-max");
    check_above(18.47, chi_square(library), "the limit against rv_dist_sample");
    check_above(chi_square(normal), 100, "normal noise");
    free(by_hand);
    free(library);
    free(normal);
}

/* ---- importance weights ---- */

/* p = N(5, 1), q = N(1, 3^2): E_q[w] = 1, and E_q[w^2] as derived, 5.5946. */
static void effective_sample_size_is_as_derived(void **state)
{
    const double mean[2] = {5, 1}, sigma[2] = {1, 3};
    bench *b = *state;
    rv_dist p = rv_normal(rows(b, mean, 1, DRAWS), rows(b, sigma, 1, DRAWS));
    rv_dist q = rv_normal(rows(b, mean + 1, 1, DRAWS), rows(b, sigma + 1, 1, DRAWS));
    rv_expr z = rv_rsample(q, "z"), log_w = rv_sub(rv_log_prob(p, z), rv_log_prob(q, z));
    rv_expr twice = rv_scale(log_w, 2);
    rv_expr out[3] = {rv_exp(log_w), rv_exp(twice),
                      rv_exp(rv_sub(rv_scale(rv_logsumexp(log_w, RV_AXIS(0)), 2),
                                    rv_logsumexp(twice, RV_AXIS(0))))};
    run(b, out, 3);
    double expected = 9 / sqrt(17) * exp(16.0 / 17);
    check_near(expected, 5.5946, 5e-5, "E_q[w^2]");
    check_estimate(read_mean(b, 0, DRAWS), 1, "E_q[w]");
    check_estimate(read_mean(b, 1, DRAWS), expected, "E_q[w^2] by draws");
    check_near(read_one(b, 2) / DRAWS, 1 / expected, 0.005, "effective share of the draws");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(evidence_is_the_integral_of_the_joint),
        TEST(gap_is_the_divergence_from_the_posterior),
        TEST(elbo_is_reconstruction_minus_kl),
        TEST(closed_kl_is_the_mean_of_the_log_ratio),
        TEST(both_gradients_have_one_mean),
        TEST(variances_are_as_derived),
        TEST(averaged_kl_is_information_plus_divergence),
        TEST(bound_grows_with_the_number_of_draws),
        TEST(critics_stay_below_the_distance),
        TEST(gumbel_max_draws_the_class_probabilities),
        TEST(effective_sample_size_is_as_derived),
    };
    return cmocka_run_group_tests_name("theory", tests, NULL, NULL);
}
