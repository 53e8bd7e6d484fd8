/* The inside of a trainer, for this room. */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include "reverie/train.h"

#include "core/arena.h"

enum { VALUES_MOST = RV_METRICS_MOST + 2 };

/* Means over steps, weighted by the examples of each; sums are kept in double, in order. */
typedef struct running {
    int count;
    const char *name[VALUES_MOST];
    double sum[VALUES_MOST], weight;
} running;

/* One training iteration, compiled for one batch size. */
typedef struct iteration_program {
    int64_t batch;
    rv_graph *graph;
    rv_program *program;
    int count;
    const char *name[VALUES_MOST]; /* of the outputs */
    int stages;
    char rate_input[RV_STAGES_MOST][64], step_input[RV_STAGES_MOST][64];
} iteration_program;

struct rv_trainer {
    rv_context *context;
    rv_trainer_setup setup;
    rv_loader *loader;
    rv_evaluator *evaluator;
    iteration_program whole, last; /* of a whole batch, and of the short last one */
    rv_arena names;
    int64_t batches; /* in an epoch */
    int64_t step, epoch, batch;
    running window, of_epoch; /* since the last event; of this epoch so far */
    double best;
    int64_t best_epoch;
    int dropped_said;
    char last_path[4096]; /* the newest checkpoint, "" when none */
};

/* program.c: the compiled iteration for a batch of that size. */
rv_status train_program(rv_trainer *trainer, int64_t batch, iteration_program **out);
void train_program_free(iteration_program *program);
/* checkpoint.c: saves into setup.folder under the step's name; the last few and the best stay. */
rv_status train_checkpoint(rv_trainer *trainer, int is_best);
/* Removes the checkpoints of later steps, which training from here gives up. */
void train_drop_newer(const rv_trainer *trainer);
/* The newest checkpoint written by this trainer, "" when none: for messages. */
const char *train_last_checkpoint(const rv_trainer *trainer);

#endif
