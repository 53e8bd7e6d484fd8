/* Messages: a long path never hides the reason, and what is said once is said once. */
#include "check.h"

static rv_context *context;
static int heard;
static char last[2048];

static void listen(void *user, rv_log_level level, const char *message)
{
    (void)user, (void)level;
    heard++;
    snprintf(last, sizeof last, "%s", message);
}

static int set_up(void **state)
{
    (void)state;
    context = rv_context_new();
    heard = 0;
    return context ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    rv_context_free(context);
    return 0;
}

static void expect_part(const char *message, const char *part)
{
    if (!strstr(message, part))
        fail_msg("\"%s\" lacks \"%s\"", message, part);
}

/* `count` bytes of a path that begins with /first/ and ends in /last.png. */
static void make_path(char *path, size_t count, char filling)
{
    memset(path, filling, count);
    memcpy(path, "/first/", 7);
    memcpy(path + count - 9, "/last.png", 9);
    path[count] = '\0';
}

static void test_long_paths_keep_the_reason(void **state)
{
    static char one[4200], two[4200];
    (void)state;
    for (size_t count = 100; count < 4100; count += 37) {
        make_path(one, count, 'a');
        make_path(two, 4100 - count + 20, 'b');
        rv_fail(context, RV_BAD_FILE, "%s: is 2 x 3, but %s is 4 x 5; give them one size", one,
                two);
        const char *message = rv_error_message(context);
        assert_true(strlen(message) < 1024);
        assert_int_equal(strncmp(message, "/first/", 7), 0);
        expect_part(message, "/last.png: is 2 x 3, but /first/");
        check_error(context, RV_BAD_FILE, "/last.png is 4 x 5; give them one size");
    }
    make_path(one, 900, 'a');
    rv_fail(context, RV_BAD_FILE, "%s: short enough", one); /* and stays whole */
    expect_part(rv_error_message(context), one);
    rv_error_clear(context);
}

/* A path of many short words is cut as well. */
static void test_paths_with_spaces_keep_the_reason(void **state)
{
    static char path[4100];
    (void)state;
    for (size_t i = 0; i < sizeof path - 1; i++)
        path[i] = i % 8 == 7 ? ' ' : 'x';
    rv_fail(context, RV_IO_ERROR, "%s: cannot be written: no space", path);
    assert_true(strlen(rv_error_message(context)) < 1024);
    check_error(context, RV_IO_ERROR, ": cannot be written: no space");
}

static void test_characters_stay_whole(void **state)
{
    static char path[3001];
    (void)state;
    for (int shift = 0; shift < 3; shift++) {
        memset(path, 'a', sizeof path - 1);
        for (size_t i = (size_t)shift; i + 3 < sizeof path; i += 3)
            memcpy(path + i, "\xe2\x82\xac", 3); /* the sign of the euro */
        rv_fail(context, RV_BAD_FILE, "%s: the reason", path);
        const unsigned char *at = (const unsigned char *)rv_error_message(context);
        for (; *at; at++) {
            if (*at == 0xe2) {
                assert_int_equal(at[1], 0x82);
                assert_int_equal(at[2], 0xac);
                at += 2;
            } else {
                assert_true(*at < 0x80);
            }
        }
        check_error(context, RV_BAD_FILE, ": the reason");
    }
}

static void test_notices_keep_their_end_and_the_terminal(void **state)
{
    static char path[4200];
    (void)state;
    rv_context_set_log(context, listen, NULL);
    make_path(path, 4000, 'a');
    rv_notify(context, RV_LOG_WARNING, "%s: is \033[2Jblack", path);
    assert_true(strlen(last) < 1024);
    expect_part(last, "/last.png: is ?[2Jblack");
}

static void test_once_is_once(void **state)
{
    (void)state;
    rv_notify_once(context, RV_LOG_NOTICE, "one"); /* nobody listens: it was not said */
    rv_context_set_log(context, listen, NULL);
    for (int i = 0; i < 3; i++)
        rv_notify_once(context, RV_LOG_NOTICE, "%s", "one");
    assert_int_equal(heard, 1);
    rv_notify_once(context, RV_LOG_NOTICE, "two");
    assert_int_equal(heard, 2);
    rv_notify(context, RV_LOG_NOTICE, "two");
    assert_int_equal(heard, 3);
    for (int i = 0; i < 1000; i++)
        rv_notify_once(context, RV_LOG_NOTICE, "number %d", i);
    assert_int_equal(heard, 1003);
    rv_notify_once(context, RV_LOG_NOTICE, "number 999");
    assert_int_equal(heard, 1003);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_long_paths_keep_the_reason, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_paths_with_spaces_keep_the_reason, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_characters_stay_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_notices_keep_their_end_and_the_terminal, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_once_is_once, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
