/* reverie/train.h - floor 5: the training loop, its events, and checkpoints.
 *
 *     rv_trainer_setup setup = {model, images, held_out, rv_train_defaults()};
 *     rv_trainer *trainer;
 *     rv_trainer_new(context, &setup, &trainer);
 *     rv_status status = rv_trainer_run(trainer);    // RV_INTERRUPTED: its listener stopped it
 *     rv_trainer_save(trainer, "last.safetensors");
 *     rv_trainer_free(trainer);
 *
 * A trainer that continues from a checkpoint takes exactly the steps that the first trainer would
 * have taken (on the same machine, with the same instruction set and thread count).
 */
#ifndef REVERIE_TRAIN_H
#define REVERIE_TRAIN_H

#include "reverie/data.h"
#include "reverie/eval.h"
#include "reverie/io.h"
#include "reverie/listener.h"
#include "reverie/model.h"
#include "reverie/optim.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rv_train_config {
    int64_t epochs;
    int64_t steps; /* stop after this number of training iterations; 0: no limit */
    uint64_t seed; /* initial weights, order of the images, noise */
    rv_optimizer_config optimizer;
    rv_schedule_config schedule; /* of the learning rate; its base rate is `lr` */
    double lr;
    double ema;   /* decay of the moving average of the weights; 0: none */
    int64_t log;  /* training iterations between two events */
    int64_t save; /* training iterations between two checkpoints within an epoch; 0: none */
    int64_t evaluate_batch;
    int64_t keep;      /* checkpoints to keep in addition to the best */
    int64_t snapshots; /* training steps between two snapshots of images; 0: only epochs */
} rv_train_config;
/* 10 epochs, Adam with learning rate 1e-3, seed 1. */
rv_train_config rv_train_defaults(void);

/* Events, for metrics.jsonl and the screen: means over the steps since the last event of the same
 * kind, in nats per example.  Training events also have `lr`, the learning rate of the last of
 * these steps (before the factor of a stage). */
typedef enum rv_event_kind {
    RV_EVENT_TRAIN, /* every `log` steps */
    RV_EVENT_EPOCH, /* the training means of a whole epoch */
    RV_EVENT_SPLIT  /* an evaluation on the held-out split: after an epoch, or at the last step if
                       train.steps ends the training within an epoch */
} rv_event_kind;

enum { RV_EVENT_VALUES_MOST = 2 * RV_METRICS_MOST };

typedef struct rv_event {
    rv_event_kind kind;
    int64_t step, epoch; /* steps taken; epochs finished */
    int in_epoch;        /* 1: a last evaluation within an unfinished epoch */
    const char *split;   /* "train", "validation", "test" */
    int count;
    const char *name[RV_EVENT_VALUES_MOST];
    double value[RV_EVENT_VALUES_MOST];
} rv_event;

/* ---- alarms ---- */

/* A problem of a training, in words, with the remedy. */
typedef struct rv_alarm {
    const char *name; /* static: "discriminator_saturated" */
    char cause[256];
} rv_alarm;

enum { RV_ALARMS_MOST = 8 };

/* Thresholds on the means of an event; src/train/alarms.c has the values of healthy trainings. */
#define RV_ALARM_REAL_SCORE      0.99 /* D(x) above this and */
#define RV_ALARM_FAKE_SCORE      0.01 /* D(G(z)) below: discriminator_saturated */
#define RV_ALARM_GRADIENT        1e-5 /* below: generator_gradient_vanished */
#define RV_ALARM_DIVERSITY       0.05 /* below, after so many steps: samples_collapsed */
#define RV_ALARM_DIVERSITY_STEPS 500  /* an untrained generator has no diversity */
#define RV_ALARM_AT_CLIP         0.95 /* above: critic_at_clip */

#define RV_ALARM_LEVEL_KL     0.05 /* nats of a level of latents below, after so many epochs: */
#define RV_ALARM_LEVEL_EPOCHS 3    /* levels_idle */
#define RV_ALARM_KL           0.1  /* nats of all latents below, after as many: latents_idle */

#define RV_ALARM_ALIKE  1e4  /* diversity above: images_alike */
#define RV_ALARM_BRIGHT 0.01 /* share of bright pixels in data that can raise samples_dim */
#define RV_RATE_LEAST   1e-6 /* share of train.lr; a warning if the rate falls below it */

/* Writes the alarms of one event, which depend only on its values; returns their number.
 * RV_EVENT_EPOCH, and RV_EVENT_TRAIN after the first epoch: for a model that reports real_score,
 * fake_score, generator_gradient, diversity or at_clip.  RV_EVENT_SPLIT: for a value that is not
 * finite, and for a model of several levels of latents. */
int rv_alarms(const rv_event *event, rv_alarm out[RV_ALARMS_MOST]);
/* The alarm samples_dim; returns 1 if it is raised: no pixel of samples [count,D] is in the upper
 * half of the range of `sizes`, but the share `bright` of the training pixels is (rv_bright_share).
 * Never before RV_ALARM_DIVERSITY_STEPS steps. */
int rv_alarm_of_samples(const float *samples, int64_t count, rv_data_sizes sizes, double bright,
                        int64_t step, rv_alarm *out);
/* The share of the pixels of the first few images that are in the upper half of their range. */
rv_status rv_bright_share(rv_context *context, rv_source *source, double *out);

typedef struct rv_trainer rv_trainer;

typedef struct rv_trainer_setup {
    rv_model *model;
    rv_source *train;
    rv_source *validation; /* evaluated after each epoch; NULL: none */
    rv_train_config config;
    rv_listener listener;    /* zeroed: nobody listens */
    const char *folder;      /* for checkpoints; NULL: none are written */
    rv_ledger *ledger;       /* lists the checkpoints; NULL: the folder's own.  Borrowed */
    const char *config_text; /* kept in checkpoints */
} rv_trainer_setup;

/* RV_BAD_USAGE when a model of this kind cannot be trained with data.labels and data.labelled_batch
 * of `source`, the training images; rv_trainer_new checks this too. */
rv_status rv_train_check_labels(rv_context *context, const rv_model_kind *kind,
                                const rv_source *source);

/* Makes a trainer, which the caller frees.  The setup is copied; its pointers must outlive the
 * trainer.  RV_BAD_USAGE for settings, labels or sizes that do not fit. */
rv_status rv_trainer_new(rv_context *context, const rv_trainer_setup *setup, rv_trainer **out);
void rv_trainer_free(rv_trainer *trainer); /* NULL is ignored */
/* Replaces the listener. */
void rv_trainer_listen(rv_trainer *trainer, rv_listener listener);

/* Compiles the programs, so that errors of a model on such batches appear before the first step. */
rv_status rv_trainer_prepare(rv_trainer *trainer);

/* Trains to the last epoch.  RV_OK; RV_INTERRUPTED after saving; RV_NOT_FINITE with the step, the
 * first bad node and the last checkpoint in the message, parameters as before the bad step. */
rv_status rv_trainer_run(rv_trainer *trainer);

/* The progress of the training. */
typedef struct rv_progress {
    int64_t step, steps;    /* taken, and in all */
    int64_t epoch, epochs;  /* finished, and in all */
    int64_t batch, batches; /* in this epoch */
    int64_t batch_size;
    int are_points; /* no images */
    int count;      /* number of running means of the epoch */
    const char *name[RV_EVENT_VALUES_MOST];
    double value[RV_EVENT_VALUES_MOST];
    double best; /* best held-out value so far; NaN when none */
    int64_t best_epoch;
} rv_progress;
rv_progress rv_trainer_progress(const rv_trainer *trainer);

/* Forgets the best held-out value, so that the next one is the best: for values that do not compare
 * with the earlier ones. */
void rv_trainer_forget_best(rv_trainer *trainer);

/* Whether this trainer has saved a checkpoint into setup.folder. */
int rv_trainer_has_saved(const rv_trainer *trainer);

/* One training step on the next batch, with the turns that are due: for benchmarks and tests. */
rv_status rv_trainer_step(rv_trainer *trainer);
/* Writes the turns of the model; returns their number. */
int rv_trainer_turns(const rv_trainer *trainer, rv_turn out[RV_TURNS_MOST]);
/* The program of a turn for a whole batch, compiled if necessary; owned by the trainer. */
rv_status rv_trainer_program(rv_trainer *trainer, int turn, rv_program **out);

/* ---- checkpoints ---- */

/* Writes everything that a run needs to continue: weights and buffers under their PyTorch names,
 * optimizer state, position, running means.  The file is complete or absent.  RV_IO_ERROR. */
rv_status rv_trainer_save(rv_trainer *trainer, const char *path);
/* Sets a new trainer to the state of a checkpoint.  *position: the length of the metrics at that
 * time, in bytes.  Later programs follow the tuning of the run (rv_context_follow_tuning), so load
 * before preparing.  RV_BAD_FILE for a file that is corrupt, or belongs to another model. */
rv_status rv_trainer_load(rv_trainer *trainer, const char *path, int64_t *position);

/* Loads the weights and buffers of a checkpoint into the model's store, by name.  `average` 1:
 * their moving averages instead.  RV_BAD_FILE for a file that is corrupt, or lacks a weight or
 * buffer of the model. */
rv_status rv_checkpoint_load(rv_model *model, const char *path, int average);
/* The sizes of the training images of a checkpoint, so that its model can be made without data. */
rv_status rv_checkpoint_sizes(rv_context *context, const char *path, rv_data_sizes *sizes);
/* The step of the newest checkpoint in a folder, by the names of the files (they are not read); -1
 * when there is none, or no folder.  RV_IO_ERROR, RV_NO_MEMORY: the folder cannot be read. */
rv_status rv_checkpoint_newest_step(rv_context *context, const char *folder, int64_t *step);
/* The same, with the number of epochs that this checkpoint has behind it; -1 if it does not say, or
 * is corrupt.  The file is read. */
rv_status rv_checkpoint_newest_epoch(rv_context *context, const char *folder, int64_t *step,
                                     int64_t *epoch);
/* The path of the newest valid checkpoint of a folder, or of the "best"; the caller frees it with
 * free().  Corrupt ones are skipped, with a notice.  RV_BAD_FILE when there is none. */
rv_status rv_checkpoint_find(rv_context *context, const char *folder, const char *which,
                             char **path);

#ifdef __cplusplus
}
#endif
#endif
