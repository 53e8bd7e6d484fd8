/* Distributions against PyTorch: densities, entropies, moments, KL, and their gradients. */
#include "golden.h"
#include "reverie/distributions.h"

static const double tolerance = 1e-11;

typedef golden_bench bench;

static int set_up(void **state)
{
    return golden_set_up(state, "dist/values.txt");
}

static rv_expr leaf(const bench *b, const char *of, const char *what)
{
    char name[64];
    snprintf(name, sizeof name, "%s.%s", of, what);
    return golden_leaf(&b->g, b->graph, name);
}

/* ---- a list of (name, expression) to compare with the golden file ---- */

enum { CLAIMS_MOST = 16 };

typedef struct claims {
    char name[CLAIMS_MOST][64];
    rv_expr value[CLAIMS_MOST];
    int count;
} claims;

static void claim(claims *c, const char *of, const char *what, rv_expr value)
{
    snprintf(c->name[c->count], sizeof c->name[0], "%s.%s", of, what);
    c->value[c->count++] = value;
}

/* The gradient of the sum of x, which is [B], with respect to one leaf. */
static void claim_gradient(claims *c, const char *of, const char *what, rv_expr x, rv_expr wrt)
{
    rv_expr gradient;
    rv_grad(rv_sum(x, rv_all_axes(x)), &wrt, 1, &gradient);
    claim(c, of, what, gradient);
}

static void check(const bench *b, const claims *c)
{
    rv_program *program;
    rv_compile(b->graph, c->value, c->count, NULL, &program);
    check_ok(b->context);
    assert_int_equal(rv_run(program), RV_OK);
    for (int i = 0; i < c->count; i++)
        golden_check(&b->g, c->name[i], program, i, c->value[i], tolerance);
    rv_program_free(program);
}

static void claim_all(claims *c, const char *of, rv_dist dist, rv_expr x)
{
    claim(c, of, "log_prob", rv_log_prob(dist, x));
    claim(c, of, "entropy", rv_dist_entropy(dist));
    claim(c, of, "mean", rv_dist_mean(dist));
    claim(c, of, "deviation", rv_dist_deviation(dist));
}

/* ---- families ---- */

static void normal_agrees(void **state)
{
    bench *b = *state;
    claims c = {.count = 0};
    rv_expr mu = leaf(b, "normal", "mu"), log_sigma = leaf(b, "normal", "log_sigma");
    rv_expr x = leaf(b, "normal", "x");
    rv_dist dist = rv_normal_log(mu, log_sigma);
    claim_all(&c, "normal", dist, x);
    claim_all(&c, "normal", rv_normal(mu, rv_exp(log_sigma)), x);
    claim_gradient(&c, "normal", "dlog_prob.mu", rv_log_prob(dist, x), mu);
    claim_gradient(&c, "normal", "dlog_prob.log_sigma", rv_log_prob(dist, x), log_sigma);
    claim_gradient(&c, "normal", "dentropy.log_sigma", rv_dist_entropy(dist), log_sigma);
    check(b, &c);
}

static void standard_normal_agrees(void **state)
{
    bench *b = *state;
    claims c = {.count = 0};
    rv_expr x = leaf(b, "standard", "x"), mu = leaf(b, "normal", "mu");
    rv_dist dist = rv_std_normal(b->graph, rv_expr_shape(x));
    rv_dist like = rv_std_normal_like(rv_normal_log(mu, mu));
    claim(&c, "standard", "log_prob", rv_log_prob(dist, x));
    claim(&c, "standard", "entropy", rv_dist_entropy(dist));
    claim(&c, "standard", "log_prob", rv_log_prob(like, x));
    check(b, &c);
}

static void bernoulli_agrees(void **state)
{
    bench *b = *state;
    claims c = {.count = 0};
    rv_expr logits = leaf(b, "bernoulli", "logits"), x = leaf(b, "bernoulli", "x");
    rv_dist dist = rv_bernoulli(logits);
    claim_all(&c, "bernoulli", dist, x);
    claim_gradient(&c, "bernoulli", "dlog_prob.logits", rv_log_prob(dist, x), logits);
    claim_gradient(&c, "bernoulli", "dentropy.logits", rv_dist_entropy(dist), logits);
    rv_expr gray = leaf(b, "gray", "x");
    claim(&c, "gray", "log_prob", rv_log_prob(dist, gray));
    claim_gradient(&c, "gray", "dlog_prob.logits", rv_log_prob(dist, gray), logits);
    check(b, &c);
}

static void categorical_agrees(void **state)
{
    bench *b = *state;
    claims c = {.count = 0};
    rv_expr logits = leaf(b, "categorical", "logits"), x = leaf(b, "categorical", "x");
    rv_dist dist = rv_categorical(logits);
    claim_all(&c, "categorical", dist, x);
    claim_gradient(&c, "categorical", "dlog_prob.logits", rv_log_prob(dist, x), logits);
    claim_gradient(&c, "categorical", "dentropy.logits", rv_dist_entropy(dist), logits);
    check(b, &c);
}

/* ---- KL ---- */

static void normal_kl_agrees(void **state)
{
    bench *b = *state;
    claims c = {.count = 0};
    const char *name[] = {"q.mu", "q.log_sigma", "p.mu", "p.log_sigma"};
    rv_expr x[4];
    for (int i = 0; i < 4; i++)
        x[i] = leaf(b, "kl_normal", name[i]);
    rv_expr kl = rv_kl(rv_normal_log(x[0], x[1]), rv_normal_log(x[2], x[3]));
    claim(&c, "kl_normal", "kl", kl);
    for (int i = 0; i < 4; i++) {
        char what[32];
        snprintf(what, sizeof what, "dkl.%s", name[i]);
        claim_gradient(&c, "kl_normal", what, kl, x[i]);
    }
    check(b, &c);
}

static void standard_kl_agrees(void **state)
{
    bench *b = *state;
    claims c = {.count = 0};
    rv_expr mu = leaf(b, "kl_standard", "q.mu"), s = leaf(b, "kl_standard", "q.log_sigma");
    rv_dist q = rv_normal_log(mu, s), p = rv_std_normal_like(q);
    rv_expr kl = rv_kl(q, p), each = rv_kl_elementwise(q, p);
    claim(&c, "kl_standard", "kl", kl);
    claim(&c, "kl_standard", "kl", rv_sum(each, RV_AXIS(1)));
    /* the same prior, written as any other Normal */
    rv_dist plain = rv_normal(rv_zeros_like(mu), rv_ones_like(mu));
    claim(&c, "kl_standard", "kl", rv_kl(q, plain));
    claim_gradient(&c, "kl_standard", "dkl.q.mu", kl, mu);
    claim_gradient(&c, "kl_standard", "dkl.q.log_sigma", kl, s);
    check(b, &c);
}

static void discrete_kl_agrees(void **state)
{
    bench *b = *state;
    claims c = {.count = 0};
    const char *names[] = {"kl_bernoulli", "kl_categorical"};
    for (int i = 0; i < 2; i++) {
        rv_expr lq = leaf(b, names[i], "q.logits"), lp = leaf(b, names[i], "p.logits");
        rv_expr kl = i ? rv_kl(rv_categorical(lq), rv_categorical(lp))
                       : rv_kl(rv_bernoulli(lq), rv_bernoulli(lp));
        claim(&c, names[i], "kl", kl);
        claim_gradient(&c, names[i], "dkl.q.logits", kl, lq);
        claim_gradient(&c, names[i], "dkl.p.logits", kl, lp);
    }
    check(b, &c);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, golden_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(normal_agrees),      TEST(standard_normal_agrees), TEST(bernoulli_agrees),
        TEST(categorical_agrees), TEST(normal_kl_agrees),       TEST(standard_kl_agrees),
        TEST(discrete_kl_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
