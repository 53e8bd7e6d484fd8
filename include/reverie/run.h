/* reverie/run.h - floor 6: run folders: making, opening and reading them.
 *
 *     rv_experiment_place place = {"runs/l1", directories, 1};
 *     rv_experiment *run;
 *     rv_experiment_create(context, &place, config, RV_CREATE_NEW, &run);
 *     rv_experiment_free(run);
 *
 *     rv_experiment_open(context, &place, "last", 0, &run);      // later, perhaps elsewhere
 *     rv_report report;
 *     rv_experiment_evaluate(run, RV_SPLIT_TEST, 1, &report);
 *
 * A folder holds config.yaml, metrics.jsonl, timing.jsonl, env.json, checkpoints/, samples/ and
 * report.html.  A reader needs only the files.  reverie/runner.h trains into a folder,
 * reverie/figures.h draws what a run learned, reverie/judge.h measures it.
 */
#ifndef REVERIE_RUN_H
#define REVERIE_RUN_H

#include "reverie/config.h"
#include "reverie/train.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rv_experiment rv_experiment;

/* The place of a run, and the places to search for its data. */
typedef struct rv_experiment_place {
    const char *folder;
    const char *const *data_directories; /* [data_directory_count] */
    int data_directory_count;
} rv_experiment_place;

/* The treatment of an existing folder. */
enum {
    RV_CREATE_NEW,       /* RV_BAD_USAGE if it holds a run */
    RV_CREATE_REPLACING, /* replaces its run, and removes it after the new one has begun */
    RV_CREATE_NUMBERED   /* makes the first of FOLDER-1, FOLDER-2, ... that does not exist */
};
/* Makes the folder, locks it and opens the data.  The run takes ownership of `config`, also on
 * failure; the caller frees the run.  Files that no run made are never removed or overwritten.
 * RV_BAD_USAGE for a folder where another file has the name of a run's file, and for one in which
 * another process trains.  A failure before the first step restores the previous state. */
rv_status rv_experiment_create(rv_context *context, const rv_experiment_place *place,
                               rv_config *config, int how, rv_experiment **out);
/* Opens a run for further training; `settings` [count] are overrides (train.epochs=20).  The folder
 * is locked until the run is freed; RV_BAD_USAGE when another process has locked it (the message
 * names the process). */
rv_status rv_experiment_resume(rv_context *context, const rv_experiment_place *place,
                               const char *const *settings, int count, rv_experiment **out);
/* Opens a run for reading: its model with the weights of a checkpoint, "last", "best", or a file.
 * `average` 1: with their moving averages.  RV_BAD_FILE for a folder or file that is missing or
 * corrupt.  The caller frees the run. */
rv_status rv_experiment_open(rv_context *context, const rv_experiment_place *place,
                             const char *checkpoint, int average, rv_experiment **out);
void rv_experiment_free(rv_experiment *run); /* NULL is ignored */
/* For a program that exits at once: a run without a step restores the previous state; any other run
 * releases its lock.  The run may not be used afterwards. */
void rv_experiment_abandon(rv_experiment *run);

/* Owned by the run. */
rv_model *rv_experiment_model(rv_experiment *run);
const rv_settings *rv_experiment_settings(const rv_experiment *run);
const char *rv_experiment_folder(const rv_experiment *run);
/* A split of the run's data, opened at the first call; owned by the run; NULL on failure. */
rv_source *rv_experiment_source(rv_experiment *run, rv_split split);
/* The default split: test; without test images the validation split, if there is one; else
 * train. */
rv_status rv_experiment_split(rv_experiment *run, rv_split *split);
/* The names of the run's classes, [*count]: the labels in the data files, or the names of their
 * folders.  Owned by the run; NULL, with *count 0, when it has no classes. */
const char *const *rv_experiment_classes(rv_experiment *run, int *count);
/* The number of the class of that name; -1, RV_BAD_USAGE with the names there are, for none. */
int rv_experiment_class(rv_experiment *run, const char *name);

/* Evaluates a split. */
rv_status rv_experiment_evaluate(rv_experiment *run, rv_split split, uint64_t seed,
                                 rv_report *report);

/* What a run logs, by how it is measured: losses; the two parts of a bound; a critic's distance and
 * penalty; scores from 0 to 1; the diversity of samples; lengths of gradients; the learning
 * rate; the rest. */
typedef enum rv_curves {
    RV_CURVES_LOSSES,
    RV_CURVES_RECONSTRUCTION,
    RV_CURVES_KL,
    RV_CURVES_DISTANCE,
    RV_CURVES_SCORES,
    RV_CURVES_DIVERSITY,
    RV_CURVES_GRADIENTS,
    RV_CURVES_RATE,
    RV_CURVES_OTHER,
    RV_CURVES_KINDS
} rv_curves;
#define RV_CURVES_CHOICES "losses|reconstruction|kl|distance|scores|diversity|gradients|rate|other"

/* ---- images from a file ---- */

typedef struct rv_images {
    float *values; /* [count,D] in the range of `sizes`; rv_io_free */
    int64_t count;
} rv_images;

/* Reads an .npy file of images of `sizes`: [N,H,W,C], [N,H,W], [N,D], and [N,1,H,W] for one channel
 * (the same values in the same order); bytes 0..255, which become low..high, or numbers in that
 * range.  RV_BAD_FILE for a file that is missing, is no such array, or has values that are not
 * finite; RV_BAD_USAGE for another size (the message has both) or range.  On failure *out is
 * zero. */
rv_status rv_images_load(rv_context *context, const char *path, rv_data_sizes sizes,
                         rv_images *out);
/* The sizes of a run's images; the range includes the effect of data.normalize. */
rv_data_sizes rv_experiment_sizes(rv_experiment *run);

/* ---- settings and values of run folders ---- */

typedef struct rv_run_setting {
    char *key, *value; /* "train.lr", and its value in YAML */
} rv_run_setting;
/* The configuration of a run folder, with the place of its data (rv_config_set_place); the caller
 * frees it.  RV_BAD_FILE, with the file's name, also for a config.yaml that does not resolve: a run
 * writes only what does. */
rv_status rv_run_config_read(rv_context *context, const char *folder, rv_config **out);
/* Every setting of a run folder, in the order of config.yaml; freed with rv_run_settings_free. */
rv_status rv_run_settings_read(rv_context *context, const char *folder, rv_run_setting **settings,
                               int *count);
void rv_run_settings_free(rv_run_setting *settings, int count);
/* The first setting that makes the numbers of two runs incomparable, since it changes the images or
 * their pixels: data.name, data.classes, data.pixels, ...  Static; NULL: none. */
const char *rv_run_data_differ(const rv_run_setting *a, int a_count, const rv_run_setting *b,
                               int b_count);

/* The checksum of the run's images of a split ("validation") from its data.json; "" when unknown.
 * Runs with unknown data compare only with each other. */
rv_status rv_run_fingerprint_read(rv_context *context, const char *folder, const char *split,
                                  char text[33]);

enum { RV_RUN_VALUES_MOST = 3 * RV_EVENT_VALUES_MOST };
typedef struct rv_run_value {
    char split[16], name[48]; /* "validation", "elbo" */
    double last;              /* NaN when it was not finite */
    double least, most;       /* over the training */
} rv_run_value;
/* The content of metrics.jsonl: the position of the training, and the values of epochs and
 * evaluations, in the order of the log. */
typedef struct rv_run_summary {
    int64_t step, epoch;
    int64_t epoch_step; /* the step at which the last epoch ended */
    int count;
    rv_run_value value[RV_RUN_VALUES_MOST];
} rv_run_summary;
/* Reads the summary.  A run that has not logged anything has no values.  RV_BAD_FILE when the
 * folder has no run. */
rv_status rv_run_summary_read(rv_context *context, const char *folder, rv_run_summary *out);
/* The held-out value that selects the best weights of a run, as recorded by its training. */
typedef struct rv_run_selection {
    int is_known;             /* 0: not recorded, as in older runs */
    char split[16], name[48]; /* "validation", "elbo"; name "": no selection */
    int smaller_is_better;
} rv_run_selection;
/* Reads the selection from env.json.  If the file is missing or unreadable, the value is unknown;
 * RV_NO_MEMORY is the only failure. */
rv_status rv_run_selection_read(rv_context *context, const char *folder, rv_run_selection *out);
/* The logged value of the selection.  For an older run without a record: the importance bound if
 * training maximises it, else the accuracy, else the ELBO; on validation images if there are any.
 * NULL when it was not logged. */
const rv_run_value *rv_run_summary_chosen(const rv_run_summary *summary,
                                          const rv_run_selection *selection,
                                          const rv_run_setting *settings, int count);
/* The best of this value during the training. */
double rv_run_value_best(const rv_run_value *value, const rv_run_selection *selection);
/* The value of that split and name; NULL when it was not logged. */
const rv_run_value *rv_run_summary_find(const rv_run_summary *summary, const char *split,
                                        const char *name);

#ifdef __cplusplus
}
#endif
#endif
