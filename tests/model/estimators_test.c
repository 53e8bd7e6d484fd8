/* Gradients through discrete draws against exact ones, by enumeration: the mean of many draws of
 * each unbiased estimator within four standard errors; of the biased ones, that they are. */
#include "graph_bench.h"
#include "reverie/distributions.h"
#include "reverie/objective.h"

enum { ROWS = 20000, WIDTH_MOST = 9, DRAWS_MOST = 3 };

/* ---- the problem: log p(x, z) = theta . s(z), of three binary variables, or of one of three
 * classes ---- */

static const float binary_logits[3] = {0.4F, -0.7F, 1.1F};
static const float binary_theta[6] = {0.8F, -1.3F, 0.6F, 1.7F, -0.9F, 2.1F};
static const float class_logits[3] = {0.3F, -0.8F, 0.9F};
static const float class_theta[4] = {0.5F, 1.9F, -1.2F, 0.7F};

/* `rows` copies of the problem, so that a gradient is one for each. */
typedef struct problem {
    int is_categorical;
    int64_t rows;
    rv_expr logits, theta; /* [rows,3] or [rows,1,3]; [rows,M] */
    rv_dist q;
} problem;

static rv_expr copies(const bench *b, const float *row, int64_t width, int64_t rows)
{
    rv_expr one = rv_constant(b->graph, rv_shape2(1, width), row);
    return rv_broadcast_to(one, rv_shape2(rows, width));
}

static problem problem_of(const bench *b, int is_categorical, int64_t rows)
{
    problem p = {.is_categorical = is_categorical, .rows = rows};
    if (is_categorical) {
        p.logits = rv_reshape(copies(b, class_logits, 3, rows), rv_shape3(rows, 1, 3));
        p.theta = copies(b, class_theta, 4, rows);
        p.q = rv_categorical(p.logits);
    } else {
        p.logits = copies(b, binary_logits, 3, rows);
        p.theta = copies(b, binary_theta, 6, rows);
        p.q = rv_bernoulli(p.logits);
    }
    return p;
}

/* z [K,rows,...] -> log p(x, z), [K,rows].  Between the corners it is not linear. */
static rv_expr log_joint(const problem *p, rv_expr z)
{
    rv_shape shape = rv_expr_shape(z);
    rv_expr flat = rv_reshape(z, rv_shape3(shape.dim[0], shape.dim[1], 3)), part[6];
    for (int i = 0; i < 3; i++)
        part[i] = rv_cols(flat, i, i + 1);
    part[3] = rv_mul(part[0], part[1]);
    part[4] = rv_mul(part[1], part[2]);
    part[5] = rv_mul(part[3], part[2]);
    rv_expr s = rv_concat(part, p->is_categorical ? 4 : 6, 2); /* [K,rows,M] */
    return rv_sum(rv_mul(s, p->theta), RV_AXIS(2));
}

/* ---- gradients of each row ---- */

/* d objective / d (logits, theta): mean and standard error of each over the rows, or the sum. */
typedef struct gradients {
    int width;
    double mean[WIDTH_MOST], error[WIDTH_MOST], sum[WIDTH_MOST];
} gradients;

static void add_columns(rv_program *program, int output, int64_t rows, int width, gradients *g)
{
    double *x = malloc((size_t)(rows * width) * sizeof *x);
    assert_int_equal(rv_read_double(program, output, x, (size_t)(rows * width)), RV_OK);
    for (int c = 0; c < width; c++) {
        double sum = 0, squares = 0;
        for (int64_t i = 0; i < rows; i++)
            sum += x[i * width + c];
        for (int64_t i = 0; i < rows; i++)
            squares += pow(x[i * width + c] - sum / (double)rows, 2);
        g->sum[g->width] = sum;
        g->mean[g->width] = sum / (double)rows;
        g->error[g->width++] = sqrt(squares) / (double)rows;
    }
    free(x);
}

/* The program of the gradients of `objective` [rows], which the caller runs. */
static rv_program *program_of(const bench *b, const problem *p, rv_expr objective)
{
    rv_program *program;
    const rv_expr wrt[2] = {p->logits, p->theta};
    rv_expr out[2];
    rv_grad(rv_sum(objective, RV_AXIS(0)), wrt, 2, out);
    rv_compile(b->graph, out, 2, NULL, &program);
    check_ok(b->context);
    return program;
}

static gradients run(rv_program *program, const problem *p, uint32_t execution)
{
    gradients g = {.width = 0};
    rv_bind_random(program, 11, execution, 0, 0);
    assert_int_equal(rv_run(program), RV_OK);
    add_columns(program, 0, p->rows, 3, &g);
    add_columns(program, 1, p->rows, p->is_categorical ? 4 : 6, &g);
    return g;
}

static gradients gradients_of(const bench *b, const problem *p, rv_expr objective)
{
    rv_program *program = program_of(b, p, objective);
    gradients g = run(program, p, 0);
    rv_program_free(program);
    return g;
}

/* ---- the exact gradient: all the draws there are, with their probabilities ---- */

static void write_state(const problem *p, int state, float *z)
{
    for (int i = 0; i < 3; i++)
        z[i] = p->is_categorical ? (float)(state == i) : (float)(state >> i & 1);
}

/* d of the sum over (z_1 .. z_K) of prod_k q(z_k) L, L being the bound of those draws: with K = 1
 * the ELBO. */
static gradients exact(const bench *b, int is_categorical, int draws)
{
    const int states = is_categorical ? 3 : 8;
    int64_t rows = 1;
    for (int k = 0; k < draws; k++)
        rows *= states;
    problem p = problem_of(b, is_categorical, rows);
    float *z = malloc((size_t)(draws * rows * 3) * sizeof *z);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0, rest = i; k < draws; k++, rest /= states)
            write_state(&p, (int)(rest % states), z + (k * rows + i) * 3);
    rv_shape shape = is_categorical ? rv_shape4(draws, rows, 1, 3) : rv_shape3(draws, rows, 3);
    rv_expr draw = rv_constant(b->graph, shape, z);
    rv_expr log_q = rv_log_prob(p.q, draw);                                  /* [K,rows] */
    rv_expr value = rv_importance_bound(rv_sub(log_joint(&p, draw), log_q)); /* [rows] */
    gradients g = gradients_of(b, &p, rv_mul(rv_exp(rv_sum(log_q, RV_AXIS(0))), value));
    free(z);
    return g;
}

/* The largest distance of the mean from the exact gradient, in standard errors; a column without
 * noise must agree. */
static double distance(const gradients *got, const gradients *wanted)
{
    double most = 0;
    assert_int_equal(got->width, wanted->width);
    for (int c = 0; c < got->width; c++)
        most = fmax(most, fabs(got->mean[c] - wanted->sum[c]) / (got->error[c] + 1e-12));
    return most;
}

static void check_unbiased(const gradients *got, const gradients *wanted, const char *what)
{
    for (int c = 0; c < got->width; c++)
        check_near(got->mean[c], wanted->sum[c], 4 * got->error[c] + 1e-12, what);
}

/* The mean squared length of what differs from the mean. */
static double variance_of(const gradients *g)
{
    double sum = 0;
    for (int c = 0; c < 3; c++) /* of the logits */
        sum += g->error[c] * g->error[c] * ROWS;
    return sum;
}

/* ---- score function ---- */

typedef enum baseline { NONE, AVERAGE, INPUT, ITSELF } baseline;

/* The objective of one draw, log p(x, z) - log q(z|x), as the score function's surrogate. */
static rv_expr score(const bench *b, const problem *p, baseline kind)
{
    rv_expr z = rv_dist_sample_n(p->q, "z", 1), log_q = rv_log_prob(p->q, z); /* [1,rows] */
    rv_expr f = rv_sub(log_joint(p, z), log_q), signal = f;
    if (kind == AVERAGE)
        signal = rv_signal_centred(f, "signal", rv_signal_defaults());
    if (kind == INPUT) { /* any number that the draw does not enter */
        rv_draw_axes axes = {0, -1};
        rv_expr c = rv_draw_normal(b->graph, "c", rv_shape1(p->rows), axes);
        signal = rv_sub(f, rv_shift(c, 1.2));
    }
    if (kind == ITSELF)
        signal = rv_scale(f, 0.5);
    return rv_sum(rv_score_function(f, log_q, signal), RV_AXIS(0));
}

static void score_function_is_unbiased(void **state)
{
    bench *b = *state;
    for (int is_categorical = 0; is_categorical < 2; is_categorical++) {
        gradients wanted = exact(b, is_categorical, 1);
        problem p = problem_of(b, is_categorical, ROWS);
        gradients none = gradients_of(b, &p, score(b, &p, NONE));
        gradients input = gradients_of(b, &p, score(b, &p, INPUT));
        check_unbiased(&none, &wanted, "no baseline");
        check_unbiased(&input, &wanted, "a baseline of the input");
    }
}

/* The first batch is centred at the others' mean, the next at what it has left behind. */
static void moving_average_is_unbiased_and_calmer(void **state)
{
    bench *b = *state;
    gradients wanted = exact(b, 0, 1);
    problem p = problem_of(b, 0, ROWS);
    gradients none = gradients_of(b, &p, score(b, &p, NONE));
    rv_program *program = program_of(b, &p, score(b, &p, AVERAGE));
    for (uint32_t execution = 0; execution < 3; execution++) {
        gradients g = run(program, &p, execution);
        check_unbiased(&g, &wanted, "moving average");
        if (!(variance_of(&g) < 0.8 * variance_of(&none)))
            fail_msg("variance %g with the average, %g without", variance_of(&g),
                     variance_of(&none));
    }
    rv_program_free(program);
}

/* A baseline that its own draw enters is found out. */
static void a_baseline_of_the_draw_is_caught(void **state)
{
    bench *b = *state;
    gradients wanted = exact(b, 0, 1);
    problem p = problem_of(b, 0, ROWS);
    gradients g = gradients_of(b, &p, score(b, &p, ITSELF));
    if (!(distance(&g, &wanted) > 10))
        fail_msg("only %g standard errors off", distance(&g, &wanted));
}

/* Several draws: log q of them all, the bound their common objective. */
static void score_function_of_the_bound_is_unbiased(void **state)
{
    bench *b = *state;
    gradients wanted = exact(b, 0, 3);
    problem p = problem_of(b, 0, ROWS);
    rv_expr z = rv_dist_sample_n(p.q, "z", 3), log_q = rv_log_prob(p.q, z);
    rv_expr bound = rv_importance_bound(rv_sub(log_joint(&p, z), log_q));
    gradients g = gradients_of(b, &p, rv_score_function(bound, rv_sum(log_q, RV_AXIS(0)), bound));
    check_unbiased(&g, &wanted, "score function of L_3");
}

/* E_q[log p(x|z)] by the score function and the KL in closed form: the ELBO's gradient again. */
static void closed_kl_gives_the_same_gradient(void **state)
{
    bench *b = *state;
    gradients wanted = exact(b, 0, 1);
    problem p = problem_of(b, 0, ROWS);
    rv_expr z = rv_dist_sample_n(p.q, "z", 1), log_p = log_joint(&p, z);
    rv_expr surrogate = rv_score_function(log_p, rv_log_prob(p.q, z), log_p);
    rv_expr objective = rv_add(rv_sum(surrogate, RV_AXIS(0)), rv_dist_entropy(p.q));
    gradients g = gradients_of(b, &p, objective);
    check_unbiased(&g, &wanted, "score function and closed entropy");
}

static void surrogates_have_the_value_of_the_objective(void **state)
{
    bench *b = *state;
    problem p = problem_of(b, 0, 50);
    rv_program *program;
    rv_expr z = rv_dist_sample_n(p.q, "z", 3), log_q = rv_log_prob(p.q, z);
    rv_expr log_w = rv_sub(log_joint(&p, z), log_q), bound = rv_importance_bound(log_w);
    const rv_expr out[4] = {rv_score_function(log_w, log_q, rv_scale(log_w, 3)), log_w,
                            rv_vimco(log_w, log_q), bound};
    rv_compile(b->graph, out, 4, NULL, &program);
    check_ok(b->context);
    rv_bind_random(program, 1, 0, 0, 0);
    assert_int_equal(rv_run(program), RV_OK);
    for (int pair = 0; pair < 4; pair += 2) {
        double got[150], wanted[150];
        size_t count = pair == 0 ? 150 : 50;
        rv_read_double(program, pair, got, count);
        rv_read_double(program, pair + 1, wanted, count);
        for (size_t i = 0; i < count; i++)
            check_near(got[i], wanted[i], 0, "value of a surrogate");
    }
    rv_program_free(program);
}

/* The moving average and deviation, step by step. */
static void centring_follows_the_averages(void **state)
{
    bench *b = *state;
    rv_program *program;
    const rv_signal_config config = {.decay = 0.75, .normalise = 1};
    rv_expr signal = rv_input(b->graph, "signal", RV_F32, rv_shape1(4));
    rv_expr centred = rv_signal_centred(signal, "centre", config);
    rv_compile(b->graph, &centred, 1, NULL, &program);
    check_ok(b->context);
    const float batch[3][4] = {{1, 3, 5, 7}, {10, 10, 14, 14}, {0, 0, 1, 1}};
    const double mean[3] = {0, 4, 6}, variance[3] = {5, 5, 4.75};
    for (int step = 0; step < 3; step++) {
        double got[4];
        rv_bind(program, "signal", batch[step], 4);
        assert_int_equal(rv_run(program), RV_OK);
        rv_read_double(program, 0, got, 4);
        for (int i = 0; i < 4; i++) {
            double x = (double)batch[step][i], others = (16 - x) / 3;
            double expected = (x - (step == 0 ? others : mean[step])) / sqrt(variance[step]);
            check_near(got[i], expected, 1e-6, "centred signal");
        }
    }
    rv_program_free(program);
}

/* ---- VIMCO ---- */

static void vimco_is_unbiased_and_calmer(void **state)
{
    bench *b = *state;
    for (int is_categorical = 0; is_categorical < 2; is_categorical++)
        for (int draws = 2; draws <= DRAWS_MOST; draws++) {
            gradients wanted = exact(b, is_categorical, draws);
            problem p = problem_of(b, is_categorical, ROWS);
            rv_expr z = rv_dist_sample_n(p.q, "z", draws), log_q = rv_log_prob(p.q, z);
            rv_expr log_w = rv_sub(log_joint(&p, z), log_q);
            rv_expr bound = rv_importance_bound(log_w);
            gradients vimco = gradients_of(b, &p, rv_vimco(log_w, log_q));
            gradients plain =
                gradients_of(b, &p, rv_score_function(bound, rv_sum(log_q, RV_AXIS(0)), bound));
            check_unbiased(&vimco, &wanted, "VIMCO");
            if (!(variance_of(&vimco) < variance_of(&plain)))
                fail_msg("variance %g of VIMCO, %g of the plain score function",
                         variance_of(&vimco), variance_of(&plain));
        }
}

/* The equations as they stand, with weights that a double holds. */
static void vimco_signal_is_that_of_the_paper(void **state)
{
    enum { K = 4 };
    bench *b = *state;
    const float log_w[K] = {-1.5F, 0.25F, -3, 1};
    double w[K], got[K], all = 0;
    rv_program *program;
    rv_expr signal = rv_vimco_signal(rv_constant(b->graph, rv_shape2(K, 1), log_w));
    rv_compile(b->graph, &signal, 1, NULL, &program);
    assert_int_equal(rv_run(program), RV_OK);
    rv_read_double(program, 0, got, K);
    for (int i = 0; i < K; i++)
        all += w[i] = exp((double)log_w[i]);
    for (int j = 0; j < K; j++) {
        double product = 1;
        for (int i = 0; i < K; i++)
            product *= i == j ? 1 : w[i];
        double without = all - w[j] + pow(product, 1.0 / (K - 1));
        check_near(got[j], log(all / K) - log(without / K), 1e-9, "learning signal");
    }
    rv_program_free(program);
}

static void far_weights_stay_finite_on(const char *backend)
{
    enum { K = 3 };
    const float log_w[K] = {-7e5F, 3e5F, -2e5F};
    rv_context *context = rv_context_new();
    rv_context_set_backend(context, backend);
    rv_graph *graph = rv_graph_new(context);
    rv_program *program;
    rv_expr w = rv_constant(graph, rv_shape2(K, 1), log_w);
    rv_expr logits = rv_full(graph, rv_shape2(K, 1), 0.5);
    rv_expr bound = rv_vimco(rv_add(w, logits), logits), gradient;
    rv_grad(rv_sum(bound, RV_AXIS(0)), &logits, 1, &gradient);
    const rv_expr out[3] = {bound, rv_vimco_signal(w), gradient};
    rv_compile(graph, out, 3, NULL, &program);
    check_ok(context);
    assert_int_equal(rv_run(program), RV_OK);
    /* Draw 1 has all the weight.  Without it the largest is the mean of the others, -450000, below
     * draw 2; without another, draw 1 stays. */
    const double signal[K] = {0, 5e5, 0}, own[K] = {0, 1, 0};
    double value, got[K], slope[K];
    rv_read_double(program, 0, &value, 1);
    rv_read_double(program, 1, got, K);
    rv_read_double(program, 2, slope, K);
    check_near(value, 3e5 - log(K) + 0.5, 0.1, backend);
    for (int i = 0; i < K; i++) {
        check_near(got[i], signal[i], 0.1, "signal of far weights");
        check_near(slope[i], signal[i] + own[i], 0.1, "gradient at far weights");
    }
    rv_program_free(program);
    rv_graph_free(graph);
    rv_context_free(context);
}

static void weights_a_million_nats_apart_stay_finite(void **state)
{
    (void)state;
    far_weights_stay_finite_on("reference");
    far_weights_stay_finite_on("cpu");
}

static void vimco_refuses_one_draw(void **state)
{
    bench *b = *state;
    rv_expr one = rv_full(b->graph, rv_shape2(1, 4), 0);
    assert_true(rv_is_poison(rv_vimco(one, one)));
    check_error(b->context, RV_BAD_USAGE, "two draws or more");
}

/* ---- relaxations ---- */

/* The relaxed ELBO: the draw soft in log p(x, z), the entropy in closed form. */
static rv_expr relaxed(const problem *p, rv_expr temperature, int straight_through)
{
    rv_expr z = rv_dist_relaxed(p->q, "z", temperature, 1, straight_through);
    return rv_add(rv_sum(log_joint(p, z), RV_AXIS(0)), rv_dist_entropy(p->q));
}

/* Finite differences of the same objective at the same draws. */
static void relaxed_gradient_is_that_of_the_relaxed_objective(void **state)
{
    bench *b = *state;
    const double step = 1e-4;
    for (int is_categorical = 0; is_categorical < 2; is_categorical++) {
        problem p = problem_of(b, is_categorical, ROWS);
        rv_expr tau = rv_scalar(b->graph, 0.7), value[6];
        gradients got = gradients_of(b, &p, relaxed(&p, tau, 0));
        for (int i = 0; i < 6; i++) {
            float shift[3] = {0};
            shift[i / 2] = (float)(i % 2 == 0 ? step : -step);
            problem moved = p;
            moved.logits = rv_add(p.logits, rv_constant(b->graph, rv_shape1(3), shift));
            moved.q = is_categorical ? rv_categorical(moved.logits) : rv_bernoulli(moved.logits);
            value[i] = rv_mean(relaxed(&moved, tau, 0), RV_AXIS(0));
        }
        rv_program *program;
        rv_compile(b->graph, value, 6, NULL, &program);
        check_ok(b->context);
        rv_bind_random(program, 11, 0, 0, 0);
        assert_int_equal(rv_run(program), RV_OK);
        for (int c = 0; c < 3; c++) {
            double up, down;
            rv_read_double(program, 2 * c, &up, 1);
            rv_read_double(program, 2 * c + 1, &down, 1);
            check_near(got.mean[c], (up - down) / (2 * step), 1e-4, "relaxed gradient");
        }
        rv_program_free(program);
    }
}

/* d/dl of the integral of f(sigmoid(y)) p(y; l) over the density, against the draws' own gradient:
 * two ways that share no code. */
static void relaxed_gradient_is_that_of_the_integral(void **state)
{
    enum { POINTS = 4001 };
    bench *b = *state;
    static float grid[POINTS];
    const double wide = 60, step = 2 * wide / (POINTS - 1);
    for (int i = 0; i < POINTS; i++)
        grid[i] = (float)(-wide + step * i);
    const float logit = 0.6F;
    rv_expr tau = rv_scalar(b->graph, 0.5), l[2], z[2], out[4], f[2], integral;
    l[0] = copies(b, &logit, 1, POINTS);
    l[1] = copies(b, &logit, 1, ROWS);
    rv_expr y = rv_constant(b->graph, rv_shape2(POINTS, 1), grid);
    rv_expr density = rv_exp(rv_relaxed_log_prob(rv_bernoulli(l[0]), tau, y)); /* [POINTS] */
    z[0] = rv_sum(rv_sigmoid(y), RV_AXIS(1));
    z[1] = rv_sum(rv_dist_relaxed(rv_bernoulli(l[1]), "z", tau, 0, 0), RV_AXIS(1));
    for (int i = 0; i < 2; i++)
        f[i] = rv_add(rv_scale(rv_square(z[i]), 2), rv_mul(z[i], rv_square(z[i])));
    integral = rv_scale(rv_sum(rv_mul(density, f[0]), RV_AXIS(0)), step);
    rv_grad(integral, &l[0], 1, &out[0]);
    rv_grad(rv_sum(f[1], RV_AXIS(0)), &l[1], 1, &out[1]);
    out[0] = rv_sum(out[0], rv_all_axes(out[0]));
    out[2] = rv_scale(rv_sum(density, RV_AXIS(0)), step);
    out[3] = rv_mean(rv_square(out[1]), rv_all_axes(out[1]));
    out[1] = rv_mean(out[1], rv_all_axes(out[1]));
    rv_program *program;
    double value[4];
    rv_compile(b->graph, out, 4, NULL, &program);
    check_ok(b->context);
    rv_bind_random(program, 5, 0, 0, 0);
    assert_int_equal(rv_run(program), RV_OK);
    for (int i = 0; i < 4; i++)
        rv_read_double(program, i, &value[i], 1);
    check_near(value[2], 1, 1e-6, "the density integrates to");
    double error = sqrt((value[3] - value[1] * value[1]) / ROWS);
    check_near(value[1], value[0], 4 * error, "gradient of the relaxed mean");
    rv_program_free(program);
}

/* E[d log p(y)] = 0 at draws of p: what is drawn has the density that is given. */
static void relaxed_draws_have_their_density(void **state)
{
    bench *b = *state;
    for (int is_categorical = 0; is_categorical < 2; is_categorical++) {
        problem p = problem_of(b, is_categorical, ROWS);
        rv_expr tau = rv_scalar(b->graph, 0.6);
        rv_expr y = rv_stop_gradient(rv_dist_relaxed_log(p.q, "z", tau, 1));
        rv_expr density = rv_sum(rv_relaxed_log_prob(p.q, tau, y), RV_AXIS(0));
        gradients g = gradients_of(b, &p, density);
        for (int c = 0; c < 3; c++)
            check_near(g.mean[c], 0, 4 * g.error[c], "score at relaxed draws");
        /* in the other space: the same draw */
        rv_expr z = rv_dist_relaxed(p.q, "z", tau, 1, 0),
                again = is_categorical ? rv_exp(y) : rv_sigmoid(y);
        rv_expr most = rv_max(rv_abs(rv_sub(z, again)), rv_all_axes(z));
        rv_program *program;
        double off;
        rv_compile(b->graph, &most, 1, NULL, &program);
        rv_bind_random(program, 11, 0, 0, 0);
        assert_int_equal(rv_run(program), RV_OK);
        rv_read_double(program, 0, &off, 1);
        check_near(off, 0, 1e-9, "relaxed draw and its logarithm");
        rv_program_free(program);
    }
}

/* Of the discrete objective the relaxed gradient is biased, less so when colder, and the
 * straight-through one is biased at any temperature. */
static void relaxations_are_biased(void **state)
{
    bench *b = *state;
    gradients wanted = exact(b, 0, 1);
    problem p = problem_of(b, 0, ROWS);
    rv_expr warm = rv_scalar(b->graph, 1), cold = rv_scalar(b->graph, 0.3);
    gradients g[2] = {gradients_of(b, &p, relaxed(&p, warm, 0)),
                      gradients_of(b, &p, relaxed(&p, cold, 0))};
    double bias[2] = {0};
    for (int i = 0; i < 2; i++)
        for (int c = 0; c < 3; c++)
            bias[i] += pow(g[i].mean[c] - wanted.sum[c], 2);
    if (!(distance(&g[0], &wanted) > 10))
        fail_msg("relaxed: only %g standard errors off", distance(&g[0], &wanted));
    if (!(bias[1] < bias[0] / 4))
        fail_msg("squared bias %g at temperature 0.3, %g at 1", bias[1], bias[0]);
    gradients through = gradients_of(b, &p, relaxed(&p, warm, 1));
    if (!(distance(&through, &wanted) > 10))
        fail_msg("straight through: only %g standard errors off", distance(&through, &wanted));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(score_function_is_unbiased),
        TEST(moving_average_is_unbiased_and_calmer),
        TEST(a_baseline_of_the_draw_is_caught),
        TEST(score_function_of_the_bound_is_unbiased),
        TEST(closed_kl_gives_the_same_gradient),
        TEST(surrogates_have_the_value_of_the_objective),
        TEST(centring_follows_the_averages),
        TEST(vimco_is_unbiased_and_calmer),
        TEST(vimco_signal_is_that_of_the_paper),
        TEST(weights_a_million_nats_apart_stay_finite),
        TEST(vimco_refuses_one_draw),
        TEST(relaxed_gradient_is_that_of_the_relaxed_objective),
        TEST(relaxed_gradient_is_that_of_the_integral),
        TEST(relaxed_draws_have_their_density),
        TEST(relaxations_are_biased),
    };
#undef TEST
    return cmocka_run_group_tests_name("estimators", tests, NULL, NULL);
}
