/* The inside of a trainer, for this room. */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include "reverie/train.h"

#include "core/arena.h"
#include "train/recorder.h"

enum { VALUES_MOST = RV_EVENT_VALUES_MOST, NAME_MOST = 64, ORDER_TEXT = 160 };

/* Means over steps, weighted by the number of examples; sums are in double, in order. */
typedef struct running {
    int count;
    const char *name[VALUES_MOST];
    double sum[VALUES_MOST], weight[VALUES_MOST];
} running;

/* One stage of a compiled turn. */
typedef struct stage_inputs {
    char rate[NAME_MOST], step[NAME_MOST]; /* names of the stage's inputs */
    double factor;                         /* for the learning rate */
    int loss;                              /* index of the output with its loss */
} stage_inputs;

/* One turn of a training iteration, compiled for one batch size. */
typedef struct turn_program {
    int64_t batch;
    rv_graph *graph;
    rv_program *program;
    int count;
    const char *name[VALUES_MOST]; /* names of the outputs */
    stage_inputs stage[RV_STAGES_MOST];
    int stages;
} turn_program;

/* The images with labels, for a model that learns only from them or in addition to the others. */
typedef struct labelled_images {
    int64_t *position;   /* [count] in the training source; NULL: not used */
    int64_t count, rows; /* rows: of the additional labelled batch; 0: none */
    rv_loader *loader;
    rv_batch batch; /* for this step */
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
    turn_program compiled[RV_TURNS_MOST][2]; /* for a whole batch, and for the short last one */
    rv_arena names;
    rv_ledger *files; /* the list with the checkpoints; NULL without a folder */
    int owns_files, has_saved;
    int64_t images;            /* in an epoch */
    int64_t whole;             /* images of a whole batch: at most all images */
    int64_t batches;           /* in an epoch, for that size */
    int64_t step, epoch, seen; /* seen: images of this epoch so far */
    running window, of_epoch;  /* since the last event; of this epoch so far */
    double best;
    int64_t best_epoch;
    double rate; /* learning rate of the last step of this epoch */
    int dropped_said, zero_said, held_out_said;
    char last_path[4096]; /* the newest checkpoint, "" if none: for messages */
};

/* labelled_batches.c: selects the labelled images, and refuses settings that do not fit; opens
 * their loader at the trainer's step. */
rv_status train_labels_open(rv_trainer *trainer);
rv_status train_labels_start(rv_trainer *trainer);

/* rate.c: refuses impossible schedules, and warns of ineffective ones. */
rv_status train_check_rate(rv_trainer *trainer);
/* Steps of the whole training; the fractional epoch, and the learning rate, for a batch of this
 * epoch; the model's scalars at the next step, and their number. */
int64_t train_steps(const rv_trainer *trainer);
double train_epoch(const rv_trainer *trainer);
double train_rate(const rv_trainer *trainer);
int train_scalars(const rv_trainer *trainer, rv_scalar_input out[RV_SCALARS_MOST]);
/* Warns, once, if the rate is 0. */
void train_say_zero(rv_trainer *trainer, double rate);
/* For a checkpoint: the rates of the next step; and, for such a text, the rates that differ now. */
void train_rates_text(const rv_trainer *trainer, char *text, size_t bytes);
void train_say_changes(const rv_trainer *trainer, const char *saved);

/* compiled_turn.c: a compiled turn for a batch of that size. */
rv_status train_program(rv_trainer *trainer, int turn, int64_t batch, turn_program **out);
void train_program_free(turn_program *program);
/* checkpoint.c: saves into setup.folder under the step's name; keeps the last few and the best. */
rv_status train_checkpoint(rv_trainer *trainer, int is_best);
/* Removes the training's own checkpoints of steps after `newest`, and all but `keep` of the
 * others. */
void train_drop(const rv_trainer *trainer, int64_t newest, int64_t keep);
/* checkpoint.c: the text in a checkpoint that identifies the order of the images. */
void train_order(const rv_trainer *trainer, char text[ORDER_TEXT]);

#endif
