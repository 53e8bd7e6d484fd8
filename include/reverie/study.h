/* reverie/study.h - floor 6: studies: a base recipe, settings that vary, repeats over seeds.
 *
 *     rv_study_request request = {"recipes/studies/lab3-beta.yaml", "runs/lab3-beta"};
 *     rv_study *study;
 *     rv_study_open(context, &request, &study);  // every run is resolved: nothing is trained yet
 *     rv_study_run(study, NULL);                 // trains what is missing, resumes what stopped
 *     rv_study_write_report(study);              // report.html and report.json in the folder
 *     rv_study_free(study);
 *
 * A study is YAML: `about`, `base` (a recipe), `settings` (for all runs), `grid` (key: list of
 * values; every combination is a cell), `cases` (name: settings that change together), `seeds` (how
 * many, or a list).  Each cell and seed is an ordinary run folder, FOLDER/beta=0.1,seed=2.
 */
#ifndef REVERIE_STUDY_H
#define REVERIE_STUDY_H

#include "reverie/runner.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- a study ---- */

typedef struct rv_study_request {
    const char *path;            /* of the study file */
    const char *folder;          /* of its runs and its report; made by the first run */
    const char *const *settings; /* key=value, over the study's `settings`; [setting_count] */
    int setting_count;
    const char *const *recipe_directories; /* where `base` is looked for */
    int recipe_directory_count;
    const char *const *data_directories;
    int data_directory_count;
    int64_t seeds; /* 1 to `seeds` instead of the file's; 0: the file's */
} rv_study_request;

typedef enum rv_study_state {
    RV_STUDY_TO_RUN,
    RV_STUDY_TO_RESUME, /* stopped before its end, or the study asks for more epochs now */
    RV_STUDY_DONE
} rv_study_state;

/* A run of the study; the texts are owned by the study. */
typedef struct rv_study_entry {
    const char *cell;   /* "beta=0.1"; "base" when nothing varies */
    const char *name;   /* of its folder: "beta=0.1,seed=2" */
    const char *folder; /* with the study's folder before it */
    int cell_index;
    int64_t seed;
    rv_study_state state;
    int64_t epoch, epochs; /* trained, as its checkpoints say, and in all */
    double seconds;        /* estimate of what is left; NaN before rv_study_estimate */
    rv_status status;      /* RV_OK, or why rv_study_run could not finish it */
    const char *message;   /* "" or the reason in words */
} rv_study_entry;

typedef struct rv_study rv_study;

/* Reads the file, resolves every run and looks at the folders there are.  RV_BAD_USAGE, with file
 * and line: unknown keys, empty lists, values that do not parse, cells that are equal, a folder
 * that was trained with other settings (more train.epochs are fine).  RV_BAD_FILE: no such file or
 * base.  The caller frees the study, before the context. */
rv_status rv_study_open(rv_context *context, const rv_study_request *request, rv_study **out);
void rv_study_free(rv_study *study); /* NULL is ignored */
/* Makes the model of every cell, on its data, and lets go of it: what can be refused is refused
 * before anything is trained. */
rv_status rv_study_check(rv_study *study);

const char *rv_study_name(const rv_study *study);
const char *rv_study_about(const rv_study *study); /* "" when it has none */
const char *rv_study_folder(const rv_study *study);
int rv_study_count(const rv_study *study); /* of runs */
int rv_study_cells(const rv_study *study);
/* In the order of cells, then seeds; 0 <= index < rv_study_count. */
rv_study_entry rv_study_at(const rv_study *study, int index);

/* Fills `seconds` of every run that is not done: from the times of finished runs whose model and
 * data are as large, else from a few training steps, taken aside. */
rv_status rv_study_estimate(rv_study *study);

/* Locks the folder (RV_BAD_USAGE, naming the process, where another one has it) until the study is
 * freed, and trains what is not done, the first seed of every cell first.  A run that fails is
 * noted and the next one begins; the first failure is latched at the end.  RV_INTERRUPTED when the
 * listener (NULL: nobody) said stop: the run is saved, and the study goes on from there when it is
 * called again. */
rv_status rv_study_run(rv_study *study, const rv_listener *listener);

/* ---- what came out ---- */

/* A value over the seeds of a cell. */
typedef struct rv_spread {
    int count;        /* finite values */
    double mean;      /* NaN for none */
    double deviation; /* sqrt(sum (v - mean)^2 / (count - 1)); NaN for fewer than two */
} rv_spread;
rv_spread rv_spread_of(const double *values, int count);

typedef struct rv_study_row {
    const char *cell;
    int runs, done; /* all, and those whose values are here */
    int is_best; /* by the mean of what the model selects by; no row when cells have other data */
    rv_spread value[RV_METRICS_MOST];
} rv_study_row;

/* The evaluated values of every cell: of the last weights, on the test images (the validation
 * images where there are none); of a model without an evaluation, the training means of its last
 * epoch. */
typedef struct rv_study_table {
    const char *split;  /* "test", "validation", "train"; "" when no run is done */
    const char *best;   /* the value that is_best goes by; NULL: none */
    const char *varies; /* a data setting in which cells differ, so that numbers do not compare */
    int value_count;
    const char *name[RV_METRICS_MOST];
    const rv_study_row *row; /* [row_count], by cell */
    const rv_values *list;   /* the same as lists: `cell`, `runs`, each value with its deviation */
    int row_count;
} rv_study_table;

/* Evaluates the runs that are done and were not evaluated before.  The table is owned by the study
 * and valid until the next call. */
rv_status rv_study_results(rv_study *study, const rv_study_table **out);
/* Writes report.html, self-contained, and report.json. */
rv_status rv_study_write_report(rv_study *study);
/* report.json as text; the caller frees it with rv_study_text_free.  NULL on failure. */
char *rv_study_json(rv_study *study);
void rv_study_text_free(char *text);

/* ---- studies by name ---- */

/* As rv_recipe_find, in the folders `studies` of the recipe directories. */
rv_status rv_study_find(rv_context *context, const char *name, const char *const *directories,
                        int directory_count, char *path, size_t bytes);
/* As rv_recipe_list there; freed with rv_recipe_list_free. */
rv_status rv_study_list(rv_context *context, const char *const *directories, int directory_count,
                        rv_recipe **studies, int *count);

#ifdef __cplusplus
}
#endif
#endif
