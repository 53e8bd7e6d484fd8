/* The compiled training iteration: the model's losses, the optimizer's updates, the averages. */
#include "train/trainer.h"

#include "core/memory.h"

#include <stdio.h>
#include <string.h>

void train_program_free(iteration_program *program)
{
    rv_program_free(program->program);
    rv_graph_free(program->graph);
    memset(program, 0, sizeof *program);
}

typedef struct outputs {
    rv_expr expr[VALUES_MOST];
    const char *name[VALUES_MOST];
    int count;
    rv_expr guard;
} outputs;

static void report(outputs *out, const char *name, rv_expr value)
{
    if (out->count == VALUES_MOST)
        return;
    out->expr[out->count] = value;
    out->name[out->count++] = name;
}

/* The guard is the sum of the losses, and of the gradient's norm when that is clipped: one scalar
 * that is finite only if all are. */
static rv_status add_stage(rv_trainer *trainer, rv_graph *graph, const rv_stage *stage,
                           outputs *out)
{
    const rv_train_config *config = &trainer->setup.config;
    rv_expr norm;
    rv_status status = rv_optimize(&config->optimizer, stage->name, stage->loss, stage->weight,
                                   stage->weight_count, &norm);
    if (status != RV_OK)
        return status;
    report(out, "loss", stage->loss);
    for (int i = 0; i < stage->metric_count; i++)
        report(out, stage->metric[i].name, stage->metric[i].value);
    out->guard = out->guard ? rv_add(out->guard, stage->loss) : stage->loss;
    if (config->optimizer.clip_norm > 0) {
        report(out, "gradient_norm", norm);
        out->guard = rv_add(out->guard, norm);
    }
    if (config->ema > 0)
        rv_average_weights(graph, stage->name, config->ema, stage->weight, stage->weight_count);
    return RV_OK;
}

static rv_status build(rv_trainer *trainer, int64_t batch, iteration_program *program)
{
    rv_model *model = trainer->setup.model;
    rv_iteration iteration;
    outputs out = {.count = 0};
    program->graph = rv_graph_new(trainer->context);
    if (!program->graph)
        return RV_NO_MEMORY;
    rv_status status = model->kind->train(model, program->graph, batch, &iteration);
    for (int i = 0; status == RV_OK && i < iteration.stage_count; i++)
        status = add_stage(trainer, program->graph, &iteration.stage[i], &out);
    if (status == RV_OK)
        status = rv_compile(program->graph, out.expr, out.count, out.guard, &program->program);
    if (status != RV_OK)
        return status;
    program->batch = batch;
    program->stages = iteration.stage_count;
    for (int i = 0; i < iteration.stage_count; i++) {
        snprintf(program->rate_input[i], 64, "%s.lr", iteration.stage[i].name);
        snprintf(program->step_input[i], 64, "%s.t", iteration.stage[i].name);
    }
    program->count = out.count;
    for (int i = 0; i < out.count; i++)
        program->name[i] = out.name[i];
    return RV_OK;
}

rv_status train_program(rv_trainer *trainer, int64_t batch, iteration_program **out)
{
    int64_t whole = rv_source_describe(trainer->setup.train)->batch;
    iteration_program *program = batch == whole ? &trainer->whole : &trainer->last;
    rv_status status = RV_OK;
    if (program->batch != batch) {
        train_program_free(program);
        status = build(trainer, batch, program);
        if (status != RV_OK)
            train_program_free(program);
    }
    *out = program;
    return status;
}
