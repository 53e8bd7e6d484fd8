/* Choices of convolution algorithms: the table, its text in and out, the policy, and that a run
 * goes on as its checkpoint says. */
#include "training.h"

#include "backend/tuning.h"
#include "reverie/io.h"

#include <unistd.h>

static void check_text(const char *got, const char *expected)
{
    if (!got || strcmp(got, expected) != 0)
        fail_msg("got\n%s\nexpected\n%s", got ? got : "(null)", expected);
}

static const char *known(rv_context *context)
{
    return rv_context_tuning(context, RV_TUNING_KNOWN).choices;
}

static const char *used(rv_context *context)
{
    return rv_context_tuning(context, RV_TUNING_USED).choices;
}

static const char *news(rv_context *context)
{
    return rv_context_tuning(context, RV_TUNING_NEW).choices;
}

static rv_status add(rv_context *context, const char *choices, const char *name)
{
    return rv_context_add_tuning(context, (rv_tuning){NULL, choices}, name);
}

static rv_status follow(rv_context *context, const char *policy, const char *choices)
{
    return rv_context_follow_tuning(context, (rv_tuning){policy, choices}, "run");
}

/* Values by key, in the order of the keys, whatever the order they came in. */
static void test_table(void **state)
{
    enum { COUNT = 100 };
    char key[32], value[32], last[32] = "";
    (void)state;
    rv_context *context = rv_context_new();
    assert_null(rv_choice_find(context, "absent"));
    for (int i = 0; i < COUNT; i++) {
        snprintf(key, sizeof key, "conv %d", i * 37 % COUNT);
        snprintf(value, sizeof value, "value %d", i);
        assert_int_equal(rv_choice_set(context, key, value), RV_OK);
    }
    for (int i = 0; i < COUNT; i++) {
        snprintf(key, sizeof key, "conv %d", i * 37 % COUNT);
        snprintf(value, sizeof value, "value %d", i);
        check_text(rv_choice_find(context, key), value);
    }
    assert_null(rv_choice_find(context, "conv 100"));
    int lines = 0;
    for (const char *line = known(context); *line; lines++) {
        assert_int_equal(sscanf(line, "%31[^\t]", key), 1);
        if (strcmp(last, key) >= 0)
            fail_msg("`%s` stands before `%s`", last, key);
        strcpy(last, key);
        line = strchr(line, '\n') + 1;
    }
    assert_int_equal(lines, COUNT);
    rv_context_free(context);
}

static void test_setting_replaces(void **state)
{
    (void)state;
    rv_context *context = rv_context_new();
    rv_choice_set(context, "b", "1");
    rv_choice_set(context, "a", "2");
    rv_choice_set(context, "b", "3");
    check_text(known(context), "a\t2\nb\t3\n");
    const char *bad[] = {"", "a\tb", "a\nb", "\x7f", "\xc3\xa9"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(rv_choice_set(context, bad[i], "1"), RV_BAD_USAGE);
        check_error(context, RV_BAD_USAGE, "one line");
        assert_int_equal(rv_choice_set(context, "c", bad[i]), RV_BAD_USAGE);
        check_error(context, RV_BAD_USAGE, "one line");
    }
    check_text(known(context), "a\t2\nb\t3\n");
    rv_context_free(context);
}

/* In use: found, set, or followed.  New: set here. */
static void test_record_and_news(void **state)
{
    (void)state;
    rv_context *context = rv_context_new();
    check_text(used(context), "");
    assert_int_equal(add(context, "a\t1\nb\t2\nc\t3\n", "cache.txt"), RV_OK);
    check_text(used(context), "");
    check_text(news(context), "");
    check_text(rv_choice_find(context, "b"), "2");
    rv_choice_set(context, "d", "4");
    check_text(known(context), "a\t1\nb\t2\nc\t3\nd\t4\n");
    check_text(used(context), "b\t2\nd\t4\n");
    check_text(news(context), "d\t4\n");
    /* A given one that is set again: new where it differs. */
    rv_choice_set(context, "a", "1");
    rv_choice_set(context, "c", "5");
    check_text(used(context), "a\t1\nb\t2\nc\t5\nd\t4\n");
    check_text(news(context), "c\t5\nd\t4\n");
    /* A record is in use at once, and goes over what was given. */
    assert_int_equal(follow(context, "auto", "a\t6\ne\t7\n"), RV_OK);
    check_text(used(context), "a\t6\nb\t2\nc\t5\nd\t4\ne\t7\n");
    check_text(news(context), "c\t5\nd\t4\n");
    /* One that was measured on a busy machine serves the run, and is no news. */
    assert_int_equal(rv_choice_record(context, "f", "8"), RV_OK);
    check_text(rv_choice_find(context, "f"), "8");
    check_text(used(context), "a\t6\nb\t2\nc\t5\nd\t4\ne\t7\nf\t8\n");
    check_text(news(context), "c\t5\nd\t4\n");
    /* The context's own text may be given back to it. */
    rv_context *other = rv_context_new();
    assert_int_equal(add(other, known(context), "x"), RV_OK);
    check_text(known(other), known(context));
    rv_context_free(other);
    rv_context_free(context);
}

static void test_malformed_text(void **state)
{
    static const struct {
        const char *text, *line;
    } bad[] = {
        {"a\t1\nb\t2", "cache.txt:2:"},      /* cut off */
        {"a\t1\nb\t\n", "cache.txt:2:"},     /* no value */
        {"\t1\n", "cache.txt:1:"},           /* no key */
        {"a\t1\n\nb\t2\n", "cache.txt:2:"},  /* an empty line */
        {"a 1\nb\t2\n", "cache.txt:1:"},     /* no tab */
        {"a\t1\t2\n", "cache.txt:1:"},       /* two */
        {"a\t1\nb\t2\r\n", "cache.txt:2:"},  /* control characters */
        {"a\t1\nb\t\xff\n", "cache.txt:2:"}, /* no ASCII */
    };
    (void)state;
    rv_context *context = rv_context_new();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(add(context, bad[i].text, "cache.txt"), RV_BAD_FILE);
        check_error(context, RV_BAD_FILE, bad[i].line);
        check_text(known(context), "");
    }
    assert_int_equal(add(context, "", "cache.txt"), RV_OK);
    rv_context_free(context);
}

static void test_settings(void **state)
{
    (void)state;
    rv_context *context = rv_context_new();
    assert_int_equal(rv_context_conv(context), RV_CONV_AUTO);
    assert_int_equal(rv_context_conv_memory(context), 256 << 20);
    assert_false(rv_context_conv_measuring(context));
    rv_context_set_conv_memory(context, 0);
    assert_int_equal(rv_context_conv_memory(context), 0);
    rv_context_set_conv_measuring(context, 2);
    assert_int_equal(rv_context_conv_measuring(context), 1);
    assert_int_equal(rv_context_set_conv(context, (rv_conv_policy)3), RV_BAD_USAGE);
    check_error(context, RV_BAD_USAGE, "RV_CONV_TRANSFORM");
    check_text(rv_context_tuning(context, RV_TUNING_KNOWN).policy, "auto");
    /* Choices are those of one policy. */
    rv_choice_set(context, "a", "1");
    rv_context_set_conv(context, RV_CONV_AUTO);
    check_text(known(context), "a\t1\n");
    rv_context_set_conv(context, RV_CONV_DIRECT);
    assert_int_equal(rv_context_conv(context), RV_CONV_DIRECT);
    check_text(rv_context_tuning(context, RV_TUNING_KNOWN).policy, "direct");
    check_text(known(context), "");
    rv_context_set_conv(context, RV_CONV_TRANSFORM);
    check_text(rv_context_tuning(context, RV_TUNING_KNOWN).policy, "transform");
    /* What was made under a policy that was asked for is nothing for a cache. */
    rv_choice_set(context, "a", "1");
    check_text(used(context), "a\t1\n");
    check_text(news(context), "");
    rv_context_free(context);
}

static void count_warning(void *user, rv_log_level level, const char *message)
{
    int *count = user;
    *count += level == RV_LOG_WARNING && strstr(message, "not bit for bit") != NULL;
}

static void test_following(void **state)
{
    int warnings = 0;
    (void)state;
    rv_context *context = rv_context_new();
    rv_context_set_log(context, count_warning, &warnings);
    rv_choice_set(context, "a", "1");
    assert_int_equal(follow(context, "transform", "b\t2\n"), RV_OK);
    assert_int_equal(rv_context_conv(context), RV_CONV_TRANSFORM);
    check_text(known(context), "b\t2\n"); /* a was chosen under auto */
    /* A checkpoint that names no policy was computed directly. */
    assert_int_equal(follow(context, NULL, NULL), RV_OK);
    assert_int_equal(rv_context_conv(context), RV_CONV_DIRECT);
    assert_int_equal(follow(context, "fastest", NULL), RV_BAD_FILE);
    check_error(context, RV_BAD_FILE, "run: its convolutions were computed by `fastest`");
    assert_int_equal(follow(context, "auto", "b"), RV_BAD_FILE);
    check_error(context, RV_BAD_FILE, "run:1:");
    assert_int_equal(warnings, 0);
    /* What the caller asked for stays. */
    rv_context_set_conv(context, RV_CONV_DIRECT);
    assert_int_equal(follow(context, "transform", "b\t2\n"), RV_OK);
    assert_int_equal(rv_context_conv(context), RV_CONV_DIRECT);
    check_text(known(context), "");
    assert_int_equal(warnings, 1);
    rv_context_set_conv(context, RV_CONV_TRANSFORM);
    assert_int_equal(follow(context, "transform", "b\t2\n"), RV_OK);
    check_text(known(context), "b\t2\n");
    assert_int_equal(warnings, 1);
    rv_context_free(context);
}

static void test_second_context(void **state)
{
    (void)state;
    rv_context *context = rv_context_new(), *other = rv_context_new();
    rv_context_set_conv_measuring(context, 1);
    rv_context_set_conv_memory(context, 5);
    add(context, "a\t1\n", "cache.txt");
    rv_choice_set(context, "b", "2");
    assert_int_equal(rv_context_lend_tuning(other, context), RV_OK);
    assert_int_equal(rv_context_conv_measuring(other), 1);
    assert_int_equal(rv_context_conv_memory(other), 5);
    check_text(known(other), "a\t1\nb\t2\n");
    check_text(used(other), "");
    check_text(news(other), "");
    rv_choice_find(other, "a");
    rv_choice_set(other, "c", "3");
    check_text(used(other), "a\t1\nc\t3\n");
    assert_int_equal(rv_context_return_tuning(context, other), RV_OK);
    check_text(known(context), "a\t1\nb\t2\nc\t3\n");
    check_text(used(context), "b\t2\n");
    check_text(news(context), "b\t2\nc\t3\n");
    /* Choices of another policy are of no use. */
    rv_context_set_conv(other, RV_CONV_TRANSFORM);
    rv_choice_set(other, "d", "4");
    assert_int_equal(rv_context_return_tuning(context, other), RV_OK);
    check_text(news(context), "b\t2\nc\t3\n");
    rv_context_free(other);
    rv_context_free(context);
}

/* A convolution of which the model is unsure: it is measured once, and the choice is in use.  Which
 * one it is, and whether it is news, depends on the load. */
static void test_measured(void **state)
{
    char first[256];
    (void)state;
    rv_context *context = rv_context_new();
    rv_conv geometry = {{2, 2}, {1, 1}, {1, 1}, {1, 1}};
    rv_context_set_conv_measuring(context, 1);
    for (int i = 0; i < 2; i++) {
        rv_graph *graph = rv_graph_new(context);
        rv_expr image = rv_input(graph, "image", RV_F32, rv_shape4(100, 14, 14, 32));
        rv_expr window = rv_input(graph, "window", RV_F32, rv_shape4(64, 4, 4, 32));
        rv_expr result = rv_conv2d(image, window, geometry);
        rv_program *program;
        rv_compile(graph, &result, 1, NULL, &program);
        check_ok(context);
        const char *choice = strstr(used(context), ": 100 x 14x14x32,");
        if (!choice || !(strstr(choice, "\tdirect\n") || strstr(choice, "\tfourier ") ||
                         strstr(choice, "\ttoom-cook ")))
            fail_msg("got no choice of the convolution in\n%s", used(context));
        if (i == 0)
            snprintf(first, sizeof first, "%s", used(context));
        check_text(used(context), first);
        rv_program_free(program);
        rv_graph_free(graph);
    }
    rv_context_free(context);
}

/* Whichever allocation fails: the error is latched, and the table holds whole rows. */
static void test_out_of_memory(void **state)
{
    (void)state;
    int64_t live = rv_memory_counted().live;
    for (uint64_t after = 1; after < 8; after++) {
        rv_context *context = rv_context_new();
        rv_choice_set(context, "a", "1");
        rv_memory_fail_after(after, 0);
        rv_status first = rv_choice_set(context, "b", "2");
        rv_status second = rv_choice_set(context, "a", "3");
        rv_status third = add(context, "c\t4\n", "x");
        const char *text = known(context);
        rv_memory_fail_after(0, 0);
        int failed = (first != RV_OK) + (second != RV_OK) + (third != RV_OK) + (text == NULL);
        assert_int_equal(failed, 1); /* these calls allocate more than 7 times */
        check_error(context, RV_NO_MEMORY, "memory");
        text = known(context);
        if ((strstr(text, "b\t2\n") == NULL) != (first != RV_OK) ||
            (strstr(text, "a\t3\n") == NULL) != (second != RV_OK) ||
            (strstr(text, "c\t4\n") == NULL) != (third != RV_OK))
            fail_msg("allocation %d failed, and the table is\n%s", (int)after, text);
        rv_context_free(context);
    }
    assert_int_equal(rv_memory_counted().live, live);
}

/* ---- checkpoints ---- */

static const char recipe[] = "model: vae\n"
                             "data: {name: digits, limit: 64, batch: 32}\n"
                             "latent: 2\n"
                             "encoder: [linear 4, relu]\n"
                             "decoder: [linear 4, relu]\n";

static void test_checkpoint_carries_it(void **state)
{
    char path[] = "/tmp/reverie-conv-XXXXXX", value[200], record[46 * 250] = "";
    int64_t position;
    training first, second;
    (void)state;
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    training_begin(&first, recipe, NULL);
    rv_context_set_conv(first.context, RV_CONV_TRANSFORM);
    /* More text than a note of the trainer's has room for. */
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    for (int i = 10; i < 50; i++) {
        char key[16];
        snprintf(key, sizeof key, "conv %d", i);
        rv_choice_set(first.context, key, value);
        strcat(strcat(strcat(strcat(record, key), "\t"), value), "\n");
    }
    assert_int_equal(rv_trainer_save(first.trainer, path), RV_OK);
    training_begin(&second, recipe, NULL);
    add(second.context, "conv 10\tanother\n", "cache.txt");
    assert_int_equal(rv_trainer_load(second.trainer, path, &position), RV_OK);
    assert_int_equal(rv_context_conv(second.context), RV_CONV_TRANSFORM);
    /* After these comes the choice of products, on a machine that has one. */
    const char *products = strstr(used(second.context), "products ");
    if (products)
        strcat(record, products);
    check_text(used(second.context), record);
    training_end(&second);
    training_end(&first);
    unlink(path);
}

/* What the checkpoint says is known before the first program is compiled: a record that cannot be
 * read is found before compiling has named the optimizer's state. */
static void test_followed_before_compiling(void **state)
{
    char path[] = "/tmp/reverie-conv-XXXXXX";
    int64_t position;
    training t;
    (void)state;
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    rv_text_pair pairs[] = {{"model", "vae"}, {"conv", "auto"}, {"convolutions", "damaged"}};
    training_begin(&t, recipe, NULL);
    int params = rv_params_count(t.model->params);
    assert_int_equal(rv_tensors_write(t.context, path, NULL, 0, pairs, 3), RV_OK);
    assert_int_equal(rv_trainer_load(t.trainer, path, &position), RV_BAD_FILE);
    check_error(t.context, RV_BAD_FILE, ":1: no line of a key");
    assert_int_equal(rv_params_count(t.model->params), params);
    assert_int_equal(rv_trainer_prepare(t.trainer), RV_OK);
    assert_true(rv_params_count(t.model->params) > params); /* which compiling does */
    training_end(&t);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_setting_replaces),
        cmocka_unit_test(test_record_and_news),
        cmocka_unit_test(test_malformed_text),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_following),
        cmocka_unit_test(test_second_context),
        cmocka_unit_test(test_measured),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_checkpoint_carries_it),
        cmocka_unit_test(test_followed_before_compiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
