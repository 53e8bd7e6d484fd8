/* The inside of a trainer, for this room. */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include "reverie/train.h"

#include "core/arena.h"
#include "train/recorder.h"

enum { VALUES_MOST = RV_EVENT_VALUES_MOST, NAME_MOST = 64, ORDER_TEXT = 160 };

/* Means over steps, weighted by the examples of each; sums are kept in double, in order. */
typedef struct running {
    int count;
    const char *name[VALUES_MOST];
    double sum[VALUES_MOST], weight[VALUES_MOST];
} running;

/* One stage of a compiled turn. */
typedef struct stage_inputs {
    char rate[NAME_MOST], step[NAME_MOST]; /* names of its inputs */
    double factor;                         /* on the learning rate */
    int loss;                              /* which output is its loss */
} stage_inputs;

/* One turn of a training iteration, compiled for one batch size. */
typedef struct turn_program {
    int64_t batch;
    rv_graph *graph;
    rv_program *program;
    int count;
    const char *name[VALUES_MOST]; /* of the outputs */
    stage_inputs stage[RV_STAGES_MOST];
    int stages;
} turn_program;

/* The images with labels, for a model that learns from them alone or beside the others. */
typedef struct labelled_images {
    int64_t *position;   /* [count] in the training source; NULL: not asked for */
    int64_t count, rows; /* rows: of the batch beside each other one; 0: none */
    rv_loader *loader;
    rv_batch batch; /* of this step */
} labelled_images;

struct rv_trainer {
    rv_context *context;
    rv_trainer_setup setup;
    train_recorder recorder; /* zeroed: none */
    rv_loader *loader;
    labelled_images labelled;
    rv_evaluator *evaluator;
    rv_turn turn[RV_TURNS_MOST];
    int turns;
    turn_program compiled[RV_TURNS_MOST][2]; /* of a whole batch, and of the short last one */
    rv_arena names;
    rv_ledger *files; /* the checkpoints among others; NULL without a folder */
    int owns_files, has_saved;
    int64_t images;            /* in an epoch */
    int64_t whole;             /* images of a whole batch: no more than there are */
    int64_t batches;           /* in an epoch, of that size */
    int64_t step, epoch, seen; /* seen: images of this epoch so far */
    running window, of_epoch;  /* since the last event; of this epoch so far */
    double best;
    int64_t best_epoch;
    double rate; /* learning rate of the last step of this epoch */
    int dropped_said, zero_said, held_out_said;
    char last_path[4096]; /* the newest checkpoint, "" when none: for messages */
};

/* labels.c: which images are labelled, what does not fit refused; the loader of them from the step
 * at which the trainer stands. */
rv_status train_labels_open(rv_trainer *trainer);
rv_status train_labels_start(rv_trainer *trainer);

/* rate.c: schedules that cannot do what they say are refused, those that hardly will are told. */
rv_status train_check_rate(rv_trainer *trainer);
/* Steps of the whole training; the fractional epoch, and the learning rate, of a batch of this
 * epoch; the model's scalars at the next step, how many. */
int64_t train_steps(const rv_trainer *trainer);
double train_epoch(const rv_trainer *trainer);
double train_rate(const rv_trainer *trainer);
int train_scalars(const rv_trainer *trainer, rv_scalar_input out[RV_SCALARS_MOST]);
/* Warns, once, of a rate of 0. */
void train_say_zero(rv_trainer *trainer, double rate);
/* For a checkpoint: what the next step would have; and, of such a text, what is another now. */
void train_rates_text(const rv_trainer *trainer, char *text, size_t bytes);
void train_say_changes(const rv_trainer *trainer, const char *saved);

/* program.c: a compiled turn for a batch of that size. */
rv_status train_program(rv_trainer *trainer, int turn, int64_t batch, turn_program **out);
void train_program_free(turn_program *program);
/* checkpoint.c: saves into setup.folder under the step's name; the last few and the best stay. */
rv_status train_checkpoint(rv_trainer *trainer, int is_best);
/* Removes the training's own checkpoints of steps after `newest`, and all but `keep` before. */
void train_drop(const rv_trainer *trainer, int64_t newest, int64_t keep);
/* checkpoint.c: what the order of the images depends on, as a checkpoint says it. */
void train_order(const rv_trainer *trainer, char text[ORDER_TEXT]);

#endif
