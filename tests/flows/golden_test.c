/* Bijections and masked nets against PyTorch: values, log determinants of autograd's Jacobian, and
 * gradients of every parameter. */
#include "golden.h"
#include "reverie/flows.h"

enum { K = 3, PARTS_MOST = 4, OUTPUTS_MOST = 32 };
static const double tolerance = 1e-9;

typedef golden_bench bench;

static int set_up(void **state)
{
    return golden_set_up(state, "flows/values.txt");
}

/* What the outputs of a program are called in the file. */
typedef struct outputs {
    rv_expr expr[OUTPUTS_MOST];
    char name[OUTPUTS_MOST][64];
    int count;
} outputs;

static void add(outputs *o, rv_expr x, const char *format, ...)
{
    va_list arguments;
    assert_true(o->count < OUTPUTS_MOST);
    va_start(arguments, format);
    vsnprintf(o->name[o->count], sizeof o->name[0], format, arguments);
    va_end(arguments);
    o->expr[o->count++] = x;
}

static rv_expr leaf(const bench *b, const char *format, ...)
{
    char name[64];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    return golden_leaf(&b->g, b->graph, name);
}

static void check(bench *b, const outputs *o)
{
    rv_program *program;
    rv_compile(b->graph, o->expr, o->count, NULL, &program);
    check_ok(b->context);
    assert_int_equal(rv_run(program), RV_OK);
    for (int i = 0; i < o->count; i++) {
        rv_shape shape = rv_expr_shape(o->expr[i]);
        int64_t size = rv_shape_size(shape);
        double *got = malloc((size_t)size * sizeof *got);
        assert_int_equal(rv_read_double(program, i, got, (size_t)size), RV_OK);
        golden_compare(&b->g, o->name[i], got, shape, tolerance);
        free(got);
    }
    rv_program_free(program);
}

/* ---- chains whose parameters are given ---- */

static rv_bijection step(const char *name, int k, const rv_expr *part)
{
    if (strcmp(name, "planar") == 0)
        return rv_planar(part[0], part[1], part[2]);
    if (strcmp(name, "radial") == 0)
        return rv_radial(part[0], part[1], part[2]);
    if (strcmp(name, "householder") == 0)
        return rv_householder(part[0]);
    return rv_sylvester(part[0], part[1], part[2], part[3], k % 2);
}

static void check_chain(bench *b, const char *name, int parts)
{
    outputs o = {.count = 0};
    rv_expr wrt[1 + K * PARTS_MOST], gradient[1 + K * PARTS_MOST], z = leaf(b, "%s.z", name);
    rv_bijection chain[K];
    int count = 0;
    wrt[count++] = z;
    for (int k = 0; k < K; k++) {
        for (int i = 0; i < parts; i++)
            wrt[count++] = leaf(b, "%s.%d.%d", name, k, i);
        chain[k] = step(name, k, &wrt[count - parts]);
    }
    rv_moved moved = rv_forward(chain, K, z);
    rv_expr det = moved.log_det ? moved.log_det : rv_full(b->graph, rv_shape1(rv_dim(z, 0)), 0);
    rv_expr loss = rv_mul(moved.value, leaf(b, "%s.w", name));
    rv_grad(rv_add(rv_sum(loss, rv_all_axes(loss)), rv_sum(det, RV_AXIS(0))), wrt, count, gradient);
    add(&o, moved.value, "%s.out", name);
    add(&o, det, "%s.det", name);
    add(&o, gradient[0], "%s.dz", name);
    for (int k = 0; k < K; k++)
        for (int i = 0; i < parts; i++)
            add(&o, gradient[1 + k * parts + i], "%s.d.%d.%d", name, k, i);
    check(b, &o);
}

static void chains_agree(void **state)
{
    bench *b = *state;
    check_chain(b, "planar", 3);
    check_chain(b, "radial", 3);
    check_chain(b, "householder", 1);
    check_chain(b, "sylvester", 4);
}

/* ---- masked nets ---- */

static void write_param(const bench *b, rv_param *param, const char *format, ...)
{
    char name[64];
    rv_shape shape;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    double *values = golden_read(&b->g, name, &shape);
    assert_true(rv_shape_equal(shape, rv_param_shape(param)));
    rv_param_write_double(param, values, (size_t)rv_shape_size(shape));
    free(values);
}

static rv_net *made_of(const bench *b, const char *name, int64_t context, int reversed)
{
    static const char *const words[] = {"masked 7", "tanh", "masked 6", "tanh", "conditionals 2"};
    rv_net *net = NULL;
    rv_net_config config = rv_net_defaults();
    config.order = (rv_net_order){5, reversed, 0};
    rv_net_new_configured(b->context, name, words, 5, rv_shape1(5 + context), &config, &net);
    check_ok(b->context);
    for (int i = 0; i < rv_net_weight_count(net); i++) /* "made.0.weight", named as in the file */
        write_param(b, rv_net_weight(net, i), "%s", rv_param_name(rv_net_weight(net, i)));
    return net;
}

/* The gradients of a scalar in the weights of nets, which the outputs get. */
static void add_gradients(bench *b, outputs *o, rv_expr loss, rv_net *const *net, int nets)
{
    rv_expr wrt[OUTPUTS_MOST], gradient[OUTPUTS_MOST];
    int count = 0;
    for (int n = 0; n < nets; n++)
        for (int i = 0; i < rv_net_weight_count(net[n]); i++)
            wrt[count++] = rv_updated(b->graph, rv_net_weight(net[n], i));
    rv_grad(loss, wrt, count, gradient);
    count = 0;
    for (int n = 0; n < nets; n++)
        for (int i = 0; i < rv_net_weight_count(net[n]); i++) {
            const char *name = rv_param_name(rv_net_weight(net[n], i));
            size_t length = strlen(rv_net_name(net[n]));
            add(o, gradient[count++], "%s.d%s", rv_net_name(net[n]), name + length);
        }
}

static void check_made(bench *b, const char *name, int reversed)
{
    outputs o = {.count = 0};
    rv_net *net = made_of(b, name, 3, reversed);
    rv_expr x = leaf(b, "%s.x", name), dx, y = rv_net_apply(net, x, RV_TRAIN);
    rv_expr each = rv_mul(y, leaf(b, "%s.w", name)), loss = rv_sum(each, rv_all_axes(each));
    rv_grad(loss, &x, 1, &dx);
    add(&o, y, "%s.y", name);
    add(&o, dx, "%s.dx", name);
    add_gradients(b, &o, loss, &net, 1);
    check(b, &o);
    rv_net_free(net);
}

static void masked_nets_agree(void **state)
{
    check_made(*state, "made", 0);
    check_made(*state, "turned", 1);
}

static void inverse_autoregressive_flow_agrees(void **state)
{
    bench *b = *state;
    outputs o = {.count = 0};
    rv_net *net[2] = {made_of(b, "iaf0", 3, 0), made_of(b, "iaf1", 3, 1)};
    rv_expr z = leaf(b, "iaf.z"), h = leaf(b, "iaf.h");
    rv_bijection chain[2] = {rv_iaf(net[0], h, RV_TRAIN), rv_iaf(net[1], h, RV_TRAIN)};
    rv_moved moved = rv_forward(chain, 2, z);
    rv_expr log_q =
        rv_sub(rv_log_prob(rv_std_normal(b->graph, rv_expr_shape(z)), z), moved.log_det);
    add(&o, moved.value, "iaf.out");
    add(&o, log_q, "iaf.log_q");
    add_gradients(b, &o, rv_sum(log_q, RV_AXIS(0)), net, 2);
    check(b, &o);
    rv_net_free(net[0]);
    rv_net_free(net[1]);
}

/* ---- a density, with batch norms in both modes ---- */

static void make_norm(const bench *b, const char *name, int t, rv_param *norm[4])
{
    static const char *const part[4] = {"gamma", "beta", "mean", "var"};
    for (int i = 0; i < 4; i++) {
        char full[64];
        snprintf(full, sizeof full, "%s.norm%d.%s", name, t, part[i]);
        norm[i] = rv_param_get(b->context, full, rv_shape1(5), rv_initial_constant(0), RV_WEIGHT);
        write_param(b, norm[i], "%s", full);
    }
}

static void check_maf(bench *b, const char *name, rv_mode mode)
{
    outputs o = {.count = 0};
    rv_net *net[3];
    rv_param *norm[3][4];
    rv_bijection chain[5]; /* as a draw goes: layer 2, norm 2, layer 1, norm 1, layer 0 */
    for (int t = 0; t < 3; t++) {
        char full[64];
        snprintf(full, sizeof full, "%s%d", name, t);
        net[t] = made_of(b, full, 0, t == 1);
        chain[4 - 2 * t] = rv_maf(net[t], NULL, mode);
        if (t == 0)
            continue;
        make_norm(b, name, t, norm[t]);
        chain[5 - 2 * t] = rv_batch_norm_flow(norm[t], mode);
    }
    rv_expr x = leaf(b, "%s.x", name);
    rv_dist base = rv_std_normal(b->graph, rv_expr_shape(x));
    rv_expr log_p = rv_log_prob(rv_flow(base, chain, 5), x);
    add(&o, log_p, "%s.log_p", name);
    add_gradients(b, &o, rv_sum(log_p, RV_AXIS(0)), net, 3);
    for (int t = 1; t < 3 && mode == RV_TRAIN; t++) {
        add(&o, rv_updated(b->graph, norm[t][2]), "%s.norm%d.after.mean", name, t);
        add(&o, rv_updated(b->graph, norm[t][3]), "%s.norm%d.after.var", name, t);
    }
    check(b, &o);
    for (int t = 0; t < 3; t++)
        rv_net_free(net[t]);
}

static void masked_autoregressive_flow_agrees_in_training(void **state)
{
    check_maf(*state, "maf", RV_TRAIN);
}

static void masked_autoregressive_flow_agrees_in_evaluation(void **state)
{
    check_maf(*state, "maf_eval", RV_EVALUATE);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, golden_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(chains_agree),
        CASE(masked_nets_agree),
        CASE(inverse_autoregressive_flow_agrees),
        CASE(masked_autoregressive_flow_agrees_in_training),
        CASE(masked_autoregressive_flow_agrees_in_evaluation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
