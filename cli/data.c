/* reverie data: lists the data sets, or describes one. */
#include "experiment.h"

#include "core/memory.h"

#include <stdio.h>
#include <string.h>

static json_t *entry_json(const rv_data_entry *e)
{
    return json_pack("{s:o, s:o, s:I, s:I, s:[i,i,i], s:I, s:o, s:o}", "name",
                     rv_json_text(e->name), "path", rv_json_text(e->path), "train",
                     (json_int_t)e->train_count, "test", (json_int_t)e->test_count, "shape",
                     e->height, e->width, e->channels, "bytes", (json_int_t)e->bytes, "problem",
                     e->problem ? rv_json_text(e->problem) : rv_json_none("none was found"), "note",
                     e->note ? rv_json_text(e->note) : rv_json_none("nothing to note"));
}

static void print_entry(const rv_data_entry *e)
{
    if (!e->path)
        printf("%-12s not found\n", e->name);
    else if (!e->problem)
        printf("%-12s %7lld train %7lld test  %d x %d x %d  %s\n", e->name,
               (long long)e->train_count, (long long)e->test_count, e->height, e->width,
               e->channels, e->path);
}

/* After the sets that can be opened: the problem of each other one, as opening it reports it. */
static void print_entries(const rv_data_entry *entries, int count)
{
    for (int i = 0; i < count; i++)
        print_entry(&entries[i]);
    for (int i = 0; i < count; i++)
        if (entries[i].problem)
            printf("%-12s damaged: %s\n", entries[i].name, entries[i].problem);
    for (int i = 0; i < count; i++)
        if (entries[i].note)
            printf("%-12s note: %s\n", entries[i].name, entries[i].note);
}

static rv_status list(cli_call *call)
{
    rv_data_entry *entries;
    int count;
    rv_status status = rv_data_list(call->context, call->data_directory, call->data_directory_count,
                                    &entries, &count);
    if (status != RV_OK)
        return status;
    json_t *array = json_array();
    for (int i = 0; i < count; i++)
        rv_json_add(&array, entry_json(&entries[i]));
    if (!call->json)
        print_entries(entries, count);
    rv_data_list_free(entries, count);
    return cli_end(call, array, RV_OK);
}

/* The first images of a split as a grid. */
static rv_status picture(cli_call *call, rv_source *source, int count)
{
    const rv_source_info *info = rv_source_describe(source);
    if (cli_given(call, "count"))
        cli_say_fewer(call, count, info->count, info->name);
    count = count > info->count ? (int)info->count : count;
    rv_status fits =
        cli_check_picture(call, rv_data_sizes_of(source), count, 8, 1, rv_grid_defaults().padding);
    if (fits != RV_OK)
        return fits;
    float *images = rv_malloc((size_t)(count * info->size) * sizeof *images);
    rv_status status = images ? rv_source_fetch_range(source, 0, count, 0, images, NULL)
                              : rv_fail_memory(call->context);
    if (status == RV_OK)
        status = cli_save_grid(call, rv_data_sizes_of(source), images, count);
    rv_free(images);
    return status;
}

/* `data.values=[0,255]` after the name, as the message for an array out of range advises. */
static rv_status read_values(cli_call *call, double values[2], rv_data_config *config)
{
    const char *word = call->argument_count > 2 ? call->argument[2] : NULL;
    int end = 0;
    if (!word)
        return RV_OK;
    if (sscanf(word, "data.values=[%lf,%lf]%n", &values[0], &values[1], &end) != 2 || word[end])
        return rv_fail(call->context, RV_BAD_USAGE,
                       "data show takes no `%.80s`; it takes data.values=[BLACK,WHITE]", word);
    config->values = (rv_data_numbers){values, 2};
    return RV_OK;
}

static rv_status show(cli_call *call)
{
    rv_data_config config = rv_data_defaults();
    rv_source *source;
    double values[2];
    if (call->argument_count < 2)
        return rv_fail(call->context, RV_BAD_USAGE, "data show needs a name: `data show digits`");
    config.name = call->argument[1];
    config.directories = call->data_directory;
    config.directory_count = call->data_directory_count;
    config.pixels = (rv_pixels)cli_choice(call, "pixels");
    config.seed = cli_seed(call);
    rv_split split = cli_choice(call, "split") == 0 ? RV_SPLIT_TRAIN : RV_SPLIT_TEST;
    rv_status status = cli_check_output(call, cli_text(call, "output"), ".png");
    if (status == RV_OK)
        status = read_values(call, values, &config);
    if (status == RV_OK)
        status = rv_source_open(call->context, &config, split, &source);
    if (status != RV_OK)
        return status;
    const rv_source_info *info = rv_source_describe(source);
    cli_say(call, "%s, %s: %lld images of %d x %d x %d, %d classes, from %s", info->name,
            rv_split_name(split), (long long)info->count, info->height, info->width, info->channels,
            info->class_count, info->path);
    status = picture(call, source, (int)cli_integer(call, "count"));
    rv_source_free(source);
    return status;
}

static rv_status run_data(cli_call *call)
{
    int is_list = strcmp(call->argument[0], "list") == 0;
    if (is_list && call->argument_count > 1)
        return rv_fail(call->context, RV_BAD_USAGE, "data list: `%.80s` is too much",
                       call->argument[1]);
    const char *given = cli_unused(call, "");
    if (is_list && given)
        return rv_fail(call->context, RV_BAD_USAGE, "data list does not use --%s; `data show` does",
                       given);
    if (is_list)
        return list(call);
    if (strcmp(call->argument[0], "show") == 0)
        return show(call);
    return rv_fail(call->context, RV_BAD_USAGE, "data %s: it is `data list` or `data show NAME`",
                   call->argument[0]);
}

static const cli_option options[] = {
    CLI_INTEGER("count", 'n', "N", "64", 1, 65536, "show: how many images"),
    CLI_CHOICE("split", "NAME", "train", "train|test", "show: which images"),
    CLI_CHOICE("pixels", "MODE", "gray", "gray|static|dynamic|threshold", "show: pixel mode"),
    CLI_SEED("show: data.seed"),
    CLI_OUTPUT("data.png"),
};

const cli_verb cli_verb_data = {
    .name = "data",
    .summary = "list the data sets, or look at one",
    .usage = "list | show NAME [data.values=[B,W]] [-n 64] [-o FILE]",
    .example = "reverie data show digits -o digits.png",
    CLI_OPTIONS(options),
    .arguments = {1, 3},
    .run = run_data,
};
