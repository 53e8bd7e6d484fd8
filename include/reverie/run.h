/* reverie/run.h - floor 6: run directories: training into one, opening one, its pictures.
 *
 *     rv_experiment_place place = {"runs/l1", directories, 1};
 *     rv_experiment *run;
 *     rv_experiment_create(context, &place, config, RV_CREATE_NEW, &run);
 *     rv_experiment_train(run, NULL, &watcher);                  // RV_INTERRUPTED: resumable
 *     rv_experiment_free(run);
 *
 *     rv_experiment_open(context, &place, "last", 0, &run);      // later, perhaps elsewhere
 *     rv_image *grid = rv_experiment_samples(run, 64, 1);
 *
 * A folder holds config.yaml, metrics.jsonl, timing.jsonl, env.json, checkpoints/, samples/ and
 * report.html.  A reader needs the files alone.
 */
#ifndef REVERIE_RUN_H
#define REVERIE_RUN_H

#include "reverie/config.h"
#include "reverie/train.h"
#include "reverie/viz.h"

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

/* Told of progress during training; any member may be NULL. */
typedef struct rv_watcher {
    void *user;
    void (*step)(void *user, const rv_progress *progress);
    void (*event)(void *user, const rv_event *event);
    int (*stop)(void *user);
    void (*alarm)(void *user, const rv_event *event, const rv_alarm *alarm); /* when it begins */
} rv_watcher;

/* Trains to the last epoch, from `checkpoint` of a resumed run (NULL: its newest) or from the
 * beginning, writing events, pictures and checkpoints; then the report.  As rv_trainer_run. */
rv_status rv_experiment_train(rv_experiment *run, const char *checkpoint,
                              const rv_watcher *watcher);

/* ---- pictures; NULL on failure, else the caller's ---- */

/* n images decoded from the prior, a grid of 8 a row. */
rv_image *rv_experiment_samples(rv_experiment *run, int count, uint64_t seed);
/* Rows of originals, each with its reconstruction (the decoded posterior mean) below. */
rv_image *rv_experiment_reconstructions(rv_experiment *run, rv_split split, int count);
/* `rows` lines between two draws of the prior, `steps` images each, ends included. */
rv_image *rv_experiment_interpolations(rv_experiment *run, int rows, int steps, uint64_t seed);
/* n x n decoded latents over [-extent, extent]^2; a model with two latents. */
rv_image *rv_experiment_manifold(rv_experiment *run, int n, double extent);

/* ---- of a model with classes (m2, m1-m2, adgm); RV_BAD_USAGE for another ---- */

/* In the other pictures, samples have the classes in rotation, row r of interpolations has class
 * r mod classes, the manifold is of class 0, and what begins at an image has its likeliest
 * class. */

/* n images of one class, decoded from the prior, a grid of 8 a row. */
rv_image *rv_experiment_class_samples(rv_experiment *run, int count, uint64_t seed, int of_class);
/* Rows are the classes; each column is one draw of z. */
rv_image *rv_experiment_classes_image(rv_experiment *run, int columns, uint64_t seed);
/* Rows are the first images of a split: the image, and its z (the posterior mean) in each class. */
rv_image *rv_experiment_style_image(rv_experiment *run, rv_split split, int rows);

/* L1's traversal: the latent of an image, one coordinate changed from `from` to `to`. */
typedef struct rv_traversal {
    rv_split split; /* whose image */
    int64_t image, dim;
    double from, to;
    int in_sigmas; /* from and to are in sigmas around the mean, else plain values */
    int steps, columns, enlarge;
} rv_traversal;
rv_traversal
rv_traversal_defaults(void); /* test image 0, dim 0, -3 to 3 sigmas, 20 steps, 5 x 4, 4x */
/* Its images [steps,D] and the values [steps] that the coordinate takes; both are the caller's. */
rv_status rv_experiment_walk(rv_experiment *run, const rv_traversal *traversal, float *images,
                             float *values);
/* The collage of such images. */
rv_image *rv_traversal_image(rv_experiment *run, const rv_traversal *traversal,
                             const float *images);
/* Both at once. */
rv_image *rv_experiment_traversal(rv_experiment *run, const rv_traversal *traversal);

/* Posterior means of the first `count` images of a split, coloured by class: the two latents, or
 * the two of largest variance when there are more. */
rv_chart *rv_experiment_latent_chart(rv_experiment *run, rv_split split, int64_t count);
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
/* Curves from metrics.jsonl: one chart of the values of a kind, training and held-out.
 * RV_BAD_USAGE when the run logs none of them. */
rv_chart *rv_experiment_curves_of(rv_experiment *run, rv_curves which);
/* The losses. */
rv_chart *rv_experiment_curves(rv_experiment *run);

/* Posterior means and deviations [count,Z] of the first `count` images of a split. */
rv_status rv_experiment_encode(rv_experiment *run, rv_split split, int64_t count, float *mean,
                               float *deviation);

/* Evaluates a split. */
rv_status rv_experiment_evaluate(rv_experiment *run, rv_split split, uint64_t seed,
                                 rv_report *report);

/* ---- snapshots: 24 images from one fixed noise, as they were during the training ---- */

/* One is kept after each epoch and every train.snapshots steps, in samples/snapshots: images of the
 * prior's first 24 draws, so that image k is of the same noise in each. */
enum { RV_SNAPSHOT_IMAGES = 24 };

typedef struct rv_snapshot_collage {
    int64_t image;     /* which of the 24 */
    int rows, columns; /* 0: 3 x 38 where there are so many snapshots, else 5 x 5 */
    int enlarge;       /* pixels a pixel */
} rv_snapshot_collage;
rv_snapshot_collage rv_snapshot_collage_defaults(void); /* image 0, 4x */
/* One image over the training, in rows x columns snapshots evenly spaced, the first and the last
 * included; drawn by rv_collage.  Where there are fewer snapshots, each is shown once, with a
 * notice.  NULL, with RV_BAD_FILE, when the run kept none.  `collage` may be NULL. */
rv_image *rv_experiment_collage(rv_experiment *run, const rv_snapshot_collage *collage);
/* One image of the snapshot of a step (-1: the last), enlarged. */
rv_image *rv_experiment_snapshot(rv_experiment *run, int64_t image, int64_t step, int enlarge);

typedef struct rv_snapshot_animation {
    int64_t image; /* which of the 24; -1: all, as a sheet of 4 x 6 */
    int enlarge;   /* 0: 4 for one image, 2 for a sheet */
    int delay;     /* milliseconds a snapshot */
} rv_snapshot_animation;
rv_snapshot_animation rv_snapshot_animation_defaults(void); /* all, 80 ms */
/* All snapshots as an animated GIF; the file appears whole or not at all. */
rv_status rv_experiment_animation(rv_experiment *run, const char *path,
                                  const rv_snapshot_animation *animation);

/* ---- a classifier of another run ---- */

/* A trained classifier, to label images and to give the features in which they are compared. */
typedef struct rv_classifier rv_classifier;

/* Opens the run of a classifier with the weights of `checkpoint` ("last", "best", or a file) for
 * images of `sizes`, its low and high included: images of another range than the classifier was
 * trained on are converted.  It has a context of its own; failures are latched in `context`, which
 * must outlive it.  RV_BAD_USAGE: a run that does not classify, images of another size, or, unless
 * `data_name` is NULL, a classifier that was trained on other data. */
rv_status rv_classifier_open(rv_context *context, const rv_experiment_place *place,
                             const char *checkpoint, rv_data_sizes sizes, const char *data_name,
                             rv_classifier **out);
void rv_classifier_free(rv_classifier *classifier); /* NULL is ignored */
int rv_classifier_classes(const rv_classifier *classifier);
int64_t rv_classifier_feature_width(const rv_classifier *classifier);
/* The run's folder; owned by the classifier. */
const char *rv_classifier_name(const rv_classifier *classifier);
/* What the class of a number is called, "7" or the name of a folder; owned by the classifier.  NULL
 * outside [0, classes). */
const char *rv_classifier_class(const rv_classifier *classifier, int number);
/* images [count,D] -> probabilities [count,classes]. */
rv_status rv_classifier_probabilities(rv_classifier *classifier, const float *images, int64_t count,
                                      float *probabilities);
/* The same by evidence: softmax over the classes of a bound of log p(x, y).  RV_BAD_USAGE for a
 * model that has none. */
rv_status rv_classifier_evidence(rv_classifier *classifier, const float *images, int64_t count,
                                 float *probabilities);
/* The likeliest class of one image's probabilities [classes], the first of equals. */
int rv_classifier_likeliest(const rv_classifier *classifier, const float *probabilities);
/* images [count,D] -> features [count,F], F being rv_classifier_feature_width. */
rv_status rv_classifier_features(rv_classifier *classifier, const float *images, int64_t count,
                                 float *features);

/* Writes report.html, and its pictures as PNG, into the folder. */
rv_status rv_experiment_write_report(rv_experiment *run);

#ifdef __cplusplus
}
#endif
#endif
