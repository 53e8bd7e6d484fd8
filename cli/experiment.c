/* Opens runs and recipes, checks and writes output files, and reports written files. */
#include "experiment.h"

#include "core/text.h"
#include "reverie/figures.h"
#include "reverie/io.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

rv_experiment_place cli_place(const cli_call *call, const char *folder)
{
    return (rv_experiment_place){folder, call->data_directory, call->data_directory_count};
}

rv_status cli_open(cli_call *call, int average, rv_experiment **out)
{
    rv_experiment_place place = cli_place(call, call->argument[0]);
    return rv_experiment_open(call->context, &place, cli_text(call, "checkpoint"), average, out);
}

/* ---- splits ---- */

rv_status cli_choose_split(cli_call *call, rv_experiment *run)
{
    rv_split split;
    if (cli_given(call, "split"))
        return RV_OK;
    rv_status status = rv_experiment_split(run, &split);
    if (status != RV_OK || split == RV_SPLIT_TEST)
        return status;
    cli_say(call, "the data hold no test images: the %s images are taken", rv_split_name(split));
    cli_set_choice(call, "split", (int)split);
    return RV_OK;
}

rv_split cli_split(const cli_call *call)
{
    return (rv_split)cli_choice(call, "split");
}

rv_status cli_with_run(cli_call *call, const char *endings, int of_split,
                       rv_status (*act)(cli_call *call, rv_experiment *run))
{
    rv_experiment *run;
    rv_status status = endings ? cli_check_output(call, cli_text(call, "output"), endings) : RV_OK;
    if (status == RV_OK)
        status = cli_open(call, 0, &run);
    if (status != RV_OK)
        return status;
    if (of_split)
        status = cli_choose_split(call, run);
    if (status == RV_OK)
        status = act(call, run);
    rv_experiment_free(run);
    return status;
}

void cli_say_fewer(const cli_call *call, int64_t asked, int64_t there, const char *what)
{
    if (asked > there)
        cli_say(call, "%lld images are asked for, and %s holds %lld: all of them are taken",
                (long long)asked, what, (long long)there);
}

/* ---- files to write ---- */

static int is_one_file(const char *a, const char *b)
{
    struct stat of_a, of_b;
    return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
           of_a.st_ino == of_b.st_ino;
}

/* A file that another option names, such as --mask, is read: it is not replaced. */
static rv_status check_not_read(cli_call *call, const char *path)
{
    for (int i = 0; i < call->verb->option_count; i++) {
        const cli_option *option = &call->verb->option[i];
        const char *text = option->type == RV_OPTION_TEXT ? cli_text(call, option->name) : NULL;
        if (text && text != path && is_one_file(text, path))
            return rv_fail(call->context, RV_BAD_USAGE,
                           "%s: --%s names this file too: write to another one", path,
                           option->name);
    }
    return RV_OK;
}

/* Creates the temporary file that a write would use, and removes it. */
rv_status cli_check_output(cli_call *call, const char *path, const char *endings)
{
    char words[64] = "", one[16];
    int is_one = !*endings;
    rv_writer *writer;
    if (!path)
        return RV_OK;
    for (const char *at = endings; *at; at += strcspn(at, "|"), at += *at == '|') {
        size_t used = strlen(words);
        snprintf(one, sizeof one, "%.*s", (int)strcspn(at, "|"), at);
        snprintf(words + used, sizeof words - used, "%s%s", used ? " or " : "", one);
        is_one |= rv_ends_with(path, one);
    }
    if (!is_one)
        return rv_fail(call->context, RV_BAD_USAGE,
                       "%s: this is written as a %s file: end the name in %s", path, words, words);
    /* The rename replaces the old file even without the right to write it: this checks the
     * right. */
    if (access(path, W_OK) != 0 && (errno == EACCES || errno == EROFS))
        return rv_fail(call->context, RV_IO_ERROR, "%s: cannot be written: %s", path,
                       strerror(errno));
    rv_status status = check_not_read(call, path);
    if (status != RV_OK)
        return status;
    status = rv_writer_open(call->context, path, &writer);
    if (status == RV_OK)
        rv_writer_abandon(writer);
    return status;
}

rv_status cli_check_picture(cli_call *call, rv_data_sizes sizes, int64_t count, int64_t columns,
                            int64_t enlarge, int64_t padding)
{
    int64_t across = count < columns ? count : columns, rows = (count + columns - 1) / columns;
    int64_t width = across * (sizes.width * enlarge + padding) + padding;
    int64_t height = rows * (sizes.height * enlarge + padding) + padding;
    const int64_t most_pixels = ((int64_t)1 << 30) / 3;
    if (rv_ends_with(cli_text(call, "output"), ".npy"))
        return RV_OK;
    if (sizes.channels != 1 && sizes.channels != 3)
        return rv_fail(call->context, RV_BAD_USAGE,
                       "images of %lld channels cannot be drawn; 1 or 3 can be",
                       (long long)sizes.channels);
    if (height <= RV_PNG_SIDE_MOST && width <= RV_PNG_SIDE_MOST && height * width <= most_pixels)
        return RV_OK;
    return rv_fail(call->context, RV_BAD_USAGE,
                   "%lld images, %lld a row, make a picture of %lld x %lld pixels; a PNG has at "
                   "most %d a side, and %lld in all: ask for fewer",
                   (long long)count, (long long)across, (long long)height, (long long)width,
                   RV_PNG_SIDE_MOST, (long long)most_pixels);
}

rv_status cli_check_grid(cli_call *call, rv_experiment *run, int64_t count, int64_t columns)
{
    return cli_check_picture(call, rv_experiment_model(run)->sizes, count, columns, 1,
                             rv_grid_defaults().padding);
}

rv_status cli_wrote(cli_call *call, const char *path)
{
    if (call->json)
        return cli_print_json(call, json_pack("{s:o}", "file", rv_json_text(path)));
    printf("%s\n", path);
    return RV_OK;
}

rv_status cli_save_array(cli_call *call, const float *values, int rank, const int64_t *dim)
{
    const char *path = cli_text(call, "output");
    rv_status status = rv_array_save(call->context, path, values, rank, dim);
    return status == RV_OK ? cli_wrote(call, path) : status;
}

rv_status cli_save_grid(cli_call *call, rv_data_sizes sizes, const float *images, int count)
{
    rv_image_batch batch = rv_image_batch_of(images, count, (int)sizes.height, (int)sizes.width);
    batch.channels = (int)sizes.channels;
    batch.low = sizes.low;
    batch.high = sizes.high;
    return cli_save_image(call, rv_grid(call->context, batch, NULL));
}

rv_status cli_save_image(cli_call *call, rv_image *image)
{
    const char *path = cli_text(call, "output");
    if (!image)
        return rv_error_status(call->context);
    rv_status status = rv_image_save(call->context, image, path);
    rv_image_free(image);
    return status == RV_OK ? cli_wrote(call, path) : status;
}

rv_status cli_save_chart(cli_call *call, rv_chart *chart)
{
    const char *path = cli_text(call, "output");
    if (!chart)
        return rv_error_status(call->context);
    rv_status status = rv_chart_save(chart, path);
    rv_chart_free(chart);
    return status == RV_OK ? cli_wrote(call, path) : status;
}

rv_status cli_save_reconstructions(cli_call *call, rv_experiment *run)
{
    rv_split split = cli_split(call);
    rv_source *source = rv_experiment_source(run, split);
    if (!source)
        return rv_error_status(call->context);
    int64_t asked = cli_integer(call, "count"), there = rv_source_describe(source)->count;
    int64_t count = asked < there ? asked : there;
    rv_status status = cli_check_grid(call, run, 2 * count, count < 8 ? count : 8);
    if (status != RV_OK)
        return status;
    if (cli_given(call, "count"))
        cli_say_fewer(call, asked, there, rv_split_name(split));
    return cli_save_image(call, rv_experiment_reconstructions(run, split, (int)count));
}

json_t *cli_json_class(const char *name)
{
    char *end;
    long number = strtol(name, &end, 10);
    return *end || end == name ? rv_json_text(name) : json_integer(number);
}

/* ---- recipes ---- */

int cli_is_run(const cli_call *call)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/config.yaml", call->argument[0]);
    return rv_folder_exists(call->argument[0]) && rv_file_exists(path);
}

int cli_overrides_data(const cli_call *call)
{
    for (int i = 0; i < call->override_count; i++)
        if (strncmp(call->override[i], "data.", 5) == 0 ||
            strncmp(call->override[i], "data=", 5) == 0)
            return 1;
    return 0;
}

/* Of a run folder, or else of a recipe. */
static rv_status read_config(cli_call *call, rv_config **out)
{
    char path[4096];
    const char *name = call->argument[0];
    if (cli_is_run(call))
        return rv_run_config_read(call->context, name, out);
    rv_status status = rv_recipe_find(call->context, name, call->recipe_directory,
                                      call->recipe_directory_count, path, sizeof path);
    if (status == RV_OK)
        status = rv_config_new(call->context, out);
    return status == RV_OK ? rv_config_read(*out, path) : status;
}

rv_status cli_recipe_config(cli_call *call, rv_config **out)
{
    *out = NULL;
    rv_status status = read_config(call, out);
    for (int i = 0; status == RV_OK && i < call->override_count; i++)
        status = rv_config_set(*out, call->override[i]);
    if (status == RV_OK && !rv_config_settings(*out))
        status = rv_error_status(call->context);
    return status;
}

rv_status cli_recipe_source(cli_call *call, const rv_settings *settings, int64_t limit,
                            rv_source **source)
{
    rv_data_config data = settings->data;
    data.directories = call->data_directory;
    data.directory_count = call->data_directory_count;
    data.limit = limit > 0 ? limit : data.limit;
    return rv_source_open(call->context, &data, RV_SPLIT_TRAIN, source);
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
    status = cli_recipe_source(call, settings, 0, &bench->source);
    return status == RV_OK ? open_model(call, bench, settings) : status;
}

void cli_workbench_close(cli_workbench *bench)
{
    rv_trainer_free(bench->trainer);
    rv_model_free(bench->model);
    rv_source_free(bench->source);
    rv_config_free(bench->config);
}
