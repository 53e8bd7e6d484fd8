/* reverie show: layers, shapes and parameter counts of a recipe or a run. */
#include "experiment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_layer(rv_values *found, rv_values *one, const rv_net_layer *layer)
{
    char shape[96];
    double sizes[RV_MAX_RANK];
    for (int i = 0; i < layer->out.rank; i++)
        sizes[i] = (double)layer->out.dim[i];
    rv_values_word(one, "name", layer->name);
    rv_values_word(one, "layer", layer->word);
    rv_values_numbers(one, "output", sizes, layer->out.rank)->kind = RV_VALUE_COUNTS;
    rv_values_count(one, "parameters", layer->size);
    rv_values_line(found, "  %*s%-16s %-24s %-12s %9lld", 2 * layer->depth, "", layer->name,
                   layer->word, rv_shape_text(layer->out, shape), (long long)layer->size);
}

/* The layers of the net; *one is the first and moves on. */
static void add_net(rv_values *found, rv_values **one, const rv_net *net)
{
    char in[96], out[96];
    rv_values_line(found, "%s  %s -> %s, %lld parameters", rv_net_name(net),
                   rv_shape_text(rv_net_input_shape(net), in),
                   rv_shape_text(rv_net_output_shape(net), out), (long long)rv_net_size(net));
    for (int j = 0; j < rv_net_layer_count(net); j++) {
        rv_net_layer layer = rv_net_layer_at(net, j);
        add_layer(found, (*one)++, &layer);
    }
}

/* A parameter outside the nets; *one moves on. */
static void add_own(rv_values *found, rv_values **one, const rv_param *param)
{
    rv_net_layer row = {.name = rv_param_name(param),
                        .word = "shared",
                        .out = rv_param_shape(param),
                        .size = rv_shape_size(rv_param_shape(param))};
    add_layer(found, (*one)++, &row);
}

/* The net that predicts pixels from those before, or the first. */
static const rv_net *net_of_pixels(const rv_model *model)
{
    int count;
    rv_net *const *nets = rv_model_nets(model, &count);
    for (int i = 0; i < count; i++)
        if (rv_net_sees(nets[i]).rows > 0)
            return nets[i];
    return nets[0];
}

/* How far a pixel of an autoregressive net of images looks, and what a sheet of samples costs. */
static void add_sight(rv_values *found, rv_model *model)
{
    enum { SHEET = 64 };
    const rv_net *net = net_of_pixels(model);
    rv_net_sight sight = rv_net_sees(net);
    int64_t passes = rv_view_generate_passes(model);
    if (sight.rows == 0)
        return;
    double pixels = (double)(model->sizes.height * model->sizes.width);
    double operations = 2 * (double)rv_net_size(net) * pixels * SHEET * (double)passes;
    rv_values_count(found, "rows_seen", sight.rows);
    rv_values_count(found, "columns_seen", sight.columns);
    rv_values_count(found, "sampler_passes", passes);
    rv_values_line(
        found,
        "a pixel sees %lld rows up and %lld columns to each side; %d images are drawn in "
        "%lld %s, %.2g GFLOP",
        (long long)sight.rows, (long long)sight.columns, (int)SHEET, (long long)passes,
        passes == 1 ? "pass" : "passes", operations * 1e-9);
}

static rv_status show(cli_call *call, const rv_settings *settings, rv_model *model)
{
    int count = 0, layers = 0;
    int64_t total = 0;
    rv_values found = rv_values_of(call->context);
    rv_net *const *nets = rv_model_nets(model, &count);
    for (int i = 0; i < count; i++) {
        total += rv_net_size(nets[i]);
        layers += rv_net_layer_count(nets[i]);
    }
    for (int i = 0; i < model->own_count; i++)
        total += rv_shape_size(rv_param_shape(model->own[i]));
    rv_values_word(&found, "name", settings->name);
    rv_values_word(&found, "model", settings->model->name);
    rv_values_count(&found, "parameters", total);
    rv_values_line(&found, "%s: %s\n%s: %s\n", settings->name, settings->about,
                   settings->model->name, settings->model->about);
    rv_values *one = rv_values_lists(&found, "layers", layers + model->own_count);
    for (int i = 0; one && i < count; i++)
        add_net(&found, &one, nets[i]);
    for (int i = 0; one && i < model->own_count; i++)
        add_own(&found, &one, model->own[i]);
    rv_values_line(&found, "\n%lld parameters", (long long)total);
    add_sight(&found, model);
    return cli_give_all(call, &found, RV_OK);
}

/* The sizes of a trained run are those of its checkpoint: the data are not needed.  0: unknown. */
static int find_trained_sizes(cli_call *call, rv_data_sizes *sizes)
{
    char folder[4096], *path = NULL;
    int64_t newest = -1;
    if (!cli_is_run(call) || cli_overrides_data(call))
        return 0;
    snprintf(folder, sizeof folder, "%s/checkpoints", call->argument[0]);
    rv_status status = rv_checkpoint_newest_step(call->context, folder, &newest);
    if (status == RV_OK && newest >= 0)
        status = rv_checkpoint_find(call->context, folder, "last", &path);
    if (status == RV_OK && path)
        status = rv_checkpoint_sizes(call->context, path, sizes);
    int is_known = status == RV_OK && path;
    free(path);
    if (!is_known && status != RV_NO_MEMORY) /* damaged checkpoints: the data have the sizes too */
        rv_error_clear(call->context);
    return is_known;
}

/* The image sizes of MNIST if the data are missing: the layers can be shown without them. */
static rv_status find_sizes(cli_call *call, const rv_settings *settings, rv_data_sizes *sizes)
{
    rv_source *source;
    if (find_trained_sizes(call, sizes))
        return RV_OK;
    if (rv_error_status(call->context) != RV_OK)
        return rv_error_status(call->context);
    rv_status status = cli_recipe_source(call, settings, 1, &source);
    if (status == RV_OK) {
        *sizes = rv_data_sizes_of(source);
        rv_source_free(source);
    }
    if (status != RV_BAD_FILE)
        return status;
    cli_say(call, "%s", rv_error_message(call->context));
    cli_say(call, "the data are not here; shown for 28 x 28 gray images of 10 classes");
    rv_error_clear(call->context);
    *sizes = (rv_data_sizes){28, 28, 1, 10, settings->data.range == RV_RANGE_SIGNED ? -1.0f : 0.0f,
                             1,  0,  0, 0,  0};
    return RV_OK;
}

static rv_status run_show(cli_call *call)
{
    rv_config *config;
    rv_model *model = NULL;
    rv_data_sizes sizes;
    rv_status status = cli_recipe_config(call, &config);
    if (status == RV_OK)
        status = find_sizes(call, rv_config_settings(config), &sizes);
    if (status == RV_OK) {
        const rv_settings *settings = rv_config_settings(config);
        status =
            rv_model_new(call->context, settings->model, settings->model_config, sizes, &model);
        if (status == RV_OK)
            status = show(call, settings, model);
    }
    rv_model_free(model);
    rv_config_free(config);
    return status;
}

const cli_verb cli_verb_show = {
    .name = "show",
    .summary = "layers, shapes and parameter counts of a recipe or a run",
    .usage = "RECIPE|RUN [key=value ...]",
    .example = "reverie show lab1-vae",
    .arguments = {1, 1},
    .takes_settings = 1,
    .run = run_show,
};
