/* The library without memory: what it reads is whole, or it is RV_NO_MEMORY, never a file that is
 * called corrupt, a folder that is called empty, or a line that is passed over. */
#include "check.h"
#include "reverie/io.h"
#include "reverie/run.h"
#include "reverie/study.h"
#include "study/study.h"

#include <ftw.h>
#include <unistd.h>

static char root[] = "/tmp/reverie-memory-XXXXXX";

static const char recipe[] = "about: tiny\n"
                             "model: vae\n"
                             "data: {name: digits, limit: 40, batch: 20, validation: 20}\n"
                             "latent: 2\n"
                             "encoder: [linear 4, relu]\n"
                             "decoder: [linear 4, relu]\n"
                             "train: {epochs: 2}\n";

/* Something that reads; what it found goes into `out` as text, to compare. */
typedef rv_status (*reading)(rv_context *context, char *out, size_t bytes);

static rv_status find_checkpoint(rv_context *context, char *out, size_t bytes)
{
    char *path;
    rv_status status = rv_checkpoint_find(context, "run/checkpoints", "best", &path);
    if (status == RV_OK)
        snprintf(out, bytes, "%s", path);
    free(path);
    return status;
}

static rv_status read_summary(rv_context *context, char *out, size_t bytes)
{
    static rv_run_summary summary;
    rv_status status = rv_run_summary_read(context, "run", &summary);
    for (int i = 0, used = 0; status == RV_OK && i < summary.count; i++)
        used += snprintf(out + used, bytes - (size_t)used, "%s %s %.17g\n", summary.value[i].split,
                         summary.value[i].name, summary.value[i].last);
    return status;
}

static rv_status list_recipes(rv_context *context, char *out, size_t bytes)
{
    const char *here = ".";
    rv_recipe *recipes;
    int count;
    rv_status status = rv_recipe_list(context, &here, 1, &recipes, &count);
    for (int i = 0, used = 0; status == RV_OK && i < count; i++)
        used += snprintf(out + used, bytes - (size_t)used, "%s: %s\n", recipes[i].name,
                         recipes[i].about);
    if (status == RV_OK)
        rv_recipe_list_free(recipes, count);
    return status;
}

static rv_status look_at_study(rv_context *context, char *out, size_t bytes)
{
    const char *here = ".";
    rv_study *study;
    rv_study_request request = {.path = "study.yaml",
                                .folder = "study",
                                .recipe_directories = &here,
                                .recipe_directory_count = 1};
    rv_status status = rv_study_open(context, &request, &study);
    if (status != RV_OK)
        return status;
    char *text = rv_study_json(study);
    if (text)
        snprintf(out, bytes, "%s", text);
    else
        status = rv_error_status(context);
    rv_study_text_free(text);
    rv_study_free(study);
    return status;
}

/* Each allocation in turn, once and with all after it; of many, every few. */
static void starve(reading read, const char *what, uint64_t stride)
{
    static char whole[20000], got[20000];
    rv_context *context = rv_context_new();
    whole[0] = '\0';
    if (read(context, whole, sizeof whole) != RV_OK)
        fail_msg("%s with memory: %s", what, rv_error_message(context));
    rv_context_free(context);
    for (uint64_t at = 1;; at += at < 50 ? 1 : stride) {
        for (int persistent = 0; persistent < 2; persistent++) {
            context = rv_context_new();
            got[0] = '\0';
            rv_memory_fail_after(at, persistent);
            uint64_t before = rv_memory_counted().calls;
            rv_status status = read(context, got, sizeof got);
            uint64_t asked = rv_memory_counted().calls - before;
            rv_memory_fail_after(0, 0);
            if (status != RV_OK && status != RV_NO_MEMORY)
                fail_msg("%s without allocation %d: %s (%d), expected success or %d", what, (int)at,
                         rv_error_message(context), status, RV_NO_MEMORY);
            if (status == RV_OK && strcmp(got, whole) != 0)
                fail_msg("%s without allocation %d found \"%.200s\", expected \"%.200s\"", what,
                         (int)at, got, whole);
            rv_context_free(context);
            if (persistent && asked < at)
                return;
        }
    }
}

static void test_a_checkpoint(void **state)
{
    (void)state;
    starve(find_checkpoint, "the best checkpoint", 7);
}

static void test_metrics(void **state)
{
    (void)state;
    starve(read_summary, "the summary of a run", 11);
}

static void test_recipes(void **state)
{
    (void)state;
    starve(list_recipes, "the list of recipes", 7);
}

static void test_a_study(void **state)
{
    (void)state;
    starve(look_at_study, "a study", 67);
}

/* ---- what is looked at ---- */

static void save(rv_context *context, const char *name, const char *text)
{
    assert_int_equal(rv_file_write(context, name, text, strlen(text)), RV_OK);
}

static int set_up(void **state)
{
    static const char plan[] = "about: two\nbase: base.yaml\nseeds: 1\n"
                               "settings: {train.epochs: 1}\ngrid: {objective.beta: [1, 2]}\n";
    rv_config *config;
    rv_experiment *run;
    rv_study *study;
    rv_experiment_place place = {"run", NULL, 0};
    const char *here = ".";
    (void)state;
    rv_study_request request = {.path = "study.yaml",
                                .folder = "study",
                                .recipe_directories = &here,
                                .recipe_directory_count = 1};
    if (!mkdtemp(root) || chdir(root) != 0)
        return 1;
    rv_context *context = rv_context_new();
    save(context, "base.yaml", recipe);
    save(context, "study.yaml", plan);
    rv_config_new(context, &config);
    rv_config_parse(config, recipe, "recipe");
    rv_experiment_create(context, &place, config, 0, &run);
    check_ok(context);
    rv_experiment_train(run, NULL, NULL);
    rv_experiment_free(run);
    check_ok(context);
    rv_context_free(context);
    context = rv_context_new();
    rv_study_open(context, &request, &study);
    check_ok(context);
    rv_study_run(study, NULL);
    rv_study_write_report(study);
    rv_study_free(study);
    check_ok(context);
    rv_context_free(context);
    return 0;
}

static int drop(const char *path, const struct stat *facts, int kind, struct FTW *at)
{
    (void)facts, (void)kind, (void)at;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    return chdir("/") != 0 || nftw(root, drop, 16, FTW_DEPTH | FTW_PHYS) != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_checkpoint),
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_recipes),
        cmocka_unit_test(test_a_study),
    };
    return cmocka_run_group_tests_name("without memory", tests, set_up, tear_down);
}
