/* Makes a model, its data and a compiled iteration of a recipe, without a run folder. */
#include "workbench.h"

#include "reverie/io.h"

#include <stdio.h>
#include <string.h>

static rv_status find(cli_call *call, char *path, size_t bytes)
{
    snprintf(path, bytes, "%s/config.yaml", call->argument[0]);
    if (rv_file_exists(path))
        return RV_OK;
    return rv_recipe_find(call->context, call->argument[0], call->recipe_directory,
                          call->recipe_directory_count, path, bytes);
}

rv_status cli_recipe_config(cli_call *call, rv_config **out)
{
    char path[4096];
    *out = NULL;
    rv_status status = find(call, path, sizeof path);
    if (status == RV_OK)
        status = rv_config_new(call->context, out);
    if (status == RV_OK)
        status = rv_config_read(*out, path);
    for (int i = 0; status == RV_OK && i < call->override_count; i++)
        status = rv_config_set(*out, call->override[i]);
    if (status == RV_OK && !rv_config_settings(*out))
        status = rv_error_status(call->context);
    return status;
}

static rv_status open_model(cli_call *call, cli_workbench *bench, const rv_settings *settings)
{
    rv_context_set_seed(call->context, settings->train.seed);
    rv_status status = rv_model_new(call->context, settings->model, settings->model_config,
                                    rv_data_sizes_of(bench->source), &bench->model);
    rv_trainer_setup setup = {
        .model = bench->model, .train = bench->source, .config = settings->train};
    return status == RV_OK ? rv_trainer_new(call->context, &setup, &bench->trainer) : status;
}

rv_status cli_workbench_open(cli_call *call, cli_workbench *bench)
{
    memset(bench, 0, sizeof *bench);
    rv_status status = cli_recipe_config(call, &bench->config);
    if (status != RV_OK)
        return status;
    const rv_settings *settings = rv_config_settings(bench->config);
    rv_data_config data = settings->data;
    data.directories = call->data_directory;
    data.directory_count = call->data_directory_count;
    status = rv_source_open(call->context, &data, RV_SPLIT_TRAIN, &bench->source);
    return status == RV_OK ? open_model(call, bench, settings) : status;
}

void cli_workbench_close(cli_workbench *bench)
{
    rv_trainer_free(bench->trainer);
    rv_model_free(bench->model);
    rv_source_free(bench->source);
    rv_config_free(bench->config);
}
