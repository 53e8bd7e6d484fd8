/* Kinds of models: what their parts make of them, what a kind of one's own can be, and what is
 * refused. */
#include "graph_bench.h"

#include "reverie/model.h"

enum { B = 3, SIDE = 2, D = SIDE * SIDE, Z = 2, K = 4 };

/* ---- abilities ---- */

static void parts_make_what_a_kind_can(void **state)
{
    const unsigned all = RV_EVALUATION | RV_ENCODER | RV_DECODER | RV_CLASS_DECODER |
                         RV_CLASSIFIER | RV_CLASS_EVIDENCE | RV_FEATURES | RV_TRAINING;
    const unsigned game = RV_TRAINING | RV_DECODER,
                   latents = RV_TRAINING | RV_EVALUATION | RV_ENCODER | RV_DECODER;
    const struct {
        const char *name;
        unsigned has;
    } kinds[] = {
        {"vae", latents},
        {"pixelvae", latents},
        {"iwae", latents},
        {"ladder", latents},
        {"discrete-vae", latents},
        {"gan", game},
        {"wgan", game},
        {"wgan-gp", game},
        {"vae-gan", game | RV_ENCODER},
        {"bigan", game | RV_ENCODER | RV_FEATURES},
        {"classifier", RV_TRAINING | RV_EVALUATION | RV_CLASSIFIER | RV_FEATURES},
        {"m2", all},
        {"m1-m2", all},
        {"adgm", all},
        {"energy-flow", RV_TRAINING | RV_EVALUATION},
    };
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const rv_model_kind *kind = rv_model_kind_find(kinds[i].name);
        assert_non_null(kind);
        for (unsigned bit = 1; bit <= RV_TRAINING; bit <<= 1)
            if (rv_model_kind_has(kind, bit) != ((kinds[i].has & bit) != 0))
                fail_msg("%s: ability %u is %d", kinds[i].name, bit, rv_model_kind_has(kind, bit));
    }
}

/* ---- kinds of one's own ---- */

typedef struct tiny_config {
    int64_t latent;
    rv_objective objective;
} tiny_config;

enum { ENCODER, DECODER };

static void nets(const rv_model *m, rv_net_wish *wish)
{
    const tiny_config *c = m->config;
    wish[ENCODER] = (rv_net_wish){.name = "encoder", .width = 2 * c->latent};
    wish[DECODER] = (rv_net_wish){.name = "decoder", .in = rv_shape1(c->latent), .gives_images = 1};
}

/* q(z|x) as the encoder gives it, and the same of 2 z - 1. */
static rv_dist posterior(const rv_model *m, rv_expr x, rv_mode mode)
{
    return rv_normal_halves(rv_model_apply(m, ENCODER, x, mode));
}

static rv_dist moved_posterior(const rv_model *m, rv_expr x, rv_mode mode)
{
    rv_dist q = posterior(m, x, mode);
    return rv_normal_log(rv_shift(rv_scale(q.mu, 2), -1), rv_shift(q.log_sigma, log(2)));
}

/* A flow: z = 2 z0 - 1 of z0 ~ q, log q(z) = log q(z0) - log |dz/dz0| */
static rv_draws moved_draws(const rv_model *m, rv_expr x, rv_dist q, int64_t draws, rv_mode mode)
{
    rv_expr z0 = rv_rsample_n(q, "z", draws);
    rv_draws d = {.levels = 1};
    (void)m, (void)x, (void)mode;
    d.z[0] = rv_shift(rv_scale(z0, 2), -1);
    d.log_q[0] = rv_shift(rv_log_prob(q, z0), -Z * log(2));
    return d;
}

static rv_dist likelihood(const rv_model *m, rv_expr z, rv_mode mode)
{
    return rv_bernoulli(rv_model_apply(m, DECODER, z, mode));
}

static rv_expr log_likelihood(const rv_model *m, rv_expr x, const rv_draws *d, rv_mode mode)
{
    return rv_observation_log_prob(m, likelihood(m, rv_as_rows(d->z[0]), mode), x);
}

#define TINY                                                                                       \
    .config_size = sizeof(tiny_config), .nets = nets, .z_width = RV_MEMBER(tiny_config, latent)
static const rv_model_kind moved = {.name = "moved",
                                    TINY,
                                    .latent = {.objective = RV_MEMBER(tiny_config, objective),
                                               .posterior = moved_posterior,
                                               .likelihood = likelihood}},
                           flow = {.name = "flow",
                                   TINY,
                                   .latent = {.objective = RV_MEMBER(tiny_config, objective),
                                              .posterior = posterior,
                                              .draw = moved_draws,
                                              .likelihood = likelihood}},
                           pixels = {.name = "pixels",
                                     TINY,
                                     .latent = {.objective = RV_MEMBER(tiny_config, objective),
                                                .posterior = moved_posterior,
                                                .log_likelihood = log_likelihood}},
                           idle = {.name = "idle", TINY, .latent = {.posterior = posterior}};

static rv_model *model_of(bench *b, const rv_model_kind *kind)
{
    const tiny_config config = {Z, {RV_BOUND_IWAE, K}};
    const rv_data_sizes sizes = {SIDE, SIDE, 1, 2, 0, 1, 0, 0, 0, 0};
    rv_model *model;
    rv_model_new(b->context, kind, &config, sizes, &model);
    check_ok(b->context);
    return model;
}

static void run_on_images(bench *b, const rv_expr *outputs, int count)
{
    float x[B * D];
    for (int i = 0; i < B * D; i++)
        x[i] = (float)i / (B * D);
    rv_compile(b->graph, outputs, count, NULL, &b->program);
    check_ok(b->context);
    rv_bind(b->program, "x", x, B * D);
    rv_bind_random(b->program, 7, 0, 0, 0);
    assert_int_equal(rv_run(b->program), RV_OK);
}

/* Its metric of that name, [B]. */
static rv_expr evaluated(bench *b, rv_model *model, const char *name)
{
    rv_evaluation e;
    model->kind->evaluate(model, b->graph, B, &e);
    for (int i = 0; i < e.metric_count; i++)
        if (strcmp(e.metric[i].name, name) == 0)
            return e.metric[i].value;
    fail_msg("%s does not report %s", model->kind->name, name);
    return NULL;
}

/* The same distribution told in two ways, at the same noise, has the same L_K; and so has the one
 * whose likelihood is only a log density. */
static void a_flow_is_its_density(void **state)
{
    bench *b = *state;
    rv_model *model[3] = {model_of(b, &moved), model_of(b, &flow), model_of(b, &pixels)};
    rv_expr bound[5];
    for (int i = 0; i < 3; i++)
        bound[i] = evaluated(b, model[i], "importance_bound");
    rv_expr x = rv_evaluation_images(model[0], b->graph, B);
    for (int i = 0; i < 2; i++) {
        rv_latents group;
        int count;
        model[i]->kind->encode(model[i], x, &group, &count);
        bound[3 + i] = rv_model_log_weight(model[i], x, &group, 1); /* [1,B] */
    }
    run_on_images(b, bound, 5);
    double *value[5];
    for (int i = 0; i < 5; i++)
        value[i] = read(b, i, B);
    for (int i = 0; i < B; i++) {
        check_near(value[1][i], value[0][i], 1e-9, "L_K of the flow");
        check_near(value[2][i], value[0][i], 0, "L_K of a log density");
        check_near(value[4][i], value[3][i], 1e-9, "log w of the flow");
    }
    assert_true(rv_model_has(model[0], RV_DECODER) && rv_model_has(model[1], RV_DECODER));
    assert_false(rv_model_has(model[2], RV_DECODER));
    assert_string_equal(model[1]->kind->select(model[1]), "importance_bound");
    for (int i = 0; i < 5; i++)
        free(value[i]);
    for (int i = 0; i < 3; i++)
        rv_model_free(model[i]);
}

/* ---- a prior ---- */

/* N(3, 1/4): generated images are drawn from it, and the KL is to it. */
static rv_dist high_prior(const rv_model *m, rv_graph *graph, int64_t batch)
{
    const rv_shape shape = rv_shape2(batch, Z);
    (void)m;
    return rv_normal(rv_full(graph, shape, 3), rv_full(graph, shape, 0.5));
}

static const rv_model_kind high = {
    .name = "high",
    TINY,
    .latent = {.posterior = posterior, .prior = high_prior, .likelihood = likelihood}};

static void a_prior_of_its_own_is_drawn_from(void **state)
{
    enum { COUNT = 4000 };
    bench *b = *state;
    rv_model *model = model_of(b, &high);
    rv_expr z = model->kind->draw_prior(model, b->graph, COUNT);
    rv_expr x = rv_evaluation_images(model, b->graph, B);
    rv_dist q = posterior(model, x, RV_EVALUATE);
    const rv_expr outputs[4] = {rv_mean_all(z), rv_mean_all(rv_square(rv_shift(z, -3))),
                                evaluated(b, model, "kl"),
                                rv_kl(q, high_prior(model, b->graph, B))};
    run_on_images(b, outputs, 4);
    double *mean = read(b, 0, 1), *square = read(b, 1, 1), *kl = read(b, 2, B),
           *exact = read(b, 3, B);
    check_near(mean[0], 3, 5 * 0.5 / sqrt(COUNT * Z), "mean of the prior's draws");
    check_near(square[0], 0.25, 5 * 0.25 * sqrt(2.0 / (COUNT * Z)), "variance of them");
    for (int i = 0; i < B; i++)
        check_near(kl[i], exact[i], 1e-9, "KL to the prior");
    free(mean);
    free(square);
    free(kl);
    free(exact);
    rv_model_free(model);
}

/* ---- a score ---- */

static rv_expr distance(const rv_model *m, rv_expr x, rv_expr y, rv_mode mode)
{
    (void)y;
    rv_expr again = rv_model_apply(m, DECODER, rv_model_apply(m, ENCODER, x, mode), mode);
    return rv_neg(rv_sum(rv_square(rv_sub(x, again)), RV_AXIS(1)));
}

static void through(const rv_model *m, rv_net_wish *wish)
{
    nets(m, wish);
    wish[ENCODER].width = Z;
}

static const rv_model_kind scored = {.name = "scored",
                                     .config_size = sizeof(tiny_config),
                                     .nets = through,
                                     .score = {"closeness", distance}};

static void a_score_is_maximised(void **state)
{
    bench *b = *state;
    rv_model *model = model_of(b, &scored);
    rv_iteration iteration = {.graph = b->graph, .batch = B};
    model->kind->train(model, &iteration);
    const rv_expr outputs[2] = {iteration.stage[0].loss, evaluated(b, model, "closeness")};
    assert_int_equal(iteration.stage[0].weight_count, 4);
    assert_string_equal(iteration.stage[0].name, "scored");
    assert_string_equal(model->kind->select(model), "closeness");
    run_on_images(b, outputs, 2);
    double *loss = read(b, 0, 1), *each = read(b, 1, B);
    check_near(loss[0], -(each[0] + each[1] + each[2]) / 3, 1e-9, "loss");
    assert_true(loss[0] > 0);
    assert_false(rv_model_kind_has(&scored, RV_ENCODER) || rv_model_kind_has(&scored, RV_DECODER));
    free(loss);
    free(each);
    rv_model_free(model);
}

/* ---- registering ---- */

static void kinds_are_registered_once(void **state)
{
    bench *b = *state;
    static const rv_model_kind taken = {.name = "vae", .nets = nets, .score = {"s", distance}};
    static const rv_model_kind nameless = {.nets = nets, .score = {"s", distance}};
    int before, after;
    rv_model_kinds(&before);
    assert_null(rv_model_kind_find("flow"));
    assert_int_equal(rv_model_register(b->context, &flow), RV_OK);
    assert_int_equal(rv_model_register(b->context, &flow), RV_OK);
    assert_ptr_equal(rv_model_kind_find("flow"), &flow);
    rv_model_kinds(&after);
    assert_int_equal(after, before + 1);
    rv_model_register(b->context, &taken);
    check_error(b->context, RV_BAD_USAGE, "model kind `vae` is there already");
    rv_model_register(b->context, &nameless);
    check_error(b->context, RV_BAD_USAGE, "needs a name, and nets");
    rv_model_register(b->context, &idle);
    check_error(b->context, RV_BAD_USAGE, "model kind `idle` cannot be trained");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(parts_make_what_a_kind_can),       TEST(a_flow_is_its_density),
        TEST(a_prior_of_its_own_is_drawn_from), TEST(a_score_is_maximised),
        TEST(kinds_are_registered_once),
    };
    return cmocka_run_group_tests_name("model_kinds", tests, NULL, NULL);
}
