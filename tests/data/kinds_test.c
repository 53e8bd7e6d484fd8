/* The table of the kinds of data set: no row lacks an entry, and each is found in one way. */
#include "check.h"
#include "data/source.h"

static void rows_are_whole(void **state)
{
    (void)state;
    for (int i = 0; rv_data_kinds[i]; i++) {
        const rv_data_kind *row = rv_data_kinds[i];
        const char *name = row->built_in ? row->built_in : row->about;
        int ways = (row->built_in != NULL) + (row->ending != NULL) + (row->holds != NULL);
        if (!name || ways != 1 || (row->built_in != NULL) == (row->about != NULL))
            fail_msg("row %d (%s) is not found in one way: as built in, by an ending, or as a "
                     "folder, of which the last two have an `about`",
                     i, name);
        if (!row->look || !row->read)
            fail_msg("the row of %s lacks look or read", name);
    }
}

/* What errors list has every kind that can be given as a path. */
static void errors_name_every_kind(void **state)
{
    (void)state;
    rv_context *context = rv_context_new();
    rv_data_config config = rv_data_defaults();
    rv_source *source;
    config.name = "nowhere";
    assert_int_equal(rv_source_open(context, &config, RV_SPLIT_TRAIN, &source), RV_BAD_FILE);
    for (int i = 0; rv_data_kinds[i]; i++)
        if (rv_data_kinds[i]->about && !strstr(rv_error_message(context), rv_data_kinds[i]->about))
            fail_msg("\"%s\" does not name %s", rv_error_message(context), rv_data_kinds[i]->about);
    rv_context_free(context);
}

/* Every built-in set can be opened, and is listed though there are no folders. */
static void built_in_sets_are_listed(void **state)
{
    (void)state;
    rv_context *context = rv_context_new();
    rv_data_entry *entries;
    int count, listed = 0;
    assert_int_equal(rv_data_list(context, NULL, 0, &entries, &count), RV_OK);
    for (int i = 0; rv_data_kinds[i]; i++) {
        rv_data_config config = rv_data_defaults();
        rv_source *source;
        if (!rv_data_kinds[i]->built_in)
            continue;
        config.name = rv_data_kinds[i]->built_in;
        assert_int_equal(rv_source_open(context, &config, RV_SPLIT_TRAIN, &source), RV_OK);
        assert_string_equal(entries[listed].name, config.name);
        assert_int_equal(entries[listed++].train_count, rv_source_describe(source)->count);
        rv_source_free(source);
    }
    rv_data_list_free(entries, count);
    rv_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_whole),
        cmocka_unit_test(errors_name_every_kind),
        cmocka_unit_test(built_in_sets_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
