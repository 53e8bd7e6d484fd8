/* reverie/run.h - floor 6: run folders: making one, opening one, what it holds.
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
 * report.html.  A reader needs the files alone.  reverie/runner.h trains into a folder,
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

/* Where a run is, and where its data are looked for. */
typedef struct rv_experiment_place {
    const char *folder;
    const char *const *data_directories; /* [data_directory_count] */
    int data_directory_count;
} rv_experiment_place;

/* What becomes of a folder that is there. */
enum {
    RV_CREATE_NEW,       /* one that holds a run is RV_BAD_USAGE */
    RV_CREATE_REPLACING, /* its run is replaced: set aside, and removed when this one has begun */
    RV_CREATE_NUMBERED   /* FOLDER-1, FOLDER-2, ...: the first that is not there is made */
};
/* Makes the folder, locks it and opens the data.  The run takes `config` over, also on failure.
 * Nothing that a run did not make is ever removed or written over: a folder in which something else
 * has the name of a run's file is RV_BAD_USAGE, and so is one that another process trains in.
 * Until its first step is taken a failure leaves everything as it was before. */
rv_status rv_experiment_create(rv_context *context, const rv_experiment_place *place,
                               rv_config *config, int how, rv_experiment **out);
/* Opens a run to train on: `settings` [count] are overrides (train.epochs=20).  The folder is
 * locked until the run is freed: RV_BAD_USAGE, naming the process, where another one has it. */
rv_status rv_experiment_resume(rv_context *context, const rv_experiment_place *place,
                               const char *const *settings, int count, rv_experiment **out);
/* Opens a run to look at: its model with the weights of a checkpoint: "last", "best", or a file;
 * `average`: their moving averages. */
rv_status rv_experiment_open(rv_context *context, const rv_experiment_place *place,
                             const char *checkpoint, int average, rv_experiment **out);
void rv_experiment_free(rv_experiment *run);
/* For a program that ends without coming back: a run that has taken no step leaves everything as it
 * was, another one gives its lock back.  The run is not to be used any more. */
void rv_experiment_abandon(rv_experiment *run);

rv_model *rv_experiment_model(rv_experiment *run);
const rv_settings *rv_experiment_settings(const rv_experiment *run);
const char *rv_experiment_folder(const rv_experiment *run);
/* A split of the run's data, opened once; NULL on failure.  Owned by the run. */
rv_source *rv_experiment_source(rv_experiment *run, rv_split split);
/* The split that is looked at where none is named: test, or where the data set keeps no test images
 * the one that was held out, else train. */
rv_status rv_experiment_split(rv_experiment *run, rv_split *split);
/* The names of the run's classes, [*count]: the labels of the data's files, or the names of their
 * folders.  Owned by the run; NULL, with *count 0, where it has none. */
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
    float *values; /* [count,D] in the range asked for; rv_io_free */
    int64_t count;
} rv_images;

/* Reads an .npy file of images of `sizes`: [N,H,W,C], [N,H,W], [N,D], and [N,1,H,W] for one channel
 * (the same values in the same order); bytes 0..255, which become low..high, or numbers in that
 * range.  On failure *out is zero: RV_BAD_FILE for a file that is missing or no such array or holds
 * values that are not finite, RV_BAD_USAGE for another size (both are told) or range. */
rv_status rv_images_load(rv_context *context, const char *path, rv_data_sizes sizes,
                         rv_images *out);
/* The sizes of a run's images, with the range that they have when data.normalize moves it. */
rv_data_sizes rv_experiment_sizes(rv_experiment *run);

/* ---- settings and values of run folders ---- */

typedef struct rv_run_setting {
    char *key, *value; /* "train.lr", as it stands in YAML */
} rv_run_setting;
/* Every setting of a run folder, in the order of config.yaml; freed with rv_run_settings_free. */
rv_status rv_run_settings_read(rv_context *context, const char *folder, rv_run_setting **settings,
                               int *count);
void rv_run_settings_free(rv_run_setting *settings, int count);
/* The first setting that makes the numbers of two runs incomparable, since their images or the
 * pixels of these are others: data.name, data.classes, data.pixels, ...  Static; NULL: none. */
const char *rv_run_data_differ(const rv_run_setting *a, int a_count, const rv_run_setting *b,
                               int b_count);

/* The checksum of the images of a split ("validation") that the run was made with, as its data.json
 * has it; "" where that is not known.  A run whose data are not known compares with others of which
 * that is so too. */
rv_status rv_run_fingerprint_read(rv_context *context, const char *folder, const char *split,
                                  char text[33]);

enum { RV_RUN_VALUES_MOST = 3 * RV_EVENT_VALUES_MOST };
typedef struct rv_run_value {
    char split[16], name[48]; /* "validation", "elbo" */
    double last;              /* NaN when it was not finite */
    double least, most;       /* over the training */
} rv_run_value;
/* What metrics.jsonl of a run folder says: where the training stands, and the epochs' and the
 * evaluations' values, in the order they are logged. */
typedef struct rv_run_summary {
    int64_t step, epoch;
    int64_t epoch_step; /* the step at which the last epoch ended */
    int count;
    rv_run_value value[RV_RUN_VALUES_MOST];
} rv_run_summary;
/* A run that has logged nothing yet has no values.  RV_BAD_FILE when the folder holds no run. */
rv_status rv_run_summary_read(rv_context *context, const char *folder, rv_run_summary *out);
/* The held-out value that a run chooses its best weights by, as its training wrote it. */
typedef struct rv_run_selection {
    int is_known;             /* 0: the run does not say, as older ones do not */
    char split[16], name[48]; /* "validation", "elbo"; name "": it chooses by nothing */
    int smaller_is_better;
} rv_run_selection;
/* What env.json of a run folder says.  A file that is missing or cannot be read leaves it unknown;
 * RV_NO_MEMORY is the only failure. */
rv_status rv_run_selection_read(rv_context *context, const char *folder, rv_run_selection *out);
/* The logged value of that name; of a run that does not say, the one that every model of its time
 * chose by: the importance bound where training maximises it, else the accuracy, else the ELBO, on
 * validation images where there are any.  NULL when it was not logged. */
const rv_run_value *rv_run_summary_chosen(const rv_run_summary *summary,
                                          const rv_run_selection *selection,
                                          const rv_run_setting *settings, int count);
/* The best of that value over the training. */
double rv_run_value_best(const rv_run_value *value, const rv_run_selection *selection);
/* NULL when it was not logged. */
const rv_run_value *rv_run_summary_find(const rv_run_summary *summary, const char *split,
                                        const char *name);

#ifdef __cplusplus
}
#endif
#endif
