/* Studies: how a file becomes runs, what is refused, what the folders say, and the numbers of the
 * table against values made by hand. */
#include "check.h"
#include "reverie/io.h"
#include "reverie/study.h"
#include "study/study.h"

#include <unistd.h>

typedef struct fixture {
    rv_context *context;
    char folder[64];
    int64_t live; /* blocks at the start */
} fixture;

static const char recipe[] = "model: vae\n"
                             "data: {name: digits, limit: 60, batch: 20, validation: 20}\n"
                             "latent: 2\n"
                             "encoder: [linear 8, relu]\n"
                             "decoder: [linear 8, relu]\n"
                             "train: {epochs: 2}\n";

static const char *path_in(const fixture *f, const char *name)
{
    static char path[6][300];
    static int next;
    char *at = path[next++ % 6];
    snprintf(at, sizeof path[0], "%s/%s", f->folder, name);
    return at;
}

static void write_text(const fixture *f, const char *name, const char *text)
{
    assert_int_equal(rv_file_write(f->context, path_in(f, name), text, strlen(text)), RV_OK);
}

static int set_up(void **state)
{
    static fixture shared;
    shared.live = rv_memory_counted().live;
    shared.context = rv_context_new();
    strcpy(shared.folder, "/tmp/reverie-study-XXXXXX");
    *state = &shared;
    if (!shared.context || !mkdtemp(shared.folder))
        return 1;
    write_text(&shared, "base.yaml", recipe);
    return 0;
}

static int tear_down(void **state)
{
    char line[128];
    fixture *f = *state;
    check_ok(f->context);
    rv_context_free(f->context);
    int64_t left = rv_memory_counted().live - f->live;
    if (left != 0)
        fail_msg("%lld blocks of memory were not freed", (long long)left);
    snprintf(line, sizeof line, "rm -rf '%s'", f->folder);
    return system(line);
}

/* A study of that text, in study.yaml, with runs in "runs". */
static rv_study *open_with(fixture *f, const char *text, const char *const *settings, int count)
{
    rv_study *study;
    const char *recipes = f->folder;
    write_text(f, "study.yaml", text);
    rv_study_request request = {.path = path_in(f, "study.yaml"),
                                .folder = path_in(f, "runs"),
                                .settings = settings,
                                .setting_count = count,
                                .recipe_directories = &recipes,
                                .recipe_directory_count = 1};
    rv_study_open(f->context, &request, &study);
    return study;
}

static rv_study *open_study(fixture *f, const char *text)
{
    return open_with(f, text, NULL, 0);
}

static void check_name(const rv_study *study, int index, const char *expected)
{
    const char *got = rv_study_at(study, index).name;
    if (strcmp(got, expected) != 0)
        fail_msg("run %d: got \"%s\", expected \"%s\"", index, got, expected);
}

/* The run's resolved configuration has that line. */
static void check_line(const rv_study *study, int index, const char *line)
{
    if (!strstr(study->run[index].text, line))
        fail_msg("run %d: no \"%s\" in\n%s", index, line, study->run[index].text);
}

/* ---- expansion ---- */

static void test_a_grid_is_every_combination_with_every_seed(void **state)
{
    fixture *f = *state;
    rv_study *study = open_study(f, "base: base\n"
                                    "settings: {train: {lr: 0.01}, likelihood: bernoulli}\n"
                                    "grid:\n"
                                    "  objective.beta: [0.1, 4]\n"
                                    "  latent: [2, 3]\n"
                                    "seeds: [5, 7]\n");
    check_ok(f->context);
    assert_int_equal(rv_study_count(study), 8);
    assert_int_equal(rv_study_cells(study), 4);
    check_name(study, 0, "beta=0.1,latent=2,seed=5");
    check_name(study, 1, "beta=0.1,latent=2,seed=7");
    check_name(study, 2, "beta=0.1,latent=3,seed=5");
    check_name(study, 7, "beta=4,latent=3,seed=7");
    check_line(study, 7, "\n  beta: 4\n");
    check_line(study, 7, "\nlatent: 3\n");
    check_line(study, 7, "\n  seed: 7\n");
    check_line(study, 7, "\n  lr: 0.01\n");
    check_line(study, 7, "\n  epochs: 2\n");
    check_line(study, 7, "\nname: \"beta=4,latent=3,seed=7\"\n");
    assert_string_equal(rv_study_at(study, 2).cell, "beta=0.1,latent=3");
    assert_int_equal(rv_study_at(study, 2).state, RV_STUDY_TO_RUN);
    assert_int_equal(rv_study_at(study, 2).epochs, 2);
    rv_study_free(study);
}

static void test_cases_move_settings_together(void **state)
{
    fixture *f = *state;
    rv_study *study = open_study(f, "base: base.yaml\n"
                                    "cases:\n"
                                    "  plain: {}\n"
                                    "  deep:\n"
                                    "    encoder: [linear 8, relu, linear 8, relu]\n"
                                    "    objective: {beta: 2}\n"
                                    "grid: {train: {lr: [0.1, 0.2]}}\n"
                                    "seeds: 2\n");
    check_ok(f->context);
    assert_int_equal(rv_study_count(study), 8);
    check_name(study, 0, "plain,lr=0.1,seed=1");
    check_name(study, 7, "deep,lr=0.2,seed=2");
    check_line(study, 0, "\nencoder: [linear 8, relu]\n");
    check_line(study, 7, "\nencoder: [linear 8, relu, linear 8, relu]\n");
    check_line(study, 7, "\n  beta: 2\n");
    check_line(study, 7, "\n  lr: 0.2\n");
    rv_study_free(study);
}

static void test_names_are_safe_and_tell_keys_apart(void **state)
{
    fixture *f = *state;
    rv_study *study =
        open_study(f, "base: base\n"
                      "grid:\n"
                      "  encoder: [[linear 8, relu], [linear 4, {residual: [tanh]}]]\n"
                      "  train.beta1: [0.5]\n"
                      "  data.seed: [1]\n"
                      "  train.warmup: [2]\n"
                      "  objective.warmup: [3]\n");
    check_ok(f->context);
    check_name(
        study, 0,
        "encoder=linear_8_relu,beta1=0.5,data.seed=1,train.warmup=2,objective.warmup=3,seed=1");
    check_name(study, 1,
               "encoder=linear_4_residual_tanh,beta1=0.5,data.seed=1,train.warmup=2,objective."
               "warmup=3,seed=1");
    rv_study_free(study);
}

static void test_seeds_alone_are_a_study(void **state)
{
    fixture *f = *state;
    rv_study *study = open_study(f, "base: base\nseeds: 3\n");
    check_ok(f->context);
    assert_int_equal(rv_study_count(study), 3);
    check_name(study, 2, "seed=3");
    assert_string_equal(rv_study_at(study, 2).cell, "base");
    rv_study_free(study);
}

static void test_overrides_go_over_the_settings(void **state)
{
    fixture *f = *state;
    static const char text[] = "base: base\nsettings: {train.epochs: 9, latent: 4}\n"
                               "grid: {objective.beta: [1, 2]}\n";
    const char *settings[] = {"train.epochs=5", "data={limit: 40}"};
    rv_study *study = open_with(f, text, settings, 2);
    check_ok(f->context);
    check_line(study, 1, "\n  epochs: 5\n");
    check_line(study, 1, "\n  limit: 40\n");
    check_line(study, 1, "\nlatent: 4\n");
    check_line(study, 1, "\n  beta: 2\n");
    assert_int_equal(rv_study_at(study, 0).epochs, 5);
    rv_study_free(study);
    const char *varied[] = {"objective.beta=3", "objective={beta: 3}", "train.seed=3"};
    static const char *const part[] = {"`objective.beta` is what the study varies",
                                       "`objective.beta` is what the study varies", "say how many"};
    for (int i = 0; i < 3; i++) {
        assert_null(open_with(f, text, &varied[i], 1));
        check_error(f->context, RV_BAD_USAGE, part[i]);
    }
    const char *unknown = "train.epoch=3";
    assert_null(open_with(f, text, &unknown, 1));
    check_error(f->context, RV_BAD_USAGE, "did you mean `train.epochs`?");
}

/* The studies that come with the recipes: every run resolves, and those of the labs have seeds to
 * compare. */
static void test_the_studies_that_come_along_resolve(void **state)
{
    fixture *f = *state;
    static const char *const recipes = REVERIE_SOURCE_DIR "/recipes";
    rv_recipe *studies;
    int count;
    assert_int_equal(rv_study_list(f->context, &recipes, 1, &studies, &count), RV_OK);
    assert_true(count >= 6);
    for (int i = 0; i < count; i++) {
        rv_study *study;
        rv_study_request request = {.path = studies[i].path,
                                    .folder = path_in(f, "runs"),
                                    .recipe_directories = &recipes,
                                    .recipe_directory_count = 1};
        rv_study_open(f->context, &request, &study);
        check_ok(f->context);
        assert_true(rv_study_cells(study) >= 2);
        int seeds = strncmp(studies[i].name, "lab", 3) == 0 ? 2 : 1;
        assert_true(rv_study_count(study) >= seeds * rv_study_cells(study));
        assert_string_equal(rv_study_name(study), studies[i].name);
        assert_true(strlen(rv_study_about(study)) > 10);
        rv_study_free(study);
    }
    rv_recipe_list_free(studies, count);
}

/* ---- bad input ---- */

static void test_bad_studies_are_refused_with_file_and_line(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *text, *part;
        rv_status status;
    } bad[] = {
        {"base: base\ngrid:\n  objective.bta: [1]\n",
         "study.yaml:3: unknown key `objective.bta`; did you mean `objective.beta`?", RV_BAD_USAGE},
        {"base: base\ngrid:\n  latent:\n    - 2\n    - two\n", "study.yaml:5: latent wants",
         RV_BAD_USAGE},
        {"base: base\nsettings:\n  train:\n    lr: fast\n", "study.yaml:4: train.lr wants",
         RV_BAD_USAGE},
        {"base: base\ncases:\n  a: {}\n  b:\n    latent: -1\n", "study.yaml:5: latent wants",
         RV_BAD_USAGE},
        {"base: base\ngrid: {latent: []}\n", "study.yaml:2: `latent` in the grid wants at least",
         RV_BAD_USAGE},
        {"base: base\ngrid: {latent: 3}\n", "study.yaml:2: `latent` in the grid wants a list",
         RV_BAD_USAGE},
        {"base: base\ngrid: {}\n", "study.yaml:2: `grid` wants", RV_BAD_USAGE},
        {"base: base\ncases: [a]\n", "study.yaml:2: `cases` wants", RV_BAD_USAGE},
        {"base: base\ncases: {a: 3}\n", "study.yaml:2: the case `a` wants settings", RV_BAD_USAGE},
        {"base: base\ncases: {../a: {latent: 3}}\n", "study.yaml:2: the case `../a`", RV_BAD_USAGE},
        {"base: none\n", "study.yaml:1: `base`: none: there is no such recipe", RV_BAD_FILE},
        {"base: none.yaml\n", "study.yaml:1: `base`: none.yaml: there is no such file",
         RV_BAD_FILE},
        {"about: x\ngrid: {latent: [2]}\n", "study.yaml:1: `base` is not set", RV_BAD_USAGE},
        {"base: base\nsetings: {latent: 2}\n",
         "study.yaml:2: unknown key `setings` of a study; did you mean `settings`?", RV_BAD_USAGE},
        {"model: vae\nlatent: 2\n", "study.yaml:1: this is a recipe", RV_BAD_USAGE},
        {"base: base\nseeds: 0\n", "study.yaml:2: `seeds` wants", RV_BAD_USAGE},
        {"base: base\nseeds: [1, 2, 1]\n", "study.yaml:2: `seeds` wants", RV_BAD_USAGE},
        {"base: base\nseeds: []\n", "study.yaml:2: `seeds` wants", RV_BAD_USAGE},
        {"base: base\ngrid: {train.seed: [1, 2]}\n", "study.yaml:2: `train.seed` is set by",
         RV_BAD_USAGE},
        {"base: base\ngrid:\n  objective.beta: [1, 1.0]\n",
         "study.yaml:3: the cells `beta=1` and `beta=1.0` have the same settings", RV_BAD_USAGE},
        {"base: base\ngrid: {objective.beta: [1, 1]}\n", "would both be called `beta=1`",
         RV_BAD_USAGE},
        {"base: base\ncases:\n  a: {latent: 3}\n  b: {latent: 3}\n",
         "study.yaml:4: the cells `a` and `b` have the same settings", RV_BAD_USAGE},
        {"base: base\ncases: {a: {latent: 3}}\ngrid: {latent: [2, 4]}\n",
         "study.yaml:2: `latent` is set by the case `a` and by the grid, line 3", RV_BAD_USAGE},
        {"base: base\nsettings:\n  train: {lr: 1}\n  train.lr: 2\n",
         "study.yaml:4: `train.lr` is set a second time, after line 3", RV_BAD_USAGE},
        {"base: base\ngrid: {latent: [2}\n", "study.yaml:2:", RV_BAD_USAGE},
        {"", "study.yaml:1: wants base", RV_BAD_USAGE},
        {"base: base\nseeds: 1000\ngrid: {latent: [2, 3]}\n", "more than 1000 runs", RV_BAD_USAGE},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(open_study(f, bad[i].text));
        check_error(f->context, bad[i].status, bad[i].part);
    }
    assert_false(rv_folder_exists(path_in(f, "runs")));
}

static void test_layers_that_do_not_exist_are_found_before_training(void **state)
{
    fixture *f = *state;
    rv_study *study = open_study(f, "base: base\n"
                                    "cases:\n"
                                    "  good: {}\n"
                                    "  bad: {encoder: [linaer 8]}\n");
    check_ok(f->context);
    assert_int_equal(rv_study_run(study, NULL), RV_BAD_USAGE);
    check_error(f->context, RV_BAD_USAGE, "study.yaml:4: cell `bad`: ");
    assert_false(rv_folder_exists(path_in(f, "runs")));
    rv_study_free(study);
}

/* ---- folders ---- */

/* As a training would leave it: so many epochs of 2 steps. */
static void make_run(fixture *f, const rv_study *study, int index, int epochs, int has_report)
{
    char name[200], metrics[2000] = "";
    const rv_study_entry entry = rv_study_at(study, index);
    snprintf(name, sizeof name, "runs/%s/checkpoints", entry.name);
    assert_int_equal(rv_folder_make(f->context, path_in(f, name)), RV_OK);
    snprintf(name, sizeof name, "runs/%s/config.yaml", entry.name);
    write_text(f, name, study->run[index].text);
    for (int i = 1; i <= epochs; i++)
        snprintf(metrics + strlen(metrics), sizeof metrics - strlen(metrics),
                 "{\"event\":\"epoch\",\"step\":%d,\"epoch\":%d,\"split\":\"train\",\"loss\":%d.5}"
                 "\n",
                 2 * i, i, 100 - i);
    snprintf(name, sizeof name, "runs/%s/metrics.jsonl", entry.name);
    write_text(f, name, metrics);
    float weight = (float)index;
    int64_t one = 1;
    rv_tensor tensor = {"weight", RV_ELEMENT_F32, 1, {one}, &weight, sizeof weight};
    snprintf(name, sizeof name, "runs/%s/checkpoints/step-%08d.safetensors", entry.name,
             2 * epochs);
    if (epochs > 0)
        rv_tensors_write(f->context, path_in(f, name), &tensor, 1, NULL, 0);
    snprintf(name, sizeof name, "runs/%s/report.html", entry.name);
    if (has_report)
        write_text(f, name, "<html>");
    check_ok(f->context);
}

static void check_state(const rv_study *study, int index, rv_study_state state, int epoch)
{
    rv_study_entry entry = rv_study_at(study, index);
    if (entry.state != state || entry.epoch != epoch)
        fail_msg("%s: got state %d after epoch %lld, expected %d after %d", entry.name, entry.state,
                 (long long)entry.epoch, state, epoch);
}

static void test_folders_say_what_is_done(void **state)
{
    fixture *f = *state;
    static const char text[] = "base: base\ngrid: {objective.beta: [1, 2, 3, 4, 5]}\n";
    rv_study *study = open_study(f, text);
    check_ok(f->context);
    make_run(f, study, 0, 2, 1);
    make_run(f, study, 1, 1, 0);
    make_run(f, study, 2, 2, 0); /* killed before its report */
    make_run(f, study, 3, 0, 0); /* killed before its first checkpoint */
    rv_study_free(study);
    study = open_study(f, text);
    check_ok(f->context);
    check_state(study, 0, RV_STUDY_DONE, 2);
    check_state(study, 1, RV_STUDY_TO_RESUME, 1);
    check_state(study, 2, RV_STUDY_TO_RESUME, 2);
    check_state(study, 3, RV_STUDY_TO_RESUME, 0);
    check_state(study, 4, RV_STUDY_TO_RUN, 0);
    /* The last epoch was logged and its checkpoint is not there: it is not done, report or not. */
    assert_int_equal(rename(path_in(f, "runs/beta=1,seed=1/checkpoints/step-00000004.safetensors"),
                            path_in(f, "runs/beta=1,seed=1/checkpoints/step-00000002.safetensors")),
                     0);
    rv_study_free(study);
    study = open_study(f, text);
    check_state(study, 0, RV_STUDY_TO_RESUME, 1);
    rv_study_free(study);
}

/* The checkpoint says how far the run is, whether the log is whole, short, or not there. */
static void test_a_lost_log_does_not_change_what_is_done(void **state)
{
    fixture *f = *state;
    static const char text[] = "base: base\ngrid: {objective.beta: [1, 2]}\n";
    static const char epoch[2][4] = {"2", "1"};
    char name[100];
    rv_study *study = open_study(f, text);
    float weight = 1;
    rv_tensor tensor = {"weight", RV_ELEMENT_F32, 1, {1}, &weight, sizeof weight};
    for (int i = 0; i < 2; i++) {
        rv_text_pair pair = {"epoch", epoch[i]};
        make_run(f, study, i, 2, 1);
        snprintf(name, sizeof name, "runs/%s/metrics.jsonl", rv_study_at(study, i).name);
        write_text(f, name, "{\"event\":\"epoch\",\"st");
        snprintf(name, sizeof name, "runs/%s/checkpoints/step-00000004.safetensors",
                 rv_study_at(study, i).name);
        rv_tensors_write(f->context, path_in(f, name), &tensor, 1, &pair, 1);
    }
    rv_study_free(study);
    study = open_study(f, text);
    check_ok(f->context);
    check_state(study, 0, RV_STUDY_DONE, 2);
    check_state(study, 1, RV_STUDY_TO_RESUME, 1);
    rv_study_free(study);
}

static void test_another_setting_for_a_folder_is_refused(void **state)
{
    fixture *f = *state;
    static const char text[] = "base: base\ngrid: {objective.beta: [1, 2]}\n";
    rv_study *study = open_study(f, text);
    make_run(f, study, 1, 2, 1);
    rv_study_free(study);
    const char *setting = "train.lr=0.5";
    assert_null(open_with(f, text, &setting, 1));
    check_error(f->context, RV_BAD_USAGE,
                "runs/beta=2,seed=1/config.yaml: this run was made with train.lr: 0.001, and the "
                "study now asks for 0.5");
    setting = "train.epochs=1";
    assert_null(open_with(f, text, &setting, 1));
    check_error(f->context, RV_BAD_USAGE, "train.epochs: 2, and the study now asks for 1");
    setting = "train.epochs=5";
    study = open_with(f, text, &setting, 1);
    check_ok(f->context);
    check_state(study, 1, RV_STUDY_TO_RESUME, 2);
    rv_study_free(study);
}

/* Where the learning rate follows the number of epochs, longer is another training. */
static void check_more_epochs(fixture *f, const char *train, int may_grow)
{
    char text[200];
    const char *setting = "train.epochs=5";
    snprintf(text, sizeof text, "base: base\nsettings: {train: {%s}}\n", train);
    rv_study *study = open_study(f, text);
    make_run(f, study, 0, 2, 1);
    rv_study_free(study);
    study = open_with(f, text, &setting, 1);
    if (may_grow)
        check_state(study, 0, RV_STUDY_TO_RESUME, 2);
    else
        check_error(f->context, RV_BAD_USAGE, "train.epochs: 2, and the study now asks for 5");
    check_ok(f->context);
    rv_study_free(study);
}

static void test_more_epochs_of_a_cosine_are_refused(void **state)
{
    check_more_epochs(*state, "schedule: cosine", 0);
}

static void test_more_epochs_of_steps_at_shares_of_them_are_refused(void **state)
{
    check_more_epochs(*state, "schedule: steps", 0);
}

static void test_more_epochs_of_steps_at_milestones_are_trained(void **state)
{
    check_more_epochs(*state, "schedule: steps, milestones: [1, 3]", 1);
}

/* Whatever allocation fails: the status says so, and nothing is left behind. */
static void test_memory_may_run_out_anywhere(void **state)
{
    fixture *f = *state;
    static const char text[] = "base: base\ncases: {a: {latent: 3}, b: {}}\n"
                               "grid: {objective.beta: [1, 2]}\nseeds: 2\n";
    rv_study *study = open_study(f, text);
    int failed = 0;
    make_run(f, study, 1, 2, 1);
    rv_study_free(study);
    for (uint64_t after = 1; after < 20000; after += 1 + after / 8) {
        const char *recipes = f->folder;
        rv_study_request request = {.path = path_in(f, "study.yaml"),
                                    .folder = path_in(f, "runs"),
                                    .recipe_directories = &recipes,
                                    .recipe_directory_count = 1};
        rv_memory_fail_after(after, 0);
        rv_status status = rv_study_open(f->context, &request, &study);
        rv_memory_fail_after(0, 0);
        if (status == RV_OK)
            check_ok(f->context);
        else
            check_error(f->context, RV_NO_MEMORY, "memory");
        failed += status != RV_OK;
        rv_study_free(study);
    }
    assert_true(failed > 20);
}

/* ---- numbers ---- */

/* report.json with hand-made values of runs whose checkpoints have these checksums. */
static void write_values(fixture *f, const rv_study *study, const double *elbo, const double *kl)
{
    char text[8000] = "{\"cells\":[{\"runs\":[", path[400];
    for (int i = 0; i < rv_study_count(study); i++) {
        rv_tensors *tensors;
        snprintf(path, sizeof path, "%s/checkpoints/step-00000004.safetensors",
                 rv_study_at(study, i).folder);
        assert_int_equal(rv_tensors_open(f->context, path, &tensors), RV_OK);
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "%s{\"name\":\"%s\",\"split\":\"test\",\"chosen_by\":\"elbo\",\"checkpoint\":\"%"
                 "s\",\"values\":{\"elbo\":"
                 "%.3f,\"kl\":%.3f}}",
                 i ? "," : "", rv_study_at(study, i).name, rv_tensors_metadata(tensors, "xxh3_128"),
                 elbo[i], kl[i]);
        rv_tensors_free(tensors);
    }
    strcat(text, "]}]}");
    write_text(f, "runs/report.json", text);
}

static void test_the_table_is_of_the_runs_that_are_done(void **state)
{
    fixture *f = *state;
    static const char text[] = "base: base\ngrid: {objective.beta: [1, 2]}\nseeds: 3\n";
    const double elbo[] = {-100, -102, -104, -90, -92, -91}, kl[] = {1, 1, 4, 0, 0, 0};
    const rv_study_table *table;
    rv_study *study = open_study(f, text);
    for (int i = 0; i < 6; i++)
        make_run(f, study, i, 2, i != 5); /* the last one has not ended */
    write_values(f, study, elbo, kl);
    rv_study_free(study);
    study = open_study(f, text);
    assert_int_equal(rv_study_results(study, &table), RV_OK);
    check_ok(f->context);
    assert_string_equal(table->split, "test");
    assert_string_equal(table->best, "elbo");
    assert_null(table->varies);
    assert_int_equal(table->row_count, 2);
    assert_int_equal(table->value_count, 2);
    assert_string_equal(table->name[1], "kl");
    check_near(table->row[0].value[0].mean, -102, 1e-12, "elbo");
    check_near(table->row[0].value[0].deviation, 2, 1e-12, "its deviation");
    check_near(table->row[0].value[1].mean, 2, 1e-12, "kl");
    check_near(table->row[0].value[1].deviation, sqrt(3), 1e-12, "its deviation");
    assert_int_equal(table->row[0].done, 3);
    assert_int_equal(table->row[1].done, 2);
    check_near(table->row[1].value[0].mean, -91, 1e-12, "elbo of the two that are done");
    check_near(table->row[1].value[0].deviation, sqrt(2), 1e-12, "its deviation");
    assert_false(table->row[0].is_best);
    assert_true(table->row[1].is_best);
    assert_true(table->uneven);
    rv_study_free(study);
}

/* Weights that changed since are evaluated again: these cannot be, so that it shows. */
static void test_values_of_other_weights_are_not_kept(void **state)
{
    fixture *f = *state;
    static const char text[] = "base: base\n";
    const double elbo[] = {-100}, kl[] = {1};
    const rv_study_table *table;
    rv_study *study = open_study(f, text);
    make_run(f, study, 0, 2, 1);
    write_values(f, study, elbo, kl);
    float weight = 77;
    rv_tensor tensor = {"weight", RV_ELEMENT_F32, 1, {1}, &weight, sizeof weight};
    rv_tensors_write(f->context, path_in(f, "runs/seed=1/checkpoints/step-00000004.safetensors"),
                     &tensor, 1, NULL, 0);
    rv_study_free(study);
    study = open_study(f, text);
    check_ok(f->context);
    assert_int_equal(rv_study_results(study, &table), RV_OK); /* without that run, which is named */
    assert_int_equal(table->row[0].done, 0);
    assert_int_equal(rv_study_at(study, 0).status, RV_BAD_FILE);
    assert_non_null(strstr(rv_study_at(study, 0).message, "step-00000004.safetensors"));
    assert_int_equal(rv_study_failures(study), RV_BAD_FILE);
    check_error(f->context, RV_BAD_FILE, "1 of 1 runs failed; seed=1: ");
    rv_study_free(study);
}

static void test_cells_with_other_images_have_no_best(void **state)
{
    fixture *f = *state;
    static const char text[] = "base: base\ngrid: {data.classes: [[0, 1], [2, 3]]}\n";
    const double elbo[] = {-100, -90}, kl[] = {1, 1};
    const rv_study_table *table;
    rv_study *study = open_study(f, text);
    check_ok(f->context);
    for (int i = 0; i < 2; i++)
        make_run(f, study, i, 2, 1);
    write_values(f, study, elbo, kl);
    rv_study_free(study);
    study = open_study(f, text);
    assert_int_equal(rv_study_results(study, &table), RV_OK);
    assert_string_equal(table->varies, "data.classes");
    assert_false(table->row[0].is_best || table->row[1].is_best);
    rv_study_free(study);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_grid_is_every_combination_with_every_seed),
        TEST(test_cases_move_settings_together),
        TEST(test_names_are_safe_and_tell_keys_apart),
        TEST(test_seeds_alone_are_a_study),
        TEST(test_overrides_go_over_the_settings),
        TEST(test_the_studies_that_come_along_resolve),
        TEST(test_bad_studies_are_refused_with_file_and_line),
        TEST(test_layers_that_do_not_exist_are_found_before_training),
        TEST(test_folders_say_what_is_done),
        TEST(test_memory_may_run_out_anywhere),
        TEST(test_a_lost_log_does_not_change_what_is_done),
        TEST(test_another_setting_for_a_folder_is_refused),
        TEST(test_more_epochs_of_a_cosine_are_refused),
        TEST(test_more_epochs_of_steps_at_shares_of_them_are_refused),
        TEST(test_more_epochs_of_steps_at_milestones_are_trained),
        TEST(test_the_table_is_of_the_runs_that_are_done),
        TEST(test_values_of_other_weights_are_not_kept),
        TEST(test_cells_with_other_images_have_no_best),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
