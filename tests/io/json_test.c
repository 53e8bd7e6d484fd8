/* JSON that loses nothing: numbers that are none, texts that are not UTF-8, and no memory. */
#include "check.h"

#include "io/json.h"

static rv_context *context;

static void writes(json_t *value, const char *expected)
{
    char *text;
    assert_int_equal(rv_json_write(context, value, JSON_COMPACT, &text), RV_OK);
    assert_string_equal(text, expected);
    rv_free(text);
}

static void test_what_is_no_number_is_null_and_says_why(void **state)
{
    (void)state;
    json_t *object = json_object(), *list = json_array(), *inner = json_object();
    rv_json_put(&object, "loss", rv_json_number(1.5));
    rv_json_put(&object, "kl", rv_json_number(NAN));
    rv_json_put(&object, "most", rv_json_number(INFINITY));
    rv_json_put(&object, "least", rv_json_number(-INFINITY));
    rv_json_put(&object, "khat", rv_json_number_or(NAN, "too few draws"));
    rv_json_put(&object, "bound", rv_json_number_or(-INFINITY, "too few draws"));
    rv_json_put(&object, "step", rv_json_none("nothing was trained"));
    rv_json_put(&inner, "mean", rv_json_number(NAN));
    rv_json_add(&list, inner);
    rv_json_add(&list, rv_json_number(NAN));
    rv_json_put(&object, "list", list);
    writes(object, "{\"loss\":1.5,\"kl\":null,\"kl_reason\":\"not a number\","
                   "\"most\":null,\"most_reason\":\"infinity\","
                   "\"least\":null,\"least_reason\":\"-infinity\","
                   "\"khat\":null,\"khat_reason\":\"too few draws\","
                   "\"bound\":null,\"bound_reason\":\"-infinity\","
                   "\"step\":null,\"step_reason\":\"nothing was trained\","
                   "\"list\":[{\"mean\":null,\"mean_reason\":\"not a number\"},null]}");
}

static void test_text_that_is_not_utf8_is_read_as_latin1(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"plain", "[\"plain\"]"},
        {"", "[\"\"]"},
        {"\xc3\xa9t\xc3\xa9", "[\"\xc3\xa9t\xc3\xa9\"]"},           /* UTF-8 stays */
        {"caf\xe9", "[\"caf\xc3\xa9\"]"},                           /* Latin-1 */
        {"\xff\xfe\x80", "[\"\xc3\xbf\xc3\xbe\xc2\x80\"]"},         /* bytes */
        {"\xc3", "[\"\xc3\x83\"]"},                                 /* cut short */
        {"\xc0\xaf", "[\"\xc3\x80\xc2\xaf\"]"},                     /* overlong */
        {"\xed\xa0\x80", "[\"\xc3\xad\xc2\xa0\xc2\x80\"]"},         /* a surrogate */
        {"\xf0\x9f\x98\x80\xf0", "[\"\xf0\x9f\x98\x80\xc3\xb0\"]"}, /* four bytes, then half */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *list = json_array();
        rv_json_add(&list, rv_json_text(cases[i].text));
        writes(list, cases[i].expected);
    }
    assert_true(json_is_null(rv_json_text(NULL)));
}

static json_t *a_value(void)
{
    json_t *object = json_object();
    rv_json_put(&object, "a name that is longer than a small buffer", rv_json_number(NAN));
    rv_json_put(&object, "another", rv_json_text("caf\xe9, and a text that is no shorter"));
    rv_json_put(&object, "third", rv_json_number(0.1));
    return object;
}

/* What comes out is whole, or it is RV_NO_MEMORY: whichever allocation fails, once or for good. */
static void test_writing_without_memory(void **state)
{
    char *whole, *text;
    (void)state;
    int64_t live = rv_memory_counted().live;
    assert_int_equal(rv_json_write(context, a_value(), JSON_INDENT(2), &whole), RV_OK);
    for (int persistent = 0; persistent < 2; persistent++)
        for (uint64_t at = 1;; at++) {
            uint64_t before = rv_memory_counted().calls;
            rv_memory_fail_after(at, persistent);
            rv_status status = rv_json_write(context, a_value(), JSON_INDENT(2), &text);
            rv_memory_fail_after(0, 0);
            rv_error_clear(context);
            if (status != RV_OK && status != RV_NO_MEMORY)
                fail_msg("allocation %d: status %d, expected 0 or 6", (int)at, status);
            if (status == RV_OK)
                assert_string_equal(text, whole);
            rv_free(text);
            if (rv_memory_counted().calls - before < at)
                break;
        }
    rv_free(whole);
    assert_int_equal(rv_memory_counted().live, live);
}

/* jansson drops letters of a word that has outgrown its buffer, or aborts: it is not called. */
static void test_reading_without_memory(void **state)
{
    static const char text[] = "{\"a name that is longer than sixteen letters\": \"and so is this "
                               "text\", \"number\": 0.12345678901234567890123}";
    json_t *whole, *value;
    (void)state;
    assert_int_equal(rv_json_read(context, text, strlen(text), 0, &whole, NULL), RV_OK);
    for (int persistent = 0; persistent < 2; persistent++)
        for (uint64_t at = 1;; at++) {
            uint64_t before = rv_memory_counted().calls;
            rv_memory_fail_after(at, persistent);
            rv_status status = rv_json_read(context, text, strlen(text), 0, &value, NULL);
            rv_memory_fail_after(0, 0);
            rv_error_clear(context);
            if (status == RV_OK ? !json_equal(value, whole) : status != RV_NO_MEMORY || value)
                fail_msg("allocation %d: status %d with %s", (int)at, status,
                         value ? "another value" : "no value");
            json_decref(value);
            if (rv_memory_counted().calls - before < at)
                break;
        }
    json_decref(whole);
}

static void test_what_is_no_json_is_no_failure(void **state)
{
    static const char *const texts[] = {"", "{", "{\"a\": }", "nul", "{\"a\": 1} x", "[1,]"};
    json_error_t error;
    json_t *value;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(rv_json_read(context, texts[i], strlen(texts[i]), 0, &value, &error),
                         RV_OK);
        assert_null(value);
        assert_true(error.text[0] != '\0');
        check_ok(context);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_no_number_is_null_and_says_why),
        cmocka_unit_test(test_text_that_is_not_utf8_is_read_as_latin1),
        cmocka_unit_test(test_writing_without_memory),
        cmocka_unit_test(test_reading_without_memory),
        cmocka_unit_test(test_what_is_no_json_is_no_failure),
    };
    context = rv_context_new();
    int failed = cmocka_run_group_tests_name("JSON", tests, NULL, NULL);
    rv_context_free(context);
    return failed;
}
