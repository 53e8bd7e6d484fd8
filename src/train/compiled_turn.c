/* A compiled turn of the training iteration: the model's losses, the optimizer's updates, the
 * averages. */
#include "train/trainer.h"

#include <stdio.h>
#include <string.h>

void train_program_free(turn_program *program)
{
    rv_program_free(program->program);
    rv_graph_free(program->graph);
    memset(program, 0, sizeof *program);
}

/* A turn under construction. */
typedef struct builder {
    rv_trainer *trainer;
    turn_program *program;
    rv_expr output[VALUES_MOST], guard;
} builder;

static void report(builder *b, const char *name, rv_expr value)
{
    turn_program *program = b->program;
    if (program->count == VALUES_MOST)
        return;
    b->output[program->count] = value;
    program->name[program->count++] = name;
}

static void guard(builder *b, rv_expr value)
{
    b->guard = b->guard ? rv_add(b->guard, value) : value;
}

/* The length of a clipped gradient is reported: for the only stage, or for each by name.  The
 * trainer keeps the name, because its means outlive a program. */
static const char *name_of_gradient(rv_trainer *trainer, const rv_stage *stage)
{
    const char *only = "gradient_norm";
    if (strcmp(stage->loss_name, "loss") == 0)
        return only;
    const char *name = rv_arena_printf(&trainer->names, "%s_gradient", stage->name);
    return name ? name : only;
}

/* The guard is the sum of the losses, and of the gradient's norm if it is clipped: one scalar that
 * is finite only if all are. */
static void add_stage(builder *b, const rv_stage *stage)
{
    stage_inputs *inputs = &b->program->stage[b->program->stages++];
    snprintf(inputs->rate, NAME_MOST, "%s.lr", stage->name);
    snprintf(inputs->step, NAME_MOST, "%s.t", stage->name);
    inputs->factor = stage->rate;
    inputs->loss = b->program->count;
    report(b, stage->loss_name, stage->loss);
    guard(b, stage->loss);
    for (int i = 0; i < stage->metric_count; i++)
        report(b, stage->metric[i].name, stage->metric[i].value);
    int clipped = b->trainer->setup.config.optimizer.clip_norm > 0;
    const char *gradient = stage->gradient_name || !clipped ? stage->gradient_name
                                                            : name_of_gradient(b->trainer, stage);
    if (gradient)
        report(b, gradient, stage->gradient_norm);
    if (clipped)
        guard(b, stage->gradient_norm);
}

/* Averages running statistics after all stages have updated them: averaged weights need the
 * statistics of the same steps. */
static void average_buffers(const builder *b, const rv_iteration *iteration)
{
    const rv_params *params = b->trainer->setup.model->params;
    double decay = b->trainer->setup.config.ema;
    for (int i = 0; decay > 0 && iteration->stage_count > 0 && i < rv_params_count(params); i++) {
        rv_param *param = rv_params_at(params, i);
        if (rv_param_kind_of(param) == RV_BUFFER && rv_is_assigned(b->program->graph, param))
            rv_average_weights(b->program->graph, iteration->stage[0].name, decay, &param, 1);
    }
}

static rv_status build(rv_trainer *trainer, int turn, int64_t batch, turn_program *program)
{
    rv_model *model = trainer->setup.model;
    builder b = {.trainer = trainer, .program = program};
    program->graph = rv_graph_new(trainer->context);
    if (!program->graph)
        return RV_NO_MEMORY;
    rv_iteration iteration = {.graph = program->graph,
                              .batch = batch,
                              .labelled = trainer->labelled.rows,
                              .turn = turn,
                              .optimizer = &trainer->setup.config.optimizer,
                              .ema = trainer->setup.config.ema};
    rv_status status = model->kind->train(model, &iteration);
    for (int i = 0; status == RV_OK && i < iteration.stage_count; i++)
        add_stage(&b, &iteration.stage[i]);
    if (status == RV_OK)
        average_buffers(&b, &iteration);
    if (status == RV_OK)
        status = rv_compile(program->graph, b.output, program->count, b.guard, &program->program);
    if (status == RV_OK)
        program->batch = batch;
    return status;
}

rv_status train_program(rv_trainer *trainer, int turn, int64_t batch, turn_program **out)
{
    turn_program *program = &trainer->compiled[turn][batch != trainer->whole];
    rv_status status = RV_OK;
    if (program->batch != batch) {
        train_program_free(program);
        status = build(trainer, turn, batch, program);
        if (status != RV_OK)
            train_program_free(program);
    }
    *out = program;
    return status;
}

rv_status rv_trainer_prepare(rv_trainer *trainer)
{
    turn_program *program;
    rv_status status = RV_OK;
    for (int i = 0; status == RV_OK && i < trainer->turns; i++)
        status = train_program(trainer, i, trainer->whole, &program);
    return status;
}
