/* The option table against a struct of the test's own: every type, every message, defaults, the
 * order in which settings win, and the way back to YAML. */
#include "check.h"

#include "config/settings.h"
#include "config/table.h"
#include "core/nearest.h"

typedef struct sample {
    int64_t whole, seed;
    double number, free;
    int truth, choice, range, kept;
    const char *text;
    rv_words words;
    rv_integers integers;
    rv_numbers numbers;
} sample;

#define RV_ROWS_OF sample
static const rv_option options[] = {
    RV_INTEGER("whole", whole, "3", 1, 64, "a whole number"),
    RV_INTEGER("part.seed", seed, "1", 0, 9007199254740992.0, "a seed"),
    RV_NUMBER("part.number", number, "1e-3", 0, 1, "a number"),
    RV_NUMBER("free", free, "0.5", 0, 0, "a number without a range"),
    RV_SWITCH("part.truth", truth, "false", "a truth"),
    RV_CHOICE("choice", choice, "red", "red|green|blue", "a choice"),
    RV_CHOICE("range", range, "[0,1]", "[0,1]|[-1,1]", "two lists"),
    RV_STRING("text", text, "", "a text"),
    RV_LAYERS("words", words, "[linear 512, relu]", "layers"),
    RV_INTEGERS("integers", integers, "[]", 0, 9, "digits"),
    RV_NUMBERS("numbers", numbers, "[0.5, 1]", -2, 2, "numbers"),
};

static void set_kept(void *target)
{
    ((sample *)target)->kept = 7;
}

static const config_section section = {"test", options, sizeof options / sizeof *options,
                                       sizeof(sample), set_kept};

static rv_context *context;
static rv_arena arena;
static config_settings settings;
static config_table table;
static sample filled;

static int begin(void **state)
{
    (void)state;
    context = rv_context_new();
    config_settings_begin(&settings, context, &arena);
    table = (config_table){0};
    config_table_add(&table, &section, &filled);
    return context ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    rv_arena_free(&arena);
    rv_context_free(context);
    return 0;
}

static rv_status fill(const char *yaml)
{
    rv_status status = config_settings_parse(&settings, yaml, "r.yaml");
    return status == RV_OK ? config_table_fill(context, &arena, &table, settings.first) : status;
}

/* ---- what is taken ---- */

static void test_defaults(void **state)
{
    (void)state;
    fill("");
    check_ok(context);
    assert_int_equal(filled.whole, 3);
    assert_int_equal(filled.kept, 7);
    check_near(filled.number, 1e-3, 0, "part.number");
    assert_string_equal(filled.text, "");
    assert_int_equal(filled.words.count, 2);
    assert_string_equal(filled.words.word[0], "linear 512");
    assert_int_equal(filled.integers.count, 0);
    assert_int_equal(filled.numbers.count, 2);
    check_near(filled.numbers.value[0], 0.5, 0, "numbers");
}

static void test_every_type(void **state)
{
    (void)state;
    fill("whole: 64\n"
         "part: {number: 2.5e-1, truth: yes}\n"
         "part.seed: 9007199254740992\n"
         "free: -1e300\n"
         "choice: blue\n"
         "range: [ -1, 1 ]\n"
         "text: 12\n"
         "words: [linear 32, {residual: [linear 32, relu]}, relu]\n"
         "integers: [3, 1]\n"
         "numbers: [-2]\n");
    check_ok(context);
    assert_int_equal(filled.whole, 64);
    assert_int_equal(filled.seed, 9007199254740992);
    check_near(filled.number, 0.25, 0, "part.number");
    check_near(filled.free, -1e300, 0, "free");
    assert_int_equal(filled.truth, 1);
    assert_int_equal(filled.choice, 2);
    assert_int_equal(filled.range, 1);
    assert_string_equal(filled.text, "12");
    assert_int_equal(filled.words.count, 3);
    assert_string_equal(filled.words.word[1], "{residual: [linear 32, relu]}");
    assert_int_equal(filled.integers.value[0], 3);
    check_near(filled.numbers.value[0], -2, 0, "numbers");
}

static void test_whole_numbers_may_have_an_exponent(void **state)
{
    (void)state;
    fill("part.seed: 1e4\nwhole: 64.0");
    check_ok(context);
    assert_int_equal(filled.seed, 10000);
    assert_int_equal(filled.whole, 64);
}

static void test_later_settings_win(void **state)
{
    (void)state;
    config_settings_parse(&settings, "whole: 4\nfree: 1\npart: {number: 0.5}", "a.yaml");
    config_settings_parse(&settings, "whole: 5", "b.yaml");
    config_settings_override(&settings, "free=2");
    config_settings_override(&settings, "part={number: 1e-1, truth: on}");
    config_settings_override(&settings, "words=[tanh]");
    assert_int_equal(config_settings_override(&settings, "text=[c"), RV_BAD_USAGE);
    check_error(
        context, RV_BAD_USAGE,
        "`text=[c`: the value is not YAML; a list is [linear 512"); /* not YAML, and not kept */
    config_settings_override(&settings, "text='a=b'");
    config_table_fill(context, &arena, &table, settings.first);
    check_ok(context);
    assert_int_equal(filled.whole, 5);
    check_near(filled.free, 2, 0, "free");
    check_near(filled.number, 0.1, 0, "part.number");
    assert_int_equal(filled.truth, 1);
    assert_int_equal(filled.words.count, 1);
    assert_string_equal(filled.text, "a=b");
}

/* ---- what is refused: the whole message ---- */

typedef struct refusal {
    const char *yaml, *message;
} refusal;

static void expect_message(rv_status status, const char *input, const char *message)
{
    if (status != RV_BAD_USAGE || strcmp(rv_error_message(context), message) != 0)
        fail_msg("%s\n  gave %d: %s\n  expected: %s", input, status, rv_error_message(context),
                 message);
    rv_error_clear(context);
}

static void test_refusals(void **state)
{
    (void)state;
    static const refusal refusals[] = {
        {"whole: 65", "r.yaml:1: whole wants a whole number from 1 to 64, not `65`"},
        {"\nwhole: 0", "r.yaml:2: whole wants a whole number from 1 to 64, not `0`"},
        {"whole: 2.5", "r.yaml:1: whole wants a whole number from 1 to 64, not `2.5`"},
        {"whole: two", "r.yaml:1: whole wants a whole number from 1 to 64, not `two`"},
        {"whole: 3x", "r.yaml:1: whole wants a whole number from 1 to 64, not `3x`"},
        {"whole: 99999999999999999999",
         "r.yaml:1: whole wants a whole number from 1 to 64, not `99999999999999999999`"},
        {"whole: [1]", "r.yaml:1: whole wants a whole number from 1 to 64, not `[1]`"},
        {"whole:", "r.yaml:1: whole wants a whole number from 1 to 64, and has no value"},
        {"whole: ~", "r.yaml:1: whole wants a whole number from 1 to 64, and has no value"},
        {"part:\n  seed: -1", "r.yaml:2: part.seed wants a whole number, at least 0 and at most "
                              "9007199254740992, not `-1`"},
        {"part:\n  number: fast", "r.yaml:2: part.number wants a number from 0 to 1, not `fast`"},
        {"part:\n  number: .inf", "r.yaml:2: part.number wants a number from 0 to 1, not `.inf`"},
        {"part: {number: nan}", "r.yaml:1: part.number wants a number from 0 to 1, not `nan`"},
        {"part: {number: 0x1}", "r.yaml:1: part.number wants a number from 0 to 1, not `0x1`"},
        {"free: 1e999", "r.yaml:1: free wants a number, not `1e999`"},
        {"part.truth: 2", "r.yaml:1: part.truth wants true or false, not `2`"},
        {"choice: purple", "r.yaml:1: choice wants one of red, green, blue, not `purple`"},
        {"choice: re", "r.yaml:1: choice wants one of red, green, blue, not `re`"},
        {"range: [0, 2]", "r.yaml:1: range wants one of [0,1], [-1,1], not `[0, 2]`"},
        {"text: [a]", "r.yaml:1: text wants text, not `[a]`"},
        {"words: relu",
         "r.yaml:1: words wants a list of layers, as [linear 512, relu], not `relu`"},
        {"integers: [1, 10]",
         "r.yaml:1: integers, element 2, wants a whole number from 0 to 9, not `10`"},
        {"integers: 1", "r.yaml:1: integers wants a list of whole numbers, as [1, 2], not `1`"},
        {"numbers: [0, x]", "r.yaml:1: numbers, element 2, wants a number from -2 to 2, not `x`"},
        /* keys */
        {"whol: 3", "r.yaml:1: unknown key `whol`; did you mean `whole`?"},
        {"part: {nubmer: 1}", "r.yaml:1: unknown key `part.nubmer`; did you mean `part.number`?"},
        {"number: 1", "r.yaml:1: unknown key `number`; did you mean `part.number`?"},
        {"truth: 1", "r.yaml:1: unknown key `truth`; did you mean `part.truth`?"},
        {"other.truth: 1", "r.yaml:1: unknown key `other.truth`; did you mean `part.truth`?"},
        {"zzzzz: 1", "r.yaml:1: unknown key `zzzzz`, which is not near any"},
        {"part: 3", "r.yaml:1: `part` is a group of settings; write part: {seed: 1}"},
        {"whole: {a: 1}", "r.yaml:1: whole wants a whole number from 1 to 64, not a map with `a`"},
        /* files */
        {"whole: 1\nwhole: 2", "r.yaml:2: key `whole` again; it is on line 1 too"},
        {"part: {seed: 1}\n\npart.seed: 2",
         "r.yaml:3: `part.seed` is set a second time, after r.yaml:1"},
        {"- a\n- b", "r.yaml:1: wants settings, one `key: value` a line"},
        {"a: {b: {c: {d: {e: {f: {g: {h: {i: 1}}}}}}}}",
         "r.yaml:1: `a.b.c.d.e.f.g.h` is nested too deep"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        config_settings_begin(&settings, context, &arena);
        expect_message(fill(refusals[i].yaml), refusals[i].yaml, refusals[i].message);
    }
}

static void test_override_refusals(void **state)
{
    (void)state;
    static const refusal refusals[] = {
        {"whole=0", "`whole=0`: whole wants a whole number from 1 to 64, not `0`"},
        {"whole=", "`whole=`: whole wants a whole number from 1 to 64, and has no value"},
        {"numer=1", "`numer=1`: unknown key `numer`; did you mean `part.number`?"},
        {"part={sed: 1}", "`part={sed: 1}`: unknown key `part.sed`; did you mean `part.seed`?"},
        {"whole", "`whole` is not a setting: write key=value, as train.lr=1e-3"},
        {"=3", "`=3` is not a setting: write key=value, as train.lr=1e-3"},
        {"a b=3", "`a b=3` is not a setting: write key=value, as train.lr=1e-3"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        config_settings_begin(&settings, context, &arena);
        rv_status status = config_settings_override(&settings, refusals[i].yaml);
        if (status == RV_OK)
            status = config_table_fill(context, &arena, &table, settings.first);
        expect_message(status, refusals[i].yaml, refusals[i].message);
    }
}

static void test_a_bad_file_leaves_no_settings(void **state)
{
    (void)state;
    config_settings_parse(&settings, "whole: 4", "a.yaml");
    assert_int_equal(
        config_settings_parse(&settings, "free: 2\npart: {seed: 2}\npart.seed: 3", "b.yaml"),
        RV_BAD_USAGE);
    rv_error_clear(context);
    config_settings_override(&settings, "part.seed=9");
    config_table_fill(context, &arena, &table, settings.first);
    check_ok(context);
    assert_int_equal(filled.whole, 4);
    check_near(filled.free, 0.5, 0, "free");
    assert_int_equal(filled.seed, 9);
}

static void test_required(void **state)
{
    (void)state;
    static const rv_option required[] = {RV_INTEGER("width", whole, NULL, 1, 9, "no default")};
    static const config_section one = {"test", required, 1, sizeof(sample), NULL};
    table = (config_table){0};
    config_table_add(&table, &one, &filled);
    expect_message(fill(""), "",
                   "`width` must be set: it wants a whole number from 1 to 9 and has no default");
    fill("width: 2");
    check_ok(context);
    assert_int_equal(filled.whole, 2);
}

static void test_control_characters(void **state)
{
    (void)state;
    assert_int_equal(fill("text: \"a\\x01b\""), RV_BAD_USAGE);
    check_error(context, RV_BAD_USAGE, "r.yaml:1: text wants text, not `a");
}

/* ---- the way back ---- */

static void test_written_text(void **state)
{
    (void)state;
    rv_text text = {0};
    fill("part.number: 1e-8\nwords: [a, {residual: [b]}]\ntext: yes\nintegers: [1,2]");
    check_ok(context);
    config_table_write(&text, &table);
    assert_string_equal(text.characters, "whole: 3\n"
                                         "part:\n"
                                         "  seed: 1\n"
                                         "  number: 1e-8\n"
                                         "  truth: false\n"
                                         "free: 0.5\n"
                                         "choice: red\n"
                                         "range: [0,1]\n"
                                         "text: \"yes\"\n"
                                         "words: [a, {residual: [b]}]\n"
                                         "integers: [1, 2]\n"
                                         "numbers: [0.5, 1]\n");
    rv_free(text.characters);
}

static double random_number(rv_stream *stream)
{
    double exponent = 600 * rv_stream_uniform(stream) - 300;
    return (rv_stream_uniform(stream) - 0.5) * pow(10, exponent);
}

/* Random values of every type, through YAML and back. */
static void test_round_trip(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",     "plain",  "a: b",  "# no",   "\"q\"",      "back\\slash", "null",
        "~",    "true",   "1e3",   "-",      "- a",        "[x",          "{y",
        "a, b", "'",      " lead", "trail ", "two\nlines", "tab\t",       "50%",
        "@at",  "`tick`", "*star", "&and",   "!bang",      "ends:",       "\xc3\xa9t\xc3\xa9",
        "? q",  "a #b"};
    for (int i = 0; i < 300; i++) {
        rv_stream stream = rv_stream_at((uint64_t)i, rv_site("round trip"), 0, 0);
        const char *words[] = {"linear 4", "{residual: [linear 2, relu]}",
                               texts[(i + 7) % 30][0] == '[' || texts[(i + 7) % 30][0] == '{'
                                   ? "x"
                                   : texts[(i + 7) % 30]};
        int64_t integers[] = {i % 10, 0, 9};
        double numbers[] = {4 * rv_stream_uniform(&stream) - 2, -2, 0.1};
        sample first = {.whole = 1 + i % 64,
                        .seed = i * 1000003LL,
                        .free = random_number(&stream),
                        .number = rv_stream_uniform(&stream),
                        .truth = i & 1,
                        .choice = i % 3,
                        .range = i & 1,
                        .kept = 7,
                        .text = texts[i % 30],
                        .words = {words, i % 4},
                        .integers = {integers, i % 4},
                        .numbers = {numbers, (i + 1) % 4}};
        rv_text text = {0}, again = {0};
        table = (config_table){0};
        config_table_add(&table, &section, &first);
        config_table_write(&text, &table);
        assert_false(text.failed);
        table = (config_table){0};
        config_table_add(&table, &section, &filled);
        config_settings_begin(&settings, context, &arena);
        if (fill(text.characters) != RV_OK)
            fail_msg("%s\n%s", rv_error_message(context), text.characters);
        config_table_write(&again, &table);
        assert_string_equal(again.characters, text.characters);
        assert_string_equal(filled.text, first.text);
        check_near(filled.free, first.free, 0, "free");
        check_near(filled.number, first.number, 0, "part.number");
        assert_int_equal(filled.seed, first.seed);
        assert_int_equal(filled.words.count, first.words.count);
        for (int w = 0; w < first.words.count; w++)
            assert_string_equal(filled.words.word[w], first.words.word[w]);
        rv_free(text.characters);
        rv_free(again.characters);
    }
}

/* ---- parts ---- */

static void test_edit_distance(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        int distance;
    } pairs[] = {{"", "", 0},       {"", "abc", 3},     {"abc", "abc", 0},
                 {"abc", "acb", 1}, {"lrate", "lr", 3}, {"kitten", "sitting", 3},
                 {"ca", "abc", 3},  {"relu", "gelu", 1}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        int got = rv_edit_distance(pairs[i].a, pairs[i].b);
        int back = rv_edit_distance(pairs[i].b, pairs[i].a);
        if (got != pairs[i].distance || back != got)
            fail_msg("%s, %s: got %d and %d, expected %d", pairs[i].a, pairs[i].b, got, back,
                     pairs[i].distance);
    }
    char longer[300];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(rv_edit_distance(longer, "x"), 63); /* compared by 64 letters */
}

static void test_numbers_as_text(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } numbers[] = {{0, "0"},
                   {-0.5, "-0.5"},
                   {10000, "10000"},
                   {1e-8, "1e-8"},
                   {0.1, "0.1"},
                   {1e300, "1e+300"},
                   {1.0 / 3, "0.3333333333333333"},
                   {1e-300, "1e-300"},
                   {123456789012.0, "123456789012"}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        rv_text text = {0};
        double back = NAN;
        config_text_number(&text, numbers[i].value);
        assert_string_equal(text.characters, numbers[i].text);
        assert_true(config_read_number(text.characters, &back));
        check_near(back, numbers[i].value, 0, numbers[i].text);
        rv_free(text.characters);
    }
}

/* Every allocation fails once: an error, no leak, nothing but an error. */
static void test_out_of_memory(void **state)
{
    (void)state;
    int64_t live = rv_memory_counted().live;
    int failures = 0;
    for (uint64_t after = 1; after < 1000; after++) {
        rv_arena own = {0};
        rv_text text = {0};
        config_settings_begin(&settings, context, &own);
        rv_memory_fail_after(after, 0);
        rv_status status = config_settings_parse(
            &settings, "part: {number: 0.5}\nwords: [a, {residual: [b, c]}]\nnumbers: [1]", "r");
        if (status == RV_OK)
            status = config_settings_override(&settings, "text=hello");
        if (status == RV_OK)
            status = config_table_fill(context, &own, &table, settings.first);
        if (status == RV_OK)
            config_table_write(&text, &table);
        int failed = status != RV_OK || text.failed;
        rv_memory_fail_after(0, 0);
        if (status != RV_OK && rv_error_status(context) != status)
            fail_msg("status %d, latched %d", status, rv_error_status(context));
        rv_error_clear(context);
        rv_free(text.characters);
        rv_arena_free(&own);
        if (rv_memory_counted().live != live)
            fail_msg("allocation %d failed: %d blocks are left, %d before", (int)after,
                     (int)rv_memory_counted().live, (int)live);
        failures += failed;
        if (!failed)
            break;
    }
    assert_in_range(failures, 10, 900);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_defaults),
        TEST(test_every_type),
        TEST(test_whole_numbers_may_have_an_exponent),
        TEST(test_later_settings_win),
        TEST(test_refusals),
        TEST(test_override_refusals),
        TEST(test_a_bad_file_leaves_no_settings),
        TEST(test_required),
        TEST(test_control_characters),
        TEST(test_written_text),
        TEST(test_round_trip),
        TEST(test_edit_distance),
        TEST(test_numbers_as_text),
        TEST(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
