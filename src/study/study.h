/* The inside of a study, for this room. */
#ifndef STUDY_STUDY_H
#define STUDY_STUDY_H

#include "core/arena.h"
#include "reverie/figures.h"
#include "reverie/study.h"
#include "run/run.h"

/* One setting as a small YAML document whose line numbers are those of the study file. */
typedef struct study_setting {
    const char *key;      /* "objective.beta" */
    const char *value;    /* in YAML's flow style */
    const char *document; /* NULL: `key=value` of the command line, in `value` */
    int line;
    struct study_setting *next;
} study_setting;

/* A key of `grid` with its values, in a list. */
typedef struct study_axis {
    const char *key, *label; /* "objective.beta", "beta" */
    int line, count;
    study_setting *first; /* one a value */
    struct study_axis *next;
} study_axis;

typedef struct study_case {
    const char *name;
    int line;
    study_setting *first;
    struct study_case *next;
} study_case;

/* The file as it was read. */
typedef struct study_plan {
    const char *path, *name, *about, *base; /* base: the path of the recipe */
    study_setting *settings, *overrides;
    study_axis *axes;
    study_case *cases;
    const int64_t *seed; /* [seed_count] */
    int seed_count;
    int64_t samples, images; /* of the importance-weighted bound of each run; 0: none; all images */
} study_plan;

typedef struct study_values {
    char split[16];
    char chosen[48];         /* the value that selects the best weights of the model; "" for none */
    int chooses_least;       /* whether the smallest is the best */
    char checkpoint[64];     /* the checksum of the evaluated weights */
    int64_t samples, images; /* of the importance-weighted bound, as in the plan */
    rv_values list;          /* empty: not evaluated */
} study_values;

typedef struct study_run {
    rv_study_entry entry;
    const char *text; /* the resolved configuration */
    study_values values;
} study_run;

typedef struct study_cell {
    const char *label;  /* "beta=0.1"; "" when nothing varies */
    const char *origin; /* "study.yaml:7", for messages */
    const char *data;   /* the group `data` of its configuration */
} study_cell;

struct rv_study {
    rv_context *context;
    rv_arena arena;
    study_plan plan;
    const char *folder;
    rv_experiment_place place;
    study_cell *cell; /* [cell_count] */
    int cell_count;
    study_run *run; /* [cell_count * seed_count], by cell, then seed */
    int run_count;
    int checked;
    /* Excludes other processes while the study runs or writes its report; the list of its files. */
    rv_lock *lock;
    rv_ledger *ledger;
    rv_study_row *row;
    rv_values list; /* the lists of the table, within it */
    rv_study_table table;
};

/* study.c: makes the folder and locks it until the study is freed; RV_BAD_USAGE if another process
 * holds it, or if its report would replace a file that is not the study's. */
rv_status study_enter(rv_study *study);

enum { STUDY_RUNS_MOST = 1000, STUDY_NAME_MOST = 200 };

/* file.c: reads the file into a plan. */
rv_status study_plan_read(rv_study *study, const rv_study_request *request);
/* cells.c: every combination, named and resolved, into the cells and runs. */
rv_status study_expand(rv_study *study);
/* state.c: the state of the folders; RV_BAD_USAGE if they hold anything else. */
rv_status study_look(rv_study *study, study_run *run);

/* state.c: the place of the run, and the directories of its data. */
rv_experiment_place study_place(const rv_study *study, const study_run *run);
/* state.c: opens a finished run, with its last weights. */
rv_status study_open_run(rv_study *study, const study_run *run, rv_experiment **out);
/* state.c: the configuration of a run; the caller frees it in any case. */
rv_status study_config(rv_context *context, const study_run *run, rv_config **config);
/* state.c: opens a split of the data in such settings. */
rv_status study_open_source(rv_study *study, const rv_settings *settings, rv_split split,
                            rv_source **source);

/* curves.c: learning curves of all cells, for the page. */
rv_status study_add_curves(rv_study *study, rv_page *page);
/* values.c: adds a value and copies its name, unless there are RV_METRICS_MOST. */
void study_add_value(rv_values *list, const char *name, double value);
/* values.c: evaluates a finished run, unless `values` are those of its weights. */
rv_status study_evaluate(rv_study *study, study_run *run);
/* train.c: moves the latched failure of a run into its entry, so that the others continue; a lack
 * of memory stays a failure. */
rv_status study_note_failure(rv_study *study, study_run *run);
/* json.c: reads the values of an earlier report.json; ignores any other file.  RV_BAD_USAGE for the
 * report of another study. */
rv_status study_values_recall(rv_study *study);

#endif
