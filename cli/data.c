/* reverie data: lists the data sets, or describes one. */
#include "experiment.h"

#include "core/memory.h"
#include "reverie/figures.h"

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

/* "28 x 28 x 1", or what the values are otherwise. */
static void shape_text(const rv_data_entry *e, char text[64])
{
    if (e->are_points)
        snprintf(text, 64, "points of the plane");
    else
        snprintf(text, 64, "%d x %d x %d", e->height, e->width, e->channels);
}

typedef struct widths {
    int name, shape;
} widths;

static widths widths_of(const rv_data_entry *entries, int count)
{
    widths w = {12, 0};
    char shape[64];
    for (int i = 0; i < count; i++) {
        int name = (int)strlen(entries[i].name);
        shape_text(&entries[i], shape);
        w.name = name > w.name && name <= 40 ? name : w.name;
        w.shape = (int)strlen(shape) > w.shape ? (int)strlen(shape) : w.shape;
    }
    return w;
}

static void print_entry(const rv_data_entry *e, widths w)
{
    char shape[64];
    shape_text(e, shape);
    if (!e->path)
        printf("%-*s not found\n", w.name, e->name);
    else if (!e->problem)
        printf("%-*s %7lld train %7lld test  %-*s  %s\n", w.name, e->name,
               (long long)e->train_count, (long long)e->test_count, w.shape, shape, e->path);
}

/* After the sets that can be opened: the problem of each other one, as opening it reports it. */
static void print_entries(const rv_data_entry *entries, int count)
{
    widths w = widths_of(entries, count);
    for (int i = 0; i < count; i++)
        print_entry(&entries[i], w);
    for (int i = 0; i < count; i++)
        if (entries[i].problem)
            printf("%-*s damaged: %s\n", w.name, entries[i].name, entries[i].problem);
    for (int i = 0; i < count; i++)
        if (entries[i].note)
            printf("%-*s note: %s\n", w.name, entries[i].name, entries[i].note);
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

/* The first points of a split in a chart: all, unless --count says how many. */
static rv_status scatter(cli_call *call, rv_source *source)
{
    int64_t count = cli_given(call, "count") ? cli_integer(call, "count") : 0;
    const rv_source_info *info = rv_source_describe(source);
    if (count > 0)
        cli_say_fewer(call, count, info->count, info->name);
    return cli_save_chart(call, rv_points_chart(call->context, source, count));
}

static rv_status draw(cli_call *call, rv_source *source, rv_split split)
{
    const rv_source_info *info = rv_source_describe(source);
    char shape[64];
    snprintf(shape, sizeof shape, "images of %d x %d x %d", info->height, info->width,
             info->channels);
    cli_say(call, "%s, %s: %lld %s, %d classes, from %s", info->name, rv_split_name(split),
            (long long)info->count, info->are_points ? "points of the plane" : shape,
            info->class_count, info->path);
    return info->are_points ? scatter(call, source)
                            : picture(call, source, (int)cli_integer(call, "count"));
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
    status = draw(call, source, split);
    rv_source_free(source);
    return status;
}

static rv_status run_data(cli_call *call)
{
    int is_list = call->argument_count == 0 || strcmp(call->argument[0], "list") == 0;
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
    CLI_INTEGER("count", 'n', "N", "64", 1, 65536,
                "show: how many images; of points all, at most 10000, when absent"),
    CLI_CHOICE("split", "NAME", "train", "train|test", "show: which images"),
    CLI_CHOICE("pixels", "MODE", "gray", "gray|static|dynamic|threshold", "show: pixel mode"),
    CLI_SEED("show: data.seed"),
    CLI_OUTPUT("data.png"),
};

const cli_verb cli_verb_data = {
    .name = "data",
    .summary = "list the data sets, or look at one",
    .usage = "[list] | show NAME [data.values=[B,W]] [-n 64] [-o FILE]",
    .example = "reverie data show digits -o digits.png",
    CLI_OPTIONS(options),
    .arguments = {0, 3},
    .run = run_data,
};
