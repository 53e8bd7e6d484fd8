/* What holds of the adversarial models over many steps: clipped critics, turns, exact resume, what
 * stops a training; and that each recipe has the sizes it should have and can be trained. */
#include "check.h"

#include "model/game.h"
#include "reverie/config.h"
#include "reverie/objective.h"
#include "reverie/train.h"

#include <unistd.h>

#define DATA "data: {name: digits, limit: 53, batch: 8}\n" /* 7 batches, the last of 5 images */

static const char gan_mlp[] =
    "model: gan\nlatent: 3\n" DATA "generator: [linear 8, batchnorm, relu]\n"
    "discriminator: [linear 8, batchnorm, leaky_relu 0.2, dropout 0.3]\n";

static const char gan_convolutions[] =
    "model: gan\nlatent: 3\n" DATA
    "generator: [deconv 4 k7, batchnorm, relu, deconv 2 k4 s2 p1, batchnorm, relu,\n"
    "  deconv channels k4 s2 p1]\n"
    "discriminator: [conv 2 k4 s2 p1, leaky_relu 0.2, conv 4 k4 s2 p1 nobias, batchnorm,\n"
    "  leaky_relu 0.2, globalavgpool]\n"
    "train: {ema: 0.9}\n";

static const char wgan[] =
    "model: wgan\nlatent: 3\n" DATA "generator: [linear 8, batchnorm, relu]\n"
    "critic: [linear 8, leaky_relu 0.2, batchnorm]\n"
    "train: {optimizer: rmsprop, lr: 5e-3}\n";

static const char wgan_gp[] =
    "model: wgan-gp\nlatent: 3\n" DATA
    "generator: [linear 98, batchnorm, relu, reshape 2 7 7, deconv 2 k4 s2 p1, relu,\n"
    "  deconv channels k4 s2 p1]\n"
    "critic: [conv 2 k4 s2 p1, leaky_relu 0.2, flatten]\n"
    "train: {beta1: 0, beta2: 0.9}\n";

static const char vae_gan[] =
    "model: vae-gan\nlatent: 3\n" DATA "encoder: [conv 2 k4 s2 p1, batchnorm, relu, flatten]\n"
    "decoder: [linear 98, batchnorm, relu, reshape 2 7 7, deconv 2 k4 s2 p1, relu,\n"
    "  deconv channels k4 s2 p1]\n"
    "discriminator: [conv 2 k4 s2 p1, batchnorm, leaky_relu 0.2, flatten]\n"
    "objective: {feature_layers: 3, gamma: 0.1}\n"
    "train: {optimizer: rmsprop}\n";

static const char bigan[] =
    "model: bigan\nlatent: 3\nprior: uniform\n" DATA "generator: [linear 8, batchnorm, relu]\n"
    "encoder: [linear 8, batchnorm, leaky_relu 0.2]\n"
    "discriminator: [linear 8, batchnorm, leaky_relu 0.2, dropout 0.2]\n"
    "train: {weight_decay: 1e-2, schedule: late, least: 0.01}\n";

static const char classifier[] = "model: classifier\nnormalize: [0.13, 0.31]\n" DATA
                                 "layers: [conv 2 k3 p1, batchnorm, relu, maxpool k4, flatten,\n"
                                 "  dropout 0.25, linear 8, relu]\n";

static const struct {
    const char *name, *recipe;
} models[] = {
    {"gan of MLPs", gan_mlp},
    {"gan with convolutions", gan_convolutions},
    {"wgan", wgan},
    {"wgan-gp", wgan_gp},
    {"vae-gan", vae_gan},
    {"bigan", bigan},
    {"classifier", classifier},
};

/* ---- a training ---- */

typedef struct training {
    rv_context *context;
    rv_config *config;
    rv_source *source;
    rv_model *model;
    rv_trainer *trainer;
    int64_t place; /* where run_until stops */
} training;

/* Makes it of the settings that the configuration holds; `lr`: another learning rate, 0: theirs. */
static void begin_configured(training *t, double lr)
{
    const rv_settings *settings = rv_config_settings(t->config);
    check_ok(t->context);
    rv_source_open(t->context, &settings->data, RV_SPLIT_TRAIN, &t->source);
    check_ok(t->context);
    rv_model_new(t->context, settings->model, settings->model_config, rv_data_sizes_of(t->source),
                 &t->model);
    check_ok(t->context);
    rv_trainer_setup setup = {.model = t->model, .train = t->source, .config = settings->train};
    if (lr > 0)
        setup.config.lr = lr;
    rv_trainer_new(t->context, &setup, &t->trainer);
    check_ok(t->context);
}

static void open_config(training *t)
{
    memset(t, 0, sizeof *t);
    t->context = rv_context_new();
    rv_config_new(t->context, &t->config);
}

/* `extra`: settings over the recipe's; `steps`: where rv_trainer_run ends. */
static void begin(training *t, const char *recipe, const char *extra, int64_t steps)
{
    char setting[64];
    open_config(t);
    rv_config_parse(t->config, recipe, "recipe");
    if (extra)
        rv_config_parse(t->config, extra, "extra");
    snprintf(setting, sizeof setting, "train.steps=%lld", (long long)steps);
    rv_config_set(t->config, setting);
    begin_configured(t, 0);
}

static void end(training *t)
{
    rv_trainer_free(t->trainer);
    rv_model_free(t->model);
    rv_source_free(t->source);
    rv_config_free(t->config);
    rv_context_free(t->context);
}

static void run(training *t)
{
    if (rv_trainer_run(t->trainer) != RV_OK)
        fail_msg("%s", rv_error_message(t->context));
}

/* ---- copies of parameters ---- */

typedef struct snapshot {
    float *values;
    size_t count;
} snapshot;

/* Of the parameters whose name begins so. */
static snapshot take(const rv_model *model, const char *prefix)
{
    snapshot s = {calloc(1, sizeof *s.values), 0};
    for (int i = 0; i < rv_params_count(model->params); i++) {
        rv_param *param = rv_params_at(model->params, i);
        size_t size = (size_t)rv_shape_size(rv_param_shape(param));
        if (strncmp(rv_param_name(param), prefix, strlen(prefix)) != 0)
            continue;
        s.values = realloc(s.values, (s.count + size) * sizeof *s.values);
        assert_non_null(s.values);
        assert_int_equal(rv_param_read(param, s.values + s.count, size), RV_OK);
        s.count += size;
    }
    return s;
}

/* Bit for bit; frees both. */
static int same(snapshot a, snapshot b)
{
    assert_int_equal(a.count, b.count);
    assert_true(a.count > 0);
    int equal = memcmp(a.values, b.values, a.count * sizeof *a.values) == 0;
    free(a.values);
    free(b.values);
    return equal;
}

static snapshot copy(snapshot s)
{
    snapshot out = {malloc(s.count * sizeof *s.values), s.count};
    assert_non_null(out.values);
    memcpy(out.values, s.values, s.count * sizeof *s.values);
    return out;
}

/* ---- turns ---- */

typedef struct watcher {
    training *t;
    snapshot generator, running, critic;
    int64_t step, changes;
    double clip;
} watcher;

static void replace(snapshot *old, snapshot now)
{
    free(old->values);
    *old = now;
}

static void watch_clip(const watcher *w, snapshot critic)
{
    int at_clip = 0;
    for (size_t i = 0; i < critic.count; i++) {
        if (!(fabsf(critic.values[i]) <= (float)w->clip))
            fail_msg("step %d: a weight of the critic is %.9g", (int)w->step, critic.values[i]);
        at_clip += fabsf(critic.values[i]) == (float)w->clip;
    }
    assert_true(at_clip > 0);
}

/* The generator moves in each fifth step of the run alone, the critic and the running statistics
 * of the generator, which made the fakes, in all. */
static void watch(void *user, const rv_progress *now)
{
    watcher *w = user;
    const rv_model *model = w->t->model;
    int64_t step = now->step;
    snapshot generator = take(model, "generator.0."), critic = take(model, "critic.0.");
    snapshot running = take(model, "generator.1.running_");
    if (step == w->step + 1) {
        int moved = !same(copy(w->generator), copy(generator));
        if (moved != (step % 5 == 0))
            fail_msg("step %d: the generator %s", (int)step, moved ? "moved" : "did not move");
        w->changes += moved;
        assert_false(same(copy(w->critic), copy(critic)));
        assert_false(same(copy(w->running), copy(running)));
    } else {
        assert_int_equal(step, w->step); /* a batch of one image, left out: nothing happens */
        assert_true(same(copy(w->generator), copy(generator)));
        assert_true(same(copy(w->critic), copy(critic)));
    }
    w->step = step;
    watch_clip(w, critic);
    replace(&w->generator, generator);
    replace(&w->critic, critic);
    replace(&w->running, running);
}

static void watch_turns(const char *extra, int64_t steps)
{
    training t;
    begin(&t, wgan, extra, 0);
    watcher w = {.t = &t, .clip = 0.01};
    w.generator = take(t.model, "generator.0.");
    w.critic = take(t.model, "critic.0.");
    w.running = take(t.model, "generator.1.running_");
    rv_trainer_listen(t.trainer, (rv_listener){.user = &w, .step = watch});
    run(&t);
    assert_int_equal(w.step, steps);
    assert_int_equal(w.changes, w.step / 5);
    free(w.generator.values);
    free(w.critic.values);
    free(w.running.values);
    end(&t);
}

static void a_critic_takes_five_steps_and_stays_clipped(void **state)
{
    (void)state;
    watch_turns("train: {epochs: 3}", 21);
    watch_turns("data: {limit: 49}\ntrain: {epochs: 3}", 18); /* the seventh batch: one image */
}

/* The generator of a gan moves whether its opponent does or not. */
static void a_discriminator_of_rate_zero_rests(void **state)
{
    training t;
    (void)state;
    begin(&t, gan_mlp, "objective: {discriminator_rate: 0}", 2);
    snapshot discriminator = take(t.model, "discriminator.0.");
    snapshot generator = take(t.model, "generator.0.");
    run(&t);
    assert_true(same(discriminator, take(t.model, "discriminator.0.")));
    assert_false(same(generator, take(t.model, "generator.0.")));
    end(&t);
}

/* ---- noise ---- */

enum { LATENT = 3, ROWS_MOST = 9 };

/* z [rows,LATENT] and the place of each interpolate between 0 and 1 [rows,1] of a batch. */
static void draw(const training *t, int64_t rows, float *z, float *between)
{
    rv_program *program;
    rv_graph *graph = rv_graph_new(t->context);
    rv_iteration iteration = {.graph = graph, .batch = rows};
    rv_expr zeros =
        rv_scale(rv_draw_uniform(graph, "any", rv_shape2(rows, 1), (rv_draw_axes){0, -1}), 0);
    rv_expr out[] = {game_noise(t->model, &iteration, "z"),
                     rv_interpolates(rv_shift(zeros, 1), zeros, "between")};
    rv_compile(graph, out, 2, NULL, &program);
    check_ok(t->context);
    rv_bind_random(program, 5, 7, 0, 0);
    assert_int_equal(rv_run(program), RV_OK);
    rv_read(program, 0, z, (size_t)(rows * LATENT));
    rv_read(program, 1, between, (size_t)rows);
    check_ok(t->context);
    rv_program_free(program);
    rv_graph_free(graph);
}

/* An example's noise does not depend on how many there are in its batch. */
static void noise_does_not_depend_on_the_batch(void **state)
{
    static const char *const priors[] = {"prior: normal", "prior: uniform"};
    (void)state;
    for (int p = 0; p < 2; p++) {
        float few[2][ROWS_MOST * LATENT], many[2][ROWS_MOST * LATENT];
        training t;
        begin(&t, gan_mlp, priors[p], 0);
        draw(&t, 2, few[0], few[1]);
        draw(&t, ROWS_MOST, many[0], many[1]);
        assert_memory_equal(few[0], many[0], 2 * LATENT * sizeof(float));
        assert_memory_equal(few[1], many[1], 2 * sizeof(float));
        assert_true(few[0][0] != few[0][LATENT]);
        for (int i = 0; i < ROWS_MOST; i++)
            assert_true(many[1][i] > 0 && many[1][i] < 1);
        end(&t);
    }
}

/* ---- resume ---- */

static void compare(training *a, training *b, const char *name, int64_t at)
{
    rv_progress p = rv_trainer_progress(a->trainer), q = rv_trainer_progress(b->trainer);
    assert_int_equal(p.step, q.step);
    assert_int_equal(p.count, q.count);
    for (int i = 0; i < p.count; i++) {
        assert_string_equal(p.name[i], q.name[i]);
        assert_memory_equal(&p.value[i], &q.value[i], sizeof p.value[i]);
    }
    assert_int_equal(rv_params_count(a->model->params), rv_params_count(b->model->params));
    for (int i = 0; i < rv_params_count(a->model->params); i++) {
        const char *param = rv_param_name(rv_params_at(a->model->params, i));
        if (!same(take(a->model, param), take(b->model, param)))
            fail_msg("%s resumed from step %d: %s differs", name, (int)at, param);
    }
}

/* Stops after that step; the rate is that of the whole training, however far it gets. */
static int at_place(void *user)
{
    const training *t = user;
    return rv_trainer_progress(t->trainer).step >= t->place;
}

static void run_until(training *t, int64_t place)
{
    t->place = place;
    rv_trainer_listen(t->trainer, (rv_listener){.user = t, .stop = at_place});
    assert_int_equal(rv_trainer_run(t->trainer), RV_INTERRUPTED);
}

/* Saved in mid-epoch and loaded into a new trainer, later steps give the same bytes: both players'
 * weights, running statistics, optimizer states, averages, and what is reported. */
static void resume_is_exact(void **state)
{
    enum { STEPS = 13 };
    static const int64_t places[] = {3, 9}; /* in the first epoch, and in the second */
    const char *name = models[(uintptr_t)*state].name;
    const char *recipe = models[(uintptr_t)*state].recipe;
    char path[] = "/tmp/reverie-adversarial-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    training whole;
    begin(&whole, recipe, NULL, STEPS);
    run(&whole);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int64_t position = -1;
        training first, second;
        begin(&first, recipe, NULL, STEPS);
        run_until(&first, places[i]);
        assert_int_equal(rv_trainer_progress(first.trainer).step, places[i]);
        rv_trainer_save(first.trainer, path);
        check_ok(first.context);
        begin(&second, recipe, NULL, STEPS);
        rv_trainer_load(second.trainer, path, &position);
        check_ok(second.context);
        run(&second);
        compare(&whole, &second, name, places[i]);
        end(&first);
        end(&second);
    }
    end(&whole);
    unlink(path);
}

/* ---- what is not finite ---- */

/* Runs a step that must fail; no parameter may have changed, of either player. */
static void must_not_commit(training *t, const char *part)
{
    snapshot before = take(t->model, "");
    assert_int_equal(rv_trainer_step(t->trainer), RV_NOT_FINITE);
    check_error(t->context, RV_NOT_FINITE, part);
    if (!same(before, take(t->model, "")))
        fail_msg("the step that failed has changed parameters");
}

static void put(training *t, const char *name, float value)
{
    float values[8192];
    rv_param *param = rv_params_find(t->model->params, name);
    assert_non_null(param);
    size_t size = (size_t)rv_shape_size(rv_param_shape(param));
    assert_true(size <= sizeof values / sizeof *values);
    rv_param_read(param, values, size);
    values[size / 2] = value;
    rv_param_write(param, values, size);
    check_ok(t->context);
}

static void a_bad_weight_stops_both_players(void **state)
{
    static const struct {
        const char *recipe, *weight, *says;
    } bad[] = {
        {gan_mlp, "generator.0.weight", "generator.0.weight"},
        {gan_mlp, "discriminator.0.bias", "discriminator_loss"},
        {wgan, "generator.0.bias", "critic_loss"},
        {wgan, "critic.0.bias", "critic.0.bias"},
        {wgan_gp, "critic.0.weight", "critic_loss"},
        {vae_gan, "encoder.0.weight", "encoder_loss"},
        {vae_gan, "decoder.0.weight", "decoder.0.weight"},
        {bigan, "encoder.0.bias", "discriminator_loss"},
        {bigan, "discriminator.0.bias", "discriminator.0.bias"},
        {classifier, "classifier.0.weight", "classifier.0.weight"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rv_program *program;
        training t;
        begin(&t, bad[i].recipe, NULL, 0);
        for (int k = 0; k < rv_trainer_turns(t.trainer, (rv_turn[RV_TURNS_MOST]){{0}}); k++)
            assert_int_equal(rv_trainer_program(t.trainer, k, &program), RV_OK);
        put(&t, bad[i].weight, NAN);
        must_not_commit(&t, bad[i].says);
        end(&t);
    }
}

/* A learning rate that throws the opponent out of range: its own loss was finite, the generator's
 * is not. */
static void begin_wild(training *t, const char *recipe, const char *extra)
{
    rv_program *program;
    open_config(t);
    rv_config_parse(t->config, recipe, "recipe");
    rv_config_parse(t->config, extra, "extra");
    begin_configured(t, 1e30);
    for (int k = 0; k < rv_trainer_turns(t->trainer, (rv_turn[RV_TURNS_MOST]){{0}}); k++)
        assert_int_equal(rv_trainer_program(t->trainer, k, &program), RV_OK);
}

/* One program: the whole step is taken back. */
static void a_bad_generator_loss_takes_the_discriminators_step_back(void **state)
{
    training t;
    (void)state;
    begin_wild(&t, gan_mlp, "discriminator: [linear 8, leaky_relu 0.2]");
    must_not_commit(&t, "generator_loss");
    end(&t);
}

/* A program each: the message says who moved, and only the critic has. */
static void a_bad_generator_turn_says_that_the_critic_moved(void **state)
{
    training t;
    (void)state;
    begin_wild(&t, wgan_gp, "objective: {critic_steps: 1}");
    snapshot before = take(t.model, "generator.0.weight"), critic = take(t.model, "critic");
    assert_int_equal(rv_trainer_step(t.trainer), RV_NOT_FINITE);
    check_error(t.context, RV_NOT_FINITE,
                "The generator did not move; the critic had taken its step");
    if (!same(before, take(t.model, "generator.0.weight")))
        fail_msg("the generator has moved");
    if (same(critic, take(t.model, "critic")))
        fail_msg("the critic has not moved");
    end(&t);
}

/* ---- recipes ---- */

static const struct {
    const char *name;
    int64_t size[3]; /* weights of each net; as PyTorch counts them */
} recipes[] = {
    {"classifier-cnn", {421834}},
    {"iwae-burda", {217300, 207984}},
    {"lab0-bigan", {1907472, 1907713, 1906738}},
    {"lab0-vaegan", {3396673, 138817, 3411136}},
    {"lab1-classifier", {16058}},
    {"lab1-dcgan", {5583744, 657409}},
    {"lab1-vae", {576192, 572816}},
    {"lab1-wgan", {558544, 58689}},
    {"lab1-wgan-gp", {824848, 533505}},
    {"lab2-gan", {543760, 533505}},
    {"lab2-gan-deconv", {351809, 138817}},
    {"lab2-vae", {697408, 681744}},
    {"lab2-vae-2d", {666628, 666384}},
    {"lab2-vae-cnn", {852896, 847713}},
    {"lab4-vae", {574660, 575312}},
    {"lab4-vae-cnn", {435428, 438241}},
    {"wgan-gp-dcgan", {589537, 165729}},
};

/* The recipe as it is, on a few digits. */
static void begin_recipe(training *t, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/recipes/%s.yaml", REVERIE_SOURCE_DIR, name);
    open_config(t);
    rv_config_read(t->config, path);
    rv_config_set(t->config, "data.name=digits");
    rv_config_set(t->config, "data.limit=4");
    rv_config_set(t->config, "data.validation=0");
    rv_config_set(t->config, "data.batch=2");
    begin_configured(t, 0);
}

static void recipes_have_their_sizes_and_can_be_trained(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++) {
        int count;
        rv_turn turn[RV_TURNS_MOST];
        rv_program *program;
        training t;
        begin_recipe(&t, recipes[i].name);
        rv_net *const *nets = rv_model_nets(t.model, &count);
        for (int k = 0; k < count; k++)
            if (rv_net_size(nets[k]) != recipes[i].size[k])
                fail_msg("%s: %s has %d weights, not %d", recipes[i].name, rv_net_name(nets[k]),
                         (int)rv_net_size(nets[k]), (int)recipes[i].size[k]);
        for (int k = 0; k < rv_trainer_turns(t.trainer, turn); k++)
            if (rv_trainer_program(t.trainer, k, &program) != RV_OK)
                fail_msg("%s: %s", recipes[i].name, rv_error_message(t.context));
        end(&t);
    }
}

static const struct CMUnitTest rules[] = {
    cmocka_unit_test(a_critic_takes_five_steps_and_stays_clipped),
    cmocka_unit_test(a_discriminator_of_rate_zero_rests),
    cmocka_unit_test(noise_does_not_depend_on_the_batch),
    cmocka_unit_test(a_bad_weight_stops_both_players),
    cmocka_unit_test(a_bad_generator_loss_takes_the_discriminators_step_back),
    cmocka_unit_test(a_bad_generator_turn_says_that_the_critic_moved),
    cmocka_unit_test(recipes_have_their_sizes_and_can_be_trained),
};

int main(void)
{
    enum { MODELS = sizeof models / sizeof *models, RULES = sizeof rules / sizeof *rules };
    static char names[MODELS][64];
    struct CMUnitTest tests[RULES + MODELS];
    memcpy(tests, rules, sizeof rules);
    for (size_t i = 0; i < MODELS; i++) {
        snprintf(names[i], sizeof names[i], "resume is exact: %s", models[i].name);
        tests[RULES + i] =
            (struct CMUnitTest){names[i], resume_is_exact, NULL, NULL, (void *)(uintptr_t)i};
    }
    return cmocka_run_group_tests_name("adversarial models", tests, NULL, NULL);
}
