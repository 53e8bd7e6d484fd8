/* Probes of a run: the images of two splits as rows of codes and of pixels, with their labels. */
#include "reverie/judge.h"

#include "core/arena.h"
#include "eval/views.h"
#include "figures/figures.h"

rv_run_probe_config rv_run_probe_defaults(void)
{
    return (rv_run_probe_config){.split = RV_SPLIT_TEST,
                                 .seed = 1,
                                 .neighbours = RV_PROBE_NEIGHBOURS,
                                 .pixels = 1,
                                 .softmax = rv_probe_defaults()};
}

/* Images of a split, in owned memory. */
typedef struct image_set {
    rv_arena memory; /* of the arrays */
    int64_t count, width;
    float *pixels;   /* [count,D] */
    float *codes;    /* [count,Z] */
    int32_t *labels; /* [count] */
} image_set;

static rv_labelled_rows codes_of(const image_set *set, int64_t width)
{
    return (rv_labelled_rows){{set->codes, set->count, width}, set->labels};
}

static rv_labelled_rows pixels_of(const image_set *set)
{
    return (rv_labelled_rows){{set->pixels, set->count, set->width}, set->labels};
}

/* ---- images, codes ---- */

static rv_status fetch(rv_experiment *run, rv_source *source, const rv_run_probe_config *config,
                       int labelled_only, image_set *set)
{
    const rv_source_info *info = rv_source_describe(source);
    set->count = labelled_only ? config->labels : info->count;
    set->width = info->size;
    rv_arena *memory = &set->memory;
    set->pixels = rv_arena_alloc(memory, (size_t)(set->count * set->width) * sizeof *set->pixels);
    set->labels = rv_arena_alloc(memory, (size_t)set->count * sizeof *set->labels);
    int64_t *chosen = rv_arena_alloc(memory, (size_t)set->count * sizeof *chosen);
    rv_status status = set->pixels && set->labels && chosen ? RV_OK : rv_fail_memory(run->context);
    if (status == RV_OK && labelled_only)
        status =
            rv_source_choose(run->context, source,
                             &(rv_label_choice){config->labels, config->seed, "labels"}, chosen);
    for (int64_t i = 0; !labelled_only && status == RV_OK && i < set->count; i++)
        chosen[i] = i;
    if (status != RV_OK)
        return status;
    return rv_source_fetch(source, chosen, set->count, 0, set->pixels, set->labels);
}

/* The width of the first group of latents, 0 on failure. */
static int64_t code_width(rv_experiment *run)
{
    rv_latents group[RV_LATENTS_MOST];
    int groups = 0;
    rv_model *model = run->model;
    rv_graph *graph = rv_graph_new(run->context);
    if (!graph) {
        rv_fail_memory(run->context);
        return 0;
    }
    rv_expr x = rv_input(graph, "input", RV_F32, rv_shape2(1, rv_data_width(model->sizes)));
    rv_status status = model->kind->encode(model, x, group, &groups);
    rv_graph_free(graph);
    return status == RV_OK ? group[0].width : 0;
}

static rv_status encode(rv_experiment *run, image_set *set, int64_t width)
{
    set->codes = rv_arena_alloc(&set->memory, (size_t)(set->count * width) * sizeof *set->codes);
    if (!set->codes)
        return rv_fail_memory(run->context);
    return rv_view_encode(run->model, set->pixels, set->count, set->codes, NULL);
}

static rv_status load(rv_experiment *run, rv_split split, const rv_run_probe_config *config,
                      int64_t width, image_set *set)
{
    rv_source *source = rv_experiment_source(run, split);
    if (!source)
        return rv_error_status(run->context);
    const rv_source_info *info = rv_source_describe(source);
    int labelled_only = split == RV_SPLIT_TRAIN && config->labels > 0;
    if (info->class_count == 0)
        return rv_fail(run->context, RV_BAD_USAGE,
                       "the images of `%s` have no labels, which a probe learns", info->name);
    rv_status status = fetch(run, source, config, labelled_only, set);
    if (status == RV_OK)
        rv_notify(run->context, RV_LOG_INFO, "encoding %lld images of the %s split",
                  (long long)set->count, rv_split_name(split));
    return status == RV_OK ? encode(run, set, width) : status;
}

/* ---- the probes ---- */

static int count_classes(const image_set *set)
{
    int count = 0;
    char seen[RV_PROBE_CLASSES_MOST] = {0};
    for (int64_t i = 0; i < set->count; i++)
        if (set->labels[i] >= 0 && set->labels[i] < RV_PROBE_CLASSES_MOST)
            seen[set->labels[i]] = 1;
    for (int k = 0; k < RV_PROBE_CLASSES_MOST; k++)
        count += seen[k];
    return count;
}

static void add_score(rv_values *values, const char *name, rv_probe_score score)
{
    rv_value *row = rv_values_add(values, name, score.accuracy, RV_UNIT_SHARE, NULL);
    row->part = "accuracy";
    row->error = score.standard_error;
    row->error_name = "standard_error";
}

/* A table with two lines, one for each representation. */
static rv_status probe_rows(rv_experiment *run, const rv_run_probe_config *config, const char *name,
                            rv_labelled_rows train, rv_labelled_rows test, rv_values *out)
{
    rv_probe_score softmax, neighbours;
    int64_t width = train.rows.width;
    rv_status status = rv_probe_softmax(run->context, train, test, &config->softmax, &softmax);
    if (status == RV_OK)
        status = rv_probe_neighbours(run->context, train, test, config->neighbours, &neighbours);
    rv_values *values = status == RV_OK ? rv_values_list(out, name) : NULL;
    if (!values)
        return rv_error_status(run->context);
    rv_values_count(values, "width", width);
    add_score(values, "softmax", softmax);
    add_score(values, "neighbours", neighbours);
    rv_values_line(out, "%-10s %7lld   %.4f +- %.4f       %.4f +- %.4f", name, (long long)width,
                   softmax.accuracy, softmax.standard_error, neighbours.accuracy,
                   neighbours.standard_error);
    return RV_OK;
}

static rv_status probe_sets(rv_experiment *run, const rv_run_probe_config *config,
                            const image_set *train, const image_set *test, int64_t width,
                            rv_values *out)
{
    const char *split = rv_split_name(config->split);
    int classes = count_classes(train);
    rv_values_word(out, "split", split);
    rv_values_count(out, "labels", train->count);
    rv_values_count(out, "examples", test->count);
    rv_values_count(out, "classes", classes);
    rv_values_count(out, "k", config->neighbours);
    rv_values_line(out, "%s, %lld images; probes learned from the labels of %lld training images",
                   split, (long long)test->count, (long long)train->count);
    rv_values_line(out, "             width   softmax regression     %d nearest neighbours",
                   config->neighbours);
    rv_notify(run->context, RV_LOG_INFO, "probing codes of %lld numbers", (long long)width);
    rv_status status =
        probe_rows(run, config, "codes", codes_of(train, width), codes_of(test, width), out);
    if (status == RV_OK && config->pixels) {
        rv_notify(run->context, RV_LOG_INFO, "probing %lld pixels", (long long)train->width);
        status = probe_rows(run, config, "pixels", pixels_of(train), pixels_of(test), out);
    }
    rv_values_line(out, "Accuracy; chance is %.3f when the %d classes are equally frequent.",
                   1.0 / classes, classes);
    return status == RV_OK ? rv_error_status(run->context) : status;
}

static rv_status check_run(const rv_experiment *run, const rv_run_probe_config *config)
{
    if (view_needs(run->model, RV_ENCODER, "encoder", "probe") != RV_OK)
        return RV_BAD_USAGE;
    if (config->split == RV_SPLIT_TRAIN)
        return rv_fail(run->context, RV_BAD_USAGE,
                       "a probe learns from the training split, and is judged by another: choose "
                       "test or validation");
    if (config->labels < 0)
        return rv_fail(run->context, RV_BAD_USAGE, "%lld labelled images cannot be chosen",
                       (long long)config->labels);
    return RV_OK;
}

rv_status rv_experiment_probe(rv_experiment *run, const rv_run_probe_config *config, rv_values *out)
{
    image_set train = {0}, test = {0};
    rv_status status = check_run(run, config);
    *out = rv_values_of(run->context);
    if (status != RV_OK)
        return status;
    int64_t width = code_width(run);
    status = rv_error_status(run->context);
    if (status == RV_OK)
        status = load(run, RV_SPLIT_TRAIN, config, width, &train);
    if (status == RV_OK)
        status = load(run, config->split, config, width, &test);
    if (status == RV_OK)
        status = probe_sets(run, config, &train, &test, width, out);
    if (status != RV_OK)
        rv_values_free(out);
    rv_arena_free(&train.memory);
    rv_arena_free(&test.memory);
    return status;
}
