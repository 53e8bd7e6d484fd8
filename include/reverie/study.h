/* reverie/study.h - floor 6: studies: a base recipe, settings that vary, repeats over seeds.
 *
 *     rv_study_request request = {"recipes/studies/lab3-beta.yaml", "runs/lab3-beta"};
 *     rv_study *study;
 *     rv_study_open(context, &request, &study);  // resolves every run; trains nothing
 *     rv_study_run(study, NULL);                 // trains missing runs, resumes stopped ones
 *     rv_study_write_report(study);              // report.html and report.json in the folder
 *     rv_study_free(study);
 *
 * A study is YAML: `about`, `base` (a recipe), `settings` (for all runs), `grid` (key: list of
 * values; every combination is a cell), `cases` (name: settings that change together), `seeds` (how
 * many, or a list), `importance` ({samples: K, images: N}: the report has L_K of the first N test
 * images of each run, and the gap between it and the ELBO of the same draws).  Each cell and seed
 * is an ordinary run folder, FOLDER/beta=0.1,seed=2.
 */
#ifndef REVERIE_STUDY_H
#define REVERIE_STUDY_H

#include "reverie/runner.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- a study ---- */

typedef struct rv_study_request {
    const char *path;            /* the study file */
    const char *folder;          /* for its runs and its report; the first run makes it */
    const char *const *settings; /* key=value, overrides the study's `settings`; [setting_count] */
    int setting_count;
    const char *const *recipe_directories; /* where to search for `base` */
    int recipe_directory_count;
    const char *const *data_directories;
    int data_directory_count;
    int64_t seeds; /* 1 to `seeds` instead of the file's; 0: the file's */
} rv_study_request;

typedef enum rv_study_state {
    RV_STUDY_TO_RUN,
    RV_STUDY_TO_RESUME, /* stopped before its end, or the study now has more epochs */
    RV_STUDY_DONE
} rv_study_state;

/* A run of the study; the study owns the texts. */
typedef struct rv_study_entry {
    const char *cell;   /* "beta=0.1"; "base" when nothing varies */
    const char *name;   /* name of its folder: "beta=0.1,seed=2" */
    const char *folder; /* path: the study's folder and the name */
    int cell_index;
    int64_t seed;
    rv_study_state state;
    int64_t epoch, epochs; /* trained, by its checkpoints, and in all */
    double seconds;        /* estimate of the remaining time; NaN before rv_study_estimate */
    rv_status status;      /* RV_OK, or why rv_study_run could not finish it */
    const char *message;   /* "" or the reason in words */
} rv_study_entry;

typedef struct rv_study rv_study;

/* Reads the file, resolves every run and checks the existing folders.  RV_BAD_USAGE, with file and
 * line: unknown keys, empty lists, values that do not parse, equal cells, a folder that was trained
 * with other settings (more train.epochs are fine), a folder with the report of another study.
 * RV_BAD_FILE: no such file or base.  The caller frees the study, before the context. */
rv_status rv_study_open(rv_context *context, const rv_study_request *request, rv_study **out);
void rv_study_free(rv_study *study); /* NULL is ignored */
/* Builds and discards the model of every cell, on its data, so that bad settings are reported
 * before the training. */
rv_status rv_study_check(rv_study *study);

/* Texts are owned by the study. */
const char *rv_study_name(const rv_study *study);
const char *rv_study_about(const rv_study *study); /* "" when it has none */
const char *rv_study_folder(const rv_study *study);
int rv_study_count(const rv_study *study); /* number of runs */
int rv_study_cells(const rv_study *study);
/* In the order of cells, then seeds; 0 <= index < rv_study_count. */
rv_study_entry rv_study_at(const rv_study *study, int index);

/* Fills `seconds` of every run that is not done: from the times of finished runs of the same size,
 * else from a few training steps outside the run folder. */
rv_status rv_study_estimate(rv_study *study);

/* Trains the runs that are not done, the first seed of every cell first.  Locks the folder until
 * the study is freed (RV_BAD_USAGE, with the process, if another one has locked it).  When a run
 * fails, its entry records this and the next run begins; at the end the first failure is latched.
 * RV_INTERRUPTED when the listener (may be NULL) stops the study: the run is saved, and the next
 * call continues from there. */
rv_status rv_study_run(rv_study *study, const rv_listener *listener);

/* Opens the last checkpoint of each run that has one, as resuming or evaluating the run would; its
 * entry records a failure. */
rv_status rv_study_check_weights(rv_study *study);

/* Latches the first failure among the entries, of training or of evaluating a run; RV_OK: none. */
rv_status rv_study_failures(rv_study *study);

/* ---- results ---- */

/* A value over the seeds of a cell. */
typedef struct rv_spread {
    int count;        /* finite values */
    double mean;      /* NaN for none */
    double deviation; /* sqrt(sum (v - mean)^2 / (count - 1)); NaN for fewer than two */
} rv_spread;
rv_spread rv_spread_of(const double *values, int count);

typedef struct rv_study_row {
    const char *cell;
    int runs, done; /* all, and those with values here */
    int is_best;    /* by the mean of the selection value; 0 when cells differ in their data */
    rv_spread value[RV_METRICS_MOST];
} rv_study_row;

/* The values of every cell: an evaluation of the last weights on the test images (on the validation
 * images if there are none); for a model without evaluation, the training means of the last
 * epoch. */
typedef struct rv_study_table {
    const char *split;  /* "test", "validation", "train"; "" when no run is done */
    const char *best;   /* the value that decides is_best; NULL: none */
    int best_is_least;  /* whether the best mean is the smallest */
    const char *varies; /* a data setting in which cells differ, so that numbers do not compare */
    int value_count;
    const char *name[RV_METRICS_MOST];
    const rv_study_row *row; /* [row_count], by cell */
    const rv_values *list;   /* the same as lists: `cell`, `runs`, each value with its deviation */
    int row_count;
    int uneven; /* cells differ in the number of their runs with values */
} rv_study_table;

/* Evaluates the finished runs that have no evaluation yet.  A run that cannot be evaluated, such as
 * one with corrupt checkpoints, is left out, and its entry records this.  The study owns the table,
 * which is valid until the next call. */
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
