/* Lists of values: what text, JSON and the cells of tables make of them. */
#include "check.h"

#include "core/memory.h"
#include "reverie/values.h"
#include "values/json.h"

typedef struct fixture {
    rv_context *context;
    rv_values values;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    f->context = rv_context_new();
    f->values = rv_values_of(f->context);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    rv_values_free(&f->values);
    rv_context_free(f->context);
    free(f);
    return 0;
}

static void check_text(const rv_values *values, const char *expected)
{
    char *text = NULL;
    size_t bytes;
    FILE *file = open_memstream(&text, &bytes);
    rv_values_print(values, file);
    fclose(file);
    if (strcmp(text, expected) != 0)
        fail_msg("got\n%s\nexpected\n%s", text, expected);
    free(text);
}

static void check_json(fixture *f, const char *expected)
{
    char *text;
    json_t *object = json_object();
    rv_values_put(&object, &f->values);
    rv_json_write(f->context, object, JSON_REAL_PRECISION(6), &text);
    check_ok(f->context);
    if (strcmp(text, expected) != 0)
        fail_msg("got\n%s\nexpected\n%s", text, expected);
    rv_free(text);
}

static void test_units_and_columns(void **state)
{
    fixture *f = *state;
    rv_values *v = &f->values;
    rv_value *head6 = rv_values_line(v, "%d images", 3);
    head6->name_width = 6;
    head6->number_width = 8;
    rv_values_add(v, "elbo", -97.125, RV_UNIT_NATS, NULL);
    rv_values_add(v, "recall", 0.25, RV_UNIT_SHARE, "of the real images");
    rv_values_add(v, "largest_w", 0.015, RV_UNIT_PERCENT, "of all");
    rv_values_add(v, "distance", 12.5, RV_UNIT_NONE, NULL);
    rv_values_add_row(
        v, (rv_value){.name = "active", .value = 7, .kind = RV_VALUE_COUNT, .about = "of 9"});
    rv_values_add_row(v,
                      (rv_value){.name = "ess", .label = "effective", .value = 1.25, .digits = 1});
    rv_value *head3 = rv_values_line(v, "and below");
    head3->name_width = 3;
    head3->number_width = 4;
    rv_values_add(v, "kl", 0.5, RV_UNIT_NATS, NULL);
    check_text(v, "3 images\n"
                  "  elbo       -97.125\n"
                  "  recall      0.2500  of the real images\n"
                  "  largest_w   1.500%  of all\n"
                  "  distance   12.5000\n"
                  "  active           7  of 9\n"
                  "  effective      1.2\n"
                  "and below\n"
                  "  kl  0.500\n");
    check_json(f, "{\"elbo\": -97.125, \"recall\": 0.25, \"largest_w\": 0.015, \"distance\": 12.5, "
                  "\"active\": 7, \"ess\": 1.25, \"kl\": 0.5}");
}

/* A number that is not there says why, or is printed as it is. */
static void test_values_that_are_not_finite(void **state)
{
    fixture *f = *state;
    rv_values *v = &f->values;
    rv_values_add(v, "nan", (double)NAN, RV_UNIT_NONE, NULL);
    rv_values_add(v, "infinite", INFINITY, RV_UNIT_NONE, "too light");
    rv_values_add_row(v,
                      (rv_value){.name = "khat", .value = (double)NAN, .missing = "few weights"});
    rv_values_add_row(v, (rv_value){.name = "kl", .value = -INFINITY, .missing = "no prior"});
    check_text(v, "  nan                     nan\n"
                  "  infinite                inf  too light\n"
                  "  kl                     -inf\n");
    check_json(f, "{\"nan\": null, \"nan_reason\": \"not a number\", "
                  "\"infinite\": null, \"infinite_reason\": \"infinity\", "
                  "\"khat\": null, \"khat_reason\": \"few weights\", "
                  "\"kl\": null, \"kl_reason\": \"-infinity\"}");
}

static void test_errors(void **state)
{
    fixture *f = *state;
    rv_values *v = &f->values;
    rv_value row = {.name = "elbo", .value = 2, .unit = RV_UNIT_NATS, .error = 0.5};
    rv_values_add_row(v, row); /* no error is meant */
    row.error_name = "";
    rv_values_add_row(v, row);
    row.name = "bound";
    row.error_name = "bound_error";
    row.about = "a lower bound";
    rv_values_add_row(v, row);
    row.name = "gap";
    row.part = "mean";
    row.error = (double)NAN;
    row.error_name = "standard_error";
    row.error_missing = "one image";
    rv_values_add_row(v, row);
    check_text(v, "  elbo                  2.000\n"
                  "  elbo                  2.000  +- 0.500\n"
                  "  bound                 2.000  +- 0.500, a lower bound\n"
                  "  gap                   2.000  +- -, a lower bound\n");
    check_json(f, "{\"elbo\": 2.0, \"bound\": 2.0, \"bound_error\": 0.5, \"gap\": {\"mean\": 2.0, "
                  "\"standard_error\": null, \"standard_error_reason\": \"one image\"}}");
}

static void test_lists_within_lists(void **state)
{
    fixture *f = *state;
    rv_values *v = &f->values;
    const double numbers[] = {0.5, (double)NAN};
    static const double draws[] = {1, 2};
    static const char *const sets[] = {"avx2", "caf\xe9"};
    rv_values_word(v, "file", "caf\xe9.npy");
    rv_values_word(v, "none", NULL);
    rv_values_count(v, "examples", 10000000000);
    rv_values_fact(v, "most", 1.5);
    rv_values_numbers(v, "shares", numbers, 2);
    rv_values_numbers(v, "draws", draws, 2)->kind = RV_VALUE_COUNTS;
    rv_values_words(v, "sets", sets, 2);
    rv_values *units = rv_values_lists(v, "units", 2);
    for (int i = 0; i < 20; i++) /* more than there is room for at first */
        rv_values_add(&units[1], rv_values_text(v, "u%d", i), i, RV_UNIT_NONE, NULL);
    rv_values_add_row(rv_values_list(&units[0], "codes"),
                      (rv_value){.name = "active", .value = 1, .kind = RV_VALUE_FLAG});
    rv_values_add_row(v, (rv_value){.name = "b", .value = 1, .place = RV_PLACE_TEXT});
    check_text(v, "  b                    1.0000\n");
    assert_int_equal(units[1].count, 20);
    check_near(rv_values_number(&units[1], "u19"), 19, 0, "the last of them");
    assert_true(isnan(rv_values_number(v, "units of another name")));
    units[1].count = 1;
    check_json(f, "{\"file\": \"caf\xc3\xa9.npy\", \"none\": null, \"examples\": 10000000000, "
                  "\"most\": 1.5, \"shares\": [0.5, null], \"draws\": [1, 2], \"sets\": [\"avx2\", "
                  "\"caf\xc3\xa9\"], "
                  "\"units\": [{\"codes\": {\"active\": true}}, {\"u0\": 0.0}]}");
}

static void check_cell(const rv_values *list, int count, const rv_value *value,
                       const char *expected)
{
    static const rv_cell_style style = {" (", ")", "-"};
    char text[64];
    rv_values_cell(list, count, value, &style, text);
    assert_string_equal(text, expected);
}

/* Decimals are those of a column, where the unit does not say. */
static void test_cells(void **state)
{
    fixture *f = *state;
    rv_values list[2] = {rv_values_of(f->context), rv_values_of(f->context)};
    for (int i = 0; i < 2; i++) {
        rv_values_add(&list[i], "small", i, RV_UNIT_NONE, NULL);
        rv_values_add(&list[i], "large", 1 + 2 * i, RV_UNIT_NONE, NULL);
        rv_values_add(&list[i], "elbo", 0.125, RV_UNIT_NATS, NULL);
        rv_values_add(&list[i], "share", 0.125, RV_UNIT_SHARE, NULL);
        rv_values_count(&list[i], "images", 100);
        rv_values_word(&list[i], "cell", "beta=2");
        rv_values_add_row(&list[i], (rv_value){.name = "spread",
                                               .value = i ? 5 : (double)NAN,
                                               .error = 0.125,
                                               .error_name = ""});
    }
    static const char *const expected[] = {"1.0000", "3.00",   "0.12",       "0.1250",
                                           "100",    "beta=2", "5.00 (0.12)"};
    for (int k = 0; k < 7; k++)
        check_cell(list, 2, &list[1].row[k], expected[k]);
    check_cell(list, 2, &list[0].row[1], "1.00");
    check_cell(list, 2, &list[0].row[6], "-");
    list[1].row[6].error = (double)NAN;
    check_cell(list, 2, &list[1].row[6], "5.00");
    rv_values_free(&list[0]);
    rv_values_free(&list[1]);
}

/* Whatever allocation fails: the failure is latched, and the list is whole as far as it goes. */
static void test_out_of_memory(void **state)
{
    fixture *f = *state;
    for (uint64_t after = 1; after < 4; after++) {
        rv_memory_fail_after(after, 1);
        for (int i = 0; i < 100; i++)
            rv_values_add(&f->values, rv_values_text(&f->values, "a%d", i), i, RV_UNIT_NONE, NULL);
        rv_values_list(&f->values, "list");
        rv_memory_fail_after(0, 0);
        assert_true(f->values.count < 100);
        check_error(f->context, RV_NO_MEMORY, "memory");
        rv_values_free(&f->values);
        rv_error_clear(f->context);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_units_and_columns),
        TEST(test_values_that_are_not_finite),
        TEST(test_errors),
        TEST(test_lists_within_lists),
        TEST(test_cells),
        TEST(test_out_of_memory),
    };
    return cmocka_run_group_tests_name("values", tests, NULL, NULL);
}
