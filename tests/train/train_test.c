/* Training: exact resume from any step, no allocation in a step, a heap that does not grow, the
 * guard, and the weights' PyTorch names. */
#include "training.h"

#include <malloc.h>
#include <unistd.h>

enum { IMAGES = 300, BATCH = 64 }; /* 4 whole batches and a short one */

static const char recipe[] = "model: vae\n"
                             "data: {name: digits, limit: 300, batch: 64, pixels: dynamic}\n"
                             "latent: 3\n"
                             "encoder: [linear 24, relu, batchnorm, dropout 0.2]\n"
                             "decoder: [linear 24, silu, layernorm]\n"
                             "train: {epochs: 3, lr: 1e-3, log: 2, clip_norm: 5, ema: 0.9}\n";

static void step_until(training *t, int64_t step)
{
    while (rv_trainer_progress(t->trainer).step < step) {
        rv_status status = rv_trainer_step(t->trainer);
        if (status != RV_OK)
            fail_msg("step: %s", rv_error_message(t->context));
    }
}

static void compare_params(training *a, training *b, const char *what)
{
    assert_int_equal(rv_params_count(a->model->params), rv_params_count(b->model->params));
    for (int i = 0; i < rv_params_count(a->model->params); i++) {
        rv_param *p = rv_params_at(a->model->params, i);
        rv_param *q = rv_params_find(b->model->params, rv_param_name(p));
        size_t size = (size_t)rv_shape_size(rv_param_shape(p));
        float *left = malloc(size * sizeof *left), *right = malloc(size * sizeof *right);
        assert_non_null(q);
        rv_param_read(p, left, size);
        rv_param_read(q, right, size);
        if (memcmp(left, right, size * sizeof *left) != 0)
            fail_msg("%s: parameter %s differs", what, rv_param_name(p));
        free(left);
        free(right);
    }
}

/* Saved in the middle of an epoch and loaded into a new trainer, the rest of the epoch gives the
 * same bytes: weights, running statistics, optimizer state, averages. */
static void test_resume_is_exact(void **state)
{
    char path[] = "/tmp/reverie-train-XXXXXX", what[64];
    (void)state;
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    training whole;
    training_begin(&whole, recipe, NULL);
    step_until(&whole, 4);
    for (int64_t at = 0; at < 4; at++) {
        int64_t position = -1;
        training first, second;
        training_begin(&first, recipe, NULL);
        step_until(&first, at);
        rv_trainer_save(first.trainer, path);
        check_ok(first.context);
        training_begin(&second, recipe, NULL);
        rv_trainer_load(second.trainer, path, &position);
        check_ok(second.context);
        assert_int_equal(rv_trainer_progress(second.trainer).step, at);
        step_until(&second, 4);
        snprintf(what, sizeof what, "resumed from step %lld", (long long)at);
        compare_params(&whole, &second, what);
        training_end(&first);
        training_end(&second);
    }
    training_end(&whole);
    unlink(path);
}

/* A step allocates nothing of ours; the heap, oneDNN's part included, does not grow. */
static void test_steps_do_not_allocate(void **state)
{
    training t;
    (void)state;
    training_begin(&t, recipe, "data.limit=128"); /* whole batches only */
    step_until(&t, 4); /* every loader slot used, both programs compiled */
    rv_memory_counts before = rv_memory_counted();
    size_t heap = mallinfo2().uordblks;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(rv_trainer_step(t.trainer), RV_OK);
    rv_memory_counts after = rv_memory_counted();
    size_t grown = mallinfo2().uordblks;
    assert_int_equal(after.calls, before.calls);
    if (grown > heap + 16384)
        fail_msg("the heap grew from %zu to %zu bytes in 1000 steps", heap, grown);
    training_end(&t);
}

static void test_a_loss_that_is_not_finite_stops(void **state)
{
    training t, fresh;
    (void)state;
    training_begin(&t, recipe, NULL);
    training_begin(&fresh, recipe, NULL);
    float bad = NAN;
    rv_param *bias = rv_params_find(t.model->params, "decoder.0.bias");
    float values[24] = {0};
    rv_param_read(bias, values, 24);
    values[3] = bad;
    rv_param_write(bias, values, 24);
    assert_int_equal(rv_trainer_step(t.trainer), RV_NOT_FINITE);
    check_error(t.context, RV_NOT_FINITE, "decoder.0.bias");
    rv_param_read(bias, values, 24);
    assert_true(isnan(values[3])); /* nothing was committed over it */
    training_end(&t);
    training_end(&fresh);
}

static void test_names_and_counts_are_pytorchs(void **state)
{
    static const char *const names[] = {"encoder.0.weight",       "encoder.0.bias",
                                        "encoder.2.running_mean", "encoder.2.running_var",
                                        "encoder.4.weight",       "decoder.2.weight"};
    training t;
    (void)state;
    training_begin(&t, recipe, NULL);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!rv_params_find(t.model->params, names[i]))
            fail_msg("there is no parameter %s", names[i]);
    rv_shape shape = rv_param_shape(rv_params_find(t.model->params, "encoder.0.weight"));
    assert_int_equal(shape.dim[0], 24); /* [out,in] */
    assert_int_equal(shape.dim[1], 784);
    training_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resume_is_exact),
        cmocka_unit_test(test_steps_do_not_allocate),
        cmocka_unit_test(test_a_loss_that_is_not_finite_stops),
        cmocka_unit_test(test_names_and_counts_are_pytorchs),
    };
    return cmocka_run_group_tests_name("training", tests, NULL, NULL);
}
