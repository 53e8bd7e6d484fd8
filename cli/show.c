/* reverie show: layers, shapes, parameter counts of a recipe or a run. */
#include "workbench.h"

#include <stdio.h>
#include <string.h>

static json_t *layer_json(const rv_net_layer *layer)
{
    json_t *shape = json_array();
    for (int i = 0; shape && i < layer->out.rank; i++)
        json_array_append_new(shape, json_integer(layer->out.dim[i]));
    return json_pack("{s:s, s:s, s:o, s:I}", "name", layer->name, "layer", layer->word, "output",
                     shape, "parameters", (json_int_t)layer->size);
}

static json_t *as_json(const rv_settings *settings, rv_net *const *nets, int count, int64_t total)
{
    json_t *layers = json_array();
    for (int i = 0; i < count; i++)
        for (int j = 0; layers && j < rv_net_layer_count(nets[i]); j++) {
            rv_net_layer layer = rv_net_layer_at(nets[i], j);
            json_array_append_new(layers, layer_json(&layer));
        }
    return json_pack("{s:o, s:s, s:I, s:o}", "name", rv_json_text(settings->name), "model",
                     settings->model->name, "parameters", (json_int_t)total, "layers", layers);
}

static void print_net(const rv_net *net)
{
    char shape[96];
    for (int j = 0; j < rv_net_layer_count(net); j++) {
        rv_net_layer layer = rv_net_layer_at(net, j);
        printf("  %*s%-16s %-24s %-12s %9lld\n", 2 * layer.depth, "", layer.name, layer.word,
               rv_shape_text(layer.out, shape), (long long)layer.size);
    }
}

static rv_status show(cli_call *call, const rv_settings *settings, rv_model *model)
{
    char in[96], out[96];
    int count = 0;
    int64_t total = 0;
    rv_net *const *nets = rv_model_nets(model, &count);
    for (int i = 0; i < count; i++)
        total += rv_net_size(nets[i]);
    if (call->json)
        return cli_print_json(call, as_json(settings, nets, count, total));
    printf("%s: %s\n%s: %s\n\n", settings->name, settings->about, settings->model->name,
           settings->model->about);
    for (int i = 0; i < count; i++) {
        printf("%s  %s -> %s, %lld parameters\n", rv_net_name(nets[i]),
               rv_shape_text(rv_net_input_shape(nets[i]), in),
               rv_shape_text(rv_net_output_shape(nets[i]), out), (long long)rv_net_size(nets[i]));
        print_net(nets[i]);
    }
    printf("\n%lld parameters\n", (long long)total);
    return RV_OK;
}

/* Images as MNIST's where the data are not here: the layers can be shown without them. */
static rv_status find_sizes(cli_call *call, const rv_settings *settings, rv_data_sizes *sizes)
{
    rv_data_config data = settings->data;
    rv_source *source;
    data.directories = call->data_directory;
    data.directory_count = call->data_directory_count;
    data.limit = 1;
    rv_status status = rv_source_open(call->context, &data, RV_SPLIT_TRAIN, &source);
    if (status == RV_OK) {
        *sizes = rv_data_sizes_of(source);
        rv_source_free(source);
    }
    if (status != RV_BAD_FILE)
        return status;
    cli_say(call, "%s", rv_error_message(call->context));
    cli_say(call, "the data are not here; shown for 28 x 28 gray images of 10 classes");
    rv_error_clear(call->context);
    *sizes = (rv_data_sizes){28, 28, 1, 10, data.range == RV_RANGE_SIGNED ? -1.0f : 0.0f, 1};
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
