/* What is common to all models. */
#include "reverie/model.h"

#include "core/memory.h"
#include "reverie/option.h"

#include <string.h>

int64_t rv_data_width(rv_data_sizes sizes)
{
    return sizes.height * sizes.width * sizes.channels;
}

rv_status rv_model_new(rv_context *context, const rv_model_kind *kind, const void *config,
                       rv_data_sizes sizes, rv_model **out)
{
    *out = NULL;
    rv_model *model = rv_calloc(1, sizeof *model);
    if (model)
        model->config = rv_malloc(kind->config_size);
    if (!model || !model->config) {
        rv_free(model);
        return rv_fail_memory(context);
    }
    model->context = context;
    model->kind = kind;
    model->sizes = sizes;
    memcpy(model->config, config, kind->config_size);
    rv_status status = kind->create(model);
    if (status == RV_OK) /* a failure that was there before is one */
        status = rv_error_status(context);
    if (status != RV_OK) {
        rv_model_free(model);
        return status;
    }
    *out = model;
    return RV_OK;
}

void rv_model_free(rv_model *model)
{
    if (!model)
        return;
    if (model->self)
        model->kind->destroy(model);
    rv_free(model->config);
    rv_free(model);
}

rv_expr rv_model_log_weight(rv_model *model, rv_expr x, const rv_latents *group, int64_t draws)
{
    const rv_model_kind *kind = model->kind;
    if (kind->log_weight)
        return kind->log_weight(model, x, group, draws);
    if (!kind->log_joint)
        return rv_expr_fail(rv_expr_graph(x),
                            "model `%s` has no log p(x, z), which the importance-weighted bound "
                            "needs",
                            kind->name);
    rv_expr z = rv_dist_sample_n(group[0].posterior, group[0].name, draws); /* [K,B,...] */
    return rv_sub(kind->log_joint(model, x, z), rv_log_prob(group[0].posterior, z));
}

/* ---- iterations ---- */

rv_stage rv_stage_of(const char *name, rv_expr loss, rv_param *const *weight, int weight_count)
{
    return (rv_stage){.name = name,
                      .loss_name = "loss",
                      .loss = loss,
                      .weight = weight,
                      .weight_count = weight_count,
                      .rate = 1};
}

void rv_stage_report(rv_stage *stage, const char *name, rv_expr value)
{
    if (stage->metric_count < RV_METRICS_MOST)
        stage->metric[stage->metric_count++] = (rv_metric){name, value};
}

rv_status rv_iteration_update(rv_iteration *iteration, const rv_stage *stage)
{
    rv_context *context = rv_graph_context(iteration->graph);
    if (iteration->stage_count == RV_STAGES_MOST)
        return rv_fail(context, RV_BAD_USAGE, "%s: an iteration has at most %d stages", stage->name,
                       (int)RV_STAGES_MOST);
    iteration->stage[iteration->stage_count++] = *stage;
    return iteration->optimize ? iteration->optimize(iteration->user, stage)
                               : rv_error_status(context);
}

rv_expr rv_iteration_images(const rv_iteration *iteration, rv_data_sizes sizes)
{
    return rv_input(iteration->graph, "x", RV_F32,
                    rv_shape2(iteration->batch, rv_data_width(sizes)));
}
