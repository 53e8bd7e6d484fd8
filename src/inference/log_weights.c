/* Two programs: one encodes a block of images, the other draws z and computes log w. */
#include "inference/log_weights.h"

#include "core/memory.h"

#include <stdio.h>
#include <string.h>

/* ---- compiling ---- */

static rv_status open_encoder(log_weights *w)
{
    rv_model *model = w->model;
    rv_expr output[LOG_WEIGHTS_INPUTS_MOST];
    w->encoder_graph = rv_graph_new(model->context);
    if (!w->encoder_graph)
        return RV_NO_MEMORY;
    rv_expr x =
        rv_input(w->encoder_graph, "x", RV_F32, rv_shape2(w->images, rv_data_width(model->sizes)));
    rv_status status = model->kind->encode(model, x, w->group, &w->groups);
    if (status != RV_OK)
        return status;
    for (int g = 0; g < w->groups; g++) {
        rv_expr of[RV_DIST_PARAMETERS_MOST];
        int count = rv_dist_parameters(w->group[g].posterior, of);
        for (int i = 0; i < count; i++) {
            posterior_part *part = &w->part[w->parts];
            snprintf(part->name, sizeof part->name, "posterior.%d.%d", g, i);
            part->count = rv_shape_size(rv_expr_shape(of[i]));
            part->value = rv_malloc((size_t)part->count * sizeof *part->value);
            if (!part->value)
                return rv_fail_memory(model->context);
            output[w->parts++] = of[i];
        }
    }
    return rv_compile(w->encoder_graph, output, w->parts, NULL, &w->encoder);
}

/* The same groups, made from inputs. */
static void make_inputs(const log_weights *w, rv_latents made[RV_LATENTS_MOST])
{
    int at = 0;
    for (int g = 0; g < w->groups; g++) {
        rv_expr of[RV_DIST_PARAMETERS_MOST], input[RV_DIST_PARAMETERS_MOST];
        int count = rv_dist_parameters(w->group[g].posterior, of);
        for (int i = 0; i < count; i++)
            input[i] = rv_input(w->weight_graph, w->part[at++].name, RV_F32, rv_expr_shape(of[i]));
        made[g] = w->group[g];
        made[g].posterior = rv_dist_with(w->group[g].posterior, input);
    }
}

static rv_status open_weight(log_weights *w)
{
    rv_latents made[RV_LATENTS_MOST];
    rv_model *model = w->model;
    w->weight_graph = rv_graph_new(model->context);
    if (!w->weight_graph)
        return RV_NO_MEMORY;
    rv_expr x =
        rv_input(w->weight_graph, "x", RV_F32, rv_shape2(w->images, rv_data_width(model->sizes)));
    make_inputs(w, made);
    rv_expr log_w = rv_model_log_weight(model, x, made, w->draws); /* [K,B] */
    return rv_compile(w->weight_graph, &log_w, 1, NULL, &w->weight);
}

static rv_status check_encoder(const rv_model *model)
{
    if (rv_model_has(model, RV_ENCODER))
        return RV_OK;
    return rv_fail(model->context, RV_BAD_USAGE,
                   "model `%s` has no encoder, whose q(z|x) the importance-weighted bound draws "
                   "from",
                   model->kind->name);
}

/* The expressions of one draw for one image are made, and nothing is compiled. */
rv_status log_weights_check(rv_model *model)
{
    rv_latents group[RV_LATENTS_MOST];
    int groups;
    rv_status status = check_encoder(model);
    if (status != RV_OK)
        return status;
    rv_graph *graph = rv_graph_new(model->context);
    if (!graph)
        return RV_NO_MEMORY;
    rv_expr x = rv_input(graph, "x", RV_F32, rv_shape2(1, rv_data_width(model->sizes)));
    status = model->kind->encode(model, x, group, &groups);
    if (status == RV_OK)
        rv_model_log_weight(model, x, group, 1);
    rv_graph_free(graph);
    return status == RV_OK ? rv_error_status(model->context) : status;
}

rv_status log_weights_open(log_weights *w, rv_model *model, int64_t images, int64_t draws)
{
    size_t pixels = (size_t)(images * rv_data_width(model->sizes));
    *w = (log_weights){.model = model, .images = images, .draws = draws};
    if (check_encoder(model) != RV_OK)
        return RV_BAD_USAGE;
    w->x = rv_calloc(pixels, sizeof *w->x);
    w->values = rv_malloc((size_t)(images * draws) * sizeof *w->values);
    if (!w->x || !w->values)
        return rv_fail_memory(model->context);
    rv_status status = open_encoder(w);
    if (status == RV_OK)
        status = open_weight(w);
    if (status == RV_OK)
        status = rv_bind(w->encoder, "x", w->x, pixels);
    if (status == RV_OK)
        status = rv_bind(w->weight, "x", w->x, pixels);
    for (int i = 0; status == RV_OK && i < w->parts; i++)
        status = rv_bind(w->weight, w->part[i].name, w->part[i].value, (size_t)w->part[i].count);
    return status;
}

void log_weights_close(log_weights *w)
{
    rv_program_free(w->encoder);
    rv_program_free(w->weight);
    rv_graph_free(w->encoder_graph);
    rv_graph_free(w->weight_graph);
    for (int i = 0; i < w->parts; i++)
        rv_free(w->part[i].value);
    rv_free(w->x);
    rv_free(w->values);
    memset(w, 0, sizeof *w);
}

/* ---- running ---- */

rv_status log_weights_encode(log_weights *w)
{
    rv_bind_random(w->encoder, 0, 0, 0, 0);
    rv_status status = rv_run(w->encoder);
    for (int i = 0; status == RV_OK && i < w->parts; i++)
        status = rv_read(w->encoder, i, w->part[i].value, (size_t)w->part[i].count);
    return status;
}

rv_status log_weights_run(log_weights *w, uint64_t seed, int64_t image, int64_t draw)
{
    rv_bind_random(w->weight, seed, 0, (uint32_t)image, (uint32_t)draw);
    rv_status status = rv_run(w->weight);
    if (status == RV_OK)
        status = rv_read(w->weight, 0, w->values, (size_t)(w->images * w->draws));
    return status;
}
