/* The child of a fork may go on with everything, and free it: programs of two threads, loaders that
 * read ahead.  Each child has seconds to live: what waits for a thread that is not there would wait
 * for ever. */
#include "training.h"

#include "core/memory.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS = 60 };

static const char recipe[] = "model: vae\n"
                             "latent: 2\n"
                             "encoder: [linear 16, relu]\n"
                             "decoder: [linear 16, relu]\n"
                             "data: {name: digits, limit: 200, batch: 32}\n"
                             "train: {epochs: 5}\n";

/* Runs `work` in a child; its exit status must be 0. */
static void in_child(void (*work)(void *), void *user, const char *what)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(SECONDS);
        work(user);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        fail_msg("%s: the child was ended by signal %d%s", what, WTERMSIG(status),
                 WTERMSIG(status) == SIGALRM ? ": it hung" : "");
    if (WEXITSTATUS(status) != 0)
        fail_msg("%s: the child exited with %d, expected 0", what, WEXITSTATUS(status));
}

/* cmocka's checks jump out of a child into its parent's report; here they are exit codes. */
static void demand(int holds, int code)
{
    if (!holds)
        _exit(code);
}

/* ---- a training ---- */

static void begin(training *t)
{
    training_begin(t, recipe, NULL);
    rv_context_set_threads(t->context, 2);
    for (int i = 0; i < 3; i++)
        rv_trainer_step(t->trainer);
    check_ok(t->context);
}

static float first_weight(const training *t)
{
    float value = 0;
    rv_param *param = rv_params_at(t->model->params, 0);
    size_t size = (size_t)rv_shape_size(rv_param_shape(param));
    float *all = rv_malloc(size * sizeof *all);
    for (size_t i = 0; rv_param_read(param, all, size) == RV_OK && i < size; i++)
        value += all[i] * (float)(1 + i % 7);
    rv_free(all);
    return value;
}

static void only_free(void *user)
{
    training_end(user);
}

typedef struct goal {
    training *t;
    float weight; /* of one that never forked, three steps later */
} goal;

static void train_on(void *user)
{
    goal *g = user;
    for (int i = 0; i < 3; i++)
        demand(rv_trainer_step(g->t->trainer) == RV_OK, 1);
    demand(first_weight(g->t) == g->weight, 2);
    training_end(g->t);
}

static void fork_again(void *user)
{
    pid_t child = fork();
    int status = 1;
    if (child == 0) {
        alarm(SECONDS);
        train_on(user);
        _exit(0);
    }
    demand(child > 0 && waitpid(child, &status, 0) == child && status == 0, 3);
    train_on(user);
}

/* The parent's threads are as they were. */
static void test_a_training_goes_on_in_the_child_and_in_the_parent(void **state)
{
    training alone, t;
    (void)state;
    begin(&alone);
    for (int i = 0; i < 3; i++)
        rv_trainer_step(alone.trainer);
    goal g = {&t, first_weight(&alone)};
    training_end(&alone);
    begin(&t);
    in_child(only_free, &t, "freeing");
    in_child(train_on, &g, "training on");
    in_child(fork_again, &g, "a child of the child");
    for (int i = 0; i < 3; i++)
        assert_int_equal(rv_trainer_step(t.trainer), RV_OK);
    assert_true(first_weight(&t) == g.weight);
    training_end(&t);
}

/* What the child makes for itself. */
static void train_another(void *user)
{
    training t;
    (void)user;
    begin(&t);
    demand(rv_error_status(t.context) == RV_OK, 1);
    demand(rv_peak_gflops(2) > 0, 2);
    training_end(&t);
}

static void test_a_child_trains_for_itself(void **state)
{
    training t;
    (void)state;
    begin(&t);
    assert_true(rv_peak_gflops(2) > 0);
    in_child(train_another, NULL, "another training");
    training_end(&t);
}

/* ---- a loader that reads ahead ---- */

typedef struct ahead {
    rv_context *context;
    rv_source *source;
    rv_loader *loader, *twin; /* the twin without a thread, as far on */
} ahead;

static void open_ahead(ahead *a, int64_t taken)
{
    rv_data_config data = rv_data_defaults();
    rv_batch batch;
    a->context = rv_context_new();
    data.limit = 100;
    rv_source_open(a->context, &data, RV_SPLIT_TRAIN, &a->source);
    check_ok(a->context);
    rv_loader_config config = rv_loader_defaults(a->source);
    config.batch = 17;
    config.start_image = 4 * config.batch;
    config.ahead = 1;
    assert_int_equal(rv_loader_new(a->context, a->source, &config, &a->loader), RV_OK);
    config.ahead = 0;
    assert_int_equal(rv_loader_new(a->context, a->source, &config, &a->twin), RV_OK);
    for (int64_t i = 0; i < taken; i++) {
        assert_int_equal(rv_loader_next(a->loader, &batch), RV_OK);
        assert_int_equal(rv_loader_next(a->twin, &batch), RV_OK);
    }
}

static void close_ahead(ahead *a)
{
    rv_loader_free(a->loader);
    rv_loader_free(a->twin);
    rv_source_free(a->source);
    rv_context_free(a->context);
}

static void free_ahead(void *user)
{
    close_ahead(user);
}

static void read_on(void *user)
{
    ahead *a = user;
    rv_batch batch, expected;
    for (int i = 0; i < 20; i++) {
        demand(rv_loader_next(a->loader, &batch) == RV_OK, 1);
        demand(rv_loader_next(a->twin, &expected) == RV_OK, 2);
        demand(batch.count == expected.count && batch.epoch == expected.epoch, 3);
        size_t bytes = (size_t)batch.count * sizeof *batch.indices;
        demand(memcmp(batch.indices, expected.indices, bytes) == 0, 4);
        bytes = (size_t)batch.count * 784 * sizeof *batch.images;
        demand(memcmp(batch.images, expected.images, bytes) == 0, 5);
    }
    close_ahead(a);
}

/* Forked at once, when the thread is at work, and later, when it waits with all slots full. */
static void test_a_loader_goes_on_in_the_child(void **state)
{
    (void)state;
    for (int round = 0; round < 12; round++) {
        ahead a;
        open_ahead(&a, round % 4);
        if (round % 2)
            usleep(5000);
        in_child(free_ahead, &a, "freeing the loader");
        in_child(read_on, &a, "reading on");
        rv_batch batch;
        assert_int_equal(rv_loader_next(a.loader, &batch), RV_OK);
        close_ahead(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_training_goes_on_in_the_child_and_in_the_parent),
        cmocka_unit_test(test_a_child_trains_for_itself),
        cmocka_unit_test(test_a_loader_goes_on_in_the_child),
    };
    return cmocka_run_group_tests_name("fork", tests, NULL, NULL);
}
