/* reverie inspect FILE: the kind of the file, its content, and whether it is intact.  The first
 * bytes tell the kind; YAML, which has no signature, is recognised by its name. */
#include "experiment.h"

#include "core/text.h"
#include "reverie/config.h"
#include "reverie/io.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { IDX_RANK_MOST = 4 };

/* Adds the content of the file, for programs and for people; failures are latched. */
typedef void (*describer)(cli_call *call, const char *path, rv_values *found);

/* ---- each kind ---- */

/* "shape": the sizes.  Returns "[64,28,28]", in the list's memory. */
static const char *add_shape(rv_values *values, int rank, const int64_t *dim)
{
    double sizes[RV_ARRAY_RANK];
    const char *text = "[";
    for (int i = 0; i < rank; i++) {
        sizes[i] = (double)dim[i];
        text = rv_values_text(values, "%s%s%lld", text, i ? "," : "", (long long)dim[i]);
    }
    rv_values_numbers(values, "shape", sizes, rank)->kind = RV_VALUE_COUNTS;
    return rv_values_text(values, "%s]", text);
}

static void add_metadata(rv_values *found, rv_values *list, const rv_tensors *tensors)
{
    for (int i = 0; list && i < rv_tensors_metadata_count(tensors); i++) {
        rv_text_pair pair = rv_tensors_metadata_at(tensors, i);
        int length = (int)strcspn(pair.value, "\n");
        rv_values_word(list, rv_values_text(list, "%s", pair.key), pair.value);
        rv_values_line(found, "  %s: %.*s%s", pair.key, length, pair.value,
                       pair.value[length] ? " ..." : "");
    }
}

static void add_tensors(rv_values *found, const rv_tensors *tensors)
{
    int count = rv_tensors_count(tensors), width = 0;
    rv_values *list = rv_values_lists(found, "tensors", count);
    for (int i = 0; i < count; i++)
        width = cli_wider(width, rv_tensors_at(tensors, i)->name);
    for (int i = 0; list && i < count; i++) {
        const rv_tensor *tensor = rv_tensors_at(tensors, i);
        const char *type = rv_element_name(tensor->element);
        rv_values_word(&list[i], "name", tensor->name);
        rv_values_word(&list[i], "type", type);
        rv_values_line(found, "  %-*s  %-4s %s", width, tensor->name, type,
                       add_shape(&list[i], tensor->rank, tensor->dim));
    }
}

static void describe_tensors(cli_call *call, const char *path, rv_values *found)
{
    rv_tensors *tensors;
    int64_t values = 0;
    if (rv_tensors_open(call->context, path, &tensors) != RV_OK)
        return;
    const char *checksum = rv_tensors_has_checksum(tensors) ? "good" : "none";
    int count = rv_tensors_count(tensors);
    for (int i = 0; i < count; i++) {
        const rv_tensor *tensor = rv_tensors_at(tensors, i);
        values += (int64_t)(tensor->bytes / rv_element_bytes(tensor->element));
    }
    rv_values_word(found, "kind", "safetensors");
    rv_values_word(found, "checksum", checksum);
    rv_values_count(found, "values", values);
    rv_values_line(found, "%d tensors, %lld values, checksum: %s", count, (long long)values,
                   checksum);
    rv_values *metadata = rv_values_list(found, "metadata");
    add_tensors(found, tensors);
    add_metadata(found, metadata, tensors);
    rv_tensors_free(tensors);
}

static void describe_array(cli_call *call, const char *path, rv_values *found)
{
    static const char none[] = "no value is finite";
    rv_array array;
    double least = INFINITY, most = -INFINITY, sum = 0;
    size_t finite = 0;
    if (rv_array_load(call->context, path, &array) != RV_OK)
        return;
    for (size_t i = 0; i < array.count; i++) {
        double value = (double)array.values[i];
        if (!isfinite(value))
            continue;
        least = fmin(least, value);
        most = fmax(most, value);
        sum += value;
        finite++;
    }
    int64_t not_finite = (int64_t)(array.count - finite);
    double mean = sum / (double)finite; /* NaN if there are none */
    rv_values_word(found, "kind", "npy");
    rv_values_word(found, "type", array.type);
    const char *line = rv_values_text(found, "npy %s", add_shape(found, array.rank, array.dim));
    rv_values_count(found, "not_finite", not_finite);
    rv_values_fact(found, "least", finite > 0 ? least : (double)NAN)->missing = none;
    rv_values_fact(found, "most", finite > 0 ? most : (double)NAN)->missing = none;
    rv_values_fact(found, "mean", mean)->missing = none;
    if (finite > 0)
        line = rv_values_text(found, "%s, %s, from %g to %g, mean %g", line, array.type, least,
                              most, mean);
    if (not_finite > 0)
        line = rv_values_text(found, "%s, %lld not finite", line, (long long)not_finite);
    rv_values_line(found, "%s", line);
    rv_io_free(array.values);
}

static void describe_png(cli_call *call, const char *path, rv_values *found)
{
    rv_pixels8 pixels;
    if (rv_png_load(call->context, path, &pixels) != RV_OK)
        return;
    rv_io_free(pixels.bytes);
    rv_values_word(found, "kind", "png");
    rv_values_count(found, "height", pixels.height);
    rv_values_count(found, "width", pixels.width);
    rv_values_count(found, "channels", pixels.channels);
    rv_values_line(found, "PNG, %d x %d, %s", pixels.width, pixels.height,
                   pixels.channels == 1 ? "gray" : "RGB");
}

/* Reads all of it, which finds a truncated or corrupt .gz. */
static void describe_idx(cli_call *call, const char *path, rv_values *found)
{
    uint8_t *magic;
    size_t count;
    rv_idx idx;
    if (rv_gzip_read(call->context, path, 4, 4, &magic, &count) != RV_OK)
        return;
    int rank = magic[3];
    rv_io_free(magic);
    if (rank < 1 || rank > IDX_RANK_MOST) {
        rv_fail(call->context, RV_BAD_FILE, "%s: an IDX file of %d axes; 1 to %d are read", path,
                rank, IDX_RANK_MOST);
        return;
    }
    if (rv_idx_load(call->context, path, rank, 0, &idx) != RV_OK)
        return;
    rv_io_free(idx.bytes);
    rv_values_word(found, "kind", "idx");
    rv_values_line(found, "IDX, unsigned bytes, %s", add_shape(found, rank, idx.dim));
}

/* A recipe, or a run's config.yaml: whether it is valid, and its resolved settings. */
static void describe_recipe(cli_call *call, const char *path, rv_values *found)
{
    rv_config *config;
    if (rv_config_new(call->context, &config) != RV_OK)
        return;
    const char *text = rv_config_read(config, path) == RV_OK ? rv_config_text(config) : NULL;
    if (text) {
        const rv_settings *settings = rv_config_settings(config);
        rv_values_word(found, "kind", "recipe");
        rv_values_word(found, "name", settings->name);
        rv_values_word(found, "about", settings->about);
        rv_values_word(found, "model", settings->model->name);
        rv_values_word(found, "config", text);
        rv_values_line(found, "%.*s", (int)strlen(text) - 1, text); /* without the final newline */
    }
    rv_config_free(config);
}

/* ---- the kind of a file ---- */

/* `first`: up to 16 bytes, inflated. */
static describer kind_of(const char *path, const uint8_t *first, size_t count)
{
    static const uint8_t png[] = {0x89, 'P', 'N', 'G'}, npy[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
    if (rv_ends_with(path, ".yaml") || rv_ends_with(path, ".yml"))
        return describe_recipe;
    if (count >= sizeof png && memcmp(first, png, sizeof png) == 0)
        return describe_png;
    if (count >= sizeof npy && memcmp(first, npy, sizeof npy) == 0)
        return describe_array;
    if (rv_ends_with(path, ".safetensors") || (count > 8 && first[8] == '{'))
        return describe_tensors;
    if (count >= 4 && first[0] == 0 && first[1] == 0 && first[2] == 8)
        return describe_idx;
    return NULL;
}

/* The compiled training iteration of a recipe or a run: kernels, FLOP, bytes; or Graphviz. */
static rv_status inspect_program(cli_call *call)
{
    cli_workbench bench;
    rv_program *program = NULL;
    const char *dot = cli_text(call, "dot"), *text = NULL;
    rv_turn turns[RV_TURNS_MOST];
    int turn = (int)cli_integer(call, "turn");
    rv_status status = cli_workbench_open(call, &bench);
    if (status == RV_OK && turn >= rv_trainer_turns(bench.trainer, turns))
        status = rv_fail(call->context, RV_BAD_USAGE, "--turn %d: the turns are 0 to %d", turn,
                         rv_trainer_turns(bench.trainer, turns) - 1);
    if (status == RV_OK)
        status = rv_trainer_program(bench.trainer, turn, &program);
    if (status == RV_OK) {
        text = rv_program_text(program, dot != NULL);
        status = text ? RV_OK : rv_fail_memory(call->context);
    }
    if (status == RV_OK && dot)
        status = rv_file_write(call->context, dot, text, strlen(text));
    if (status == RV_OK && call->json) {
        rv_program_facts facts = rv_program_facts_of(program);
        status = cli_print_json(call, json_pack("{s:i, s:i, s:o, s:I}", "nodes", facts.nodes,
                                                "kernels", facts.kernels, "gflop",
                                                rv_json_number(facts.flops * 1e-9), "slab_bytes",
                                                (json_int_t)facts.slab_bytes));
    } else if (status == RV_OK)
        printf("%s%s", dot ? dot : text, dot ? "\n" : "");
    cli_workbench_close(&bench);
    return status;
}

static rv_status run(cli_call *call)
{
    const char *path = call->argument[0], *dot = cli_text(call, "dot");
    if (cli_given(call, "program") || dot) {
        rv_status ready = dot ? cli_check_output(call, dot, "") : RV_OK;
        return ready == RV_OK ? inspect_program(call) : ready;
    }
    if (cli_given(call, "turn") || call->override_count > 0)
        return rv_fail(call->context, RV_BAD_USAGE,
                       "inspect: %s is of --program, the compiled iteration of a recipe or a run: "
                       "give it too",
                       cli_given(call, "turn") ? "--turn" : call->override[0]);
    uint8_t *first;
    size_t count;
    if (rv_folder_exists(path))
        return rv_fail(call->context, RV_BAD_FILE, "%s: is a folder; name a file in it", path);
    rv_status status = rv_gzip_read(call->context, path, 16, 16, &first, &count);
    if (status != RV_OK)
        return status;
    describer describe = kind_of(path, first, count);
    rv_io_free(first);
    if (!describe)
        return rv_fail(call->context, RV_BAD_FILE,
                       "%s: is none of safetensors, npy, IDX, PNG and YAML", path);
    rv_values found = rv_values_of(call->context);
    describe(call, path, &found);
    rv_values_word(&found, "file", path);
    return cli_give_all(call, &found, RV_OK);
}

static const cli_option options[] = {
    CLI_SWITCH("program", "the compiled training iteration of a recipe or run: its kernels"),
    CLI_INTEGER("turn", 0, "N", "0", 0, RV_TURNS_MOST - 1,
                "with --program: which program of a model that trains in several"),
    CLI_TEXT("dot", 0, "FILE", NULL, "the same as a Graphviz graph"),
};

const cli_verb cli_verb_inspect = {
    .name = "inspect",
    .summary = "what is in a file, and whether it is whole",
    .usage = "FILE | RECIPE|RUN --program [--dot FILE]",
    CLI_OPTIONS(options),
    .takes_settings = 1,
    .example = "reverie inspect runs/lab1-vae-1/checkpoints/best.safetensors\n"
               "reverie inspect recipes/lab1-vae.yaml\n"
               "reverie inspect lab1-vae data.name=digits --program",
    .details = "Reads safetensors (with its checksum), npy, IDX (.gz too), PNG, and recipes, of "
               "which it prints every setting. A damaged file is exit code 3.",
    .arguments = {1, 1},
    .run = run,
};
