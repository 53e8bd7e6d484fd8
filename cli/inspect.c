/* reverie inspect FILE: what kind of file it is, what is in it, and whether it is whole.  The kind
 * is known by the first bytes; YAML, which has none, by its name. */
#include "workbench.h"

#include "core/text.h"
#include "reverie/config.h"
#include "reverie/io.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { HEADER_MOST = 100 << 20, IDX_RANK_MOST = 4 };

typedef json_t *(*describer)(cli_call *call, const char *path);

/* ---- shapes ---- */

static json_t *shape_json(int rank, const int64_t *dim)
{
    json_t *shape = json_array();
    for (int i = 0; i < rank; i++)
        rv_json_add(&shape, json_integer(dim[i]));
    return shape;
}

/* ---- each kind as JSON, which the plain text is printed from; NULL: latched, or no memory ---- */

/* The metadata, from the header that rv_tensors_open has checked: 8 bytes of length, then JSON. */
static json_t *read_metadata(cli_call *call, const char *path)
{
    uint8_t *bytes;
    size_t count;
    uint64_t length = 0;
    if (rv_gzip_read(call->context, path, 8, 8, &bytes, &count) != RV_OK)
        return NULL;
    for (size_t i = count; i-- > 0;)
        length = length << 8 | bytes[i];
    rv_io_free(bytes);
    if (rv_gzip_read(call->context, path, 8 + length, HEADER_MOST, &bytes, &count) != RV_OK)
        return NULL;
    json_t *header;
    rv_status status = rv_json_read(call->context, (const char *)bytes + 8, count - 8,
                                    JSON_REJECT_DUPLICATES, &header, NULL);
    json_t *metadata = json_incref(json_object_get(header, "__metadata__"));
    json_decref(header);
    rv_io_free(bytes);
    return metadata || status != RV_OK ? metadata : json_object();
}

static json_t *describe_tensors(cli_call *call, const char *path)
{
    rv_tensors *tensors;
    if (rv_tensors_open(call->context, path, &tensors) != RV_OK)
        return NULL;
    json_t *list = json_array();
    int64_t values = 0;
    for (int i = 0; i < rv_tensors_count(tensors); i++) {
        const rv_tensor *tensor = rv_tensors_at(tensors, i);
        rv_json_add(&list, json_pack("{s:s, s:s, s:o}", "name", tensor->name, "type",
                                     rv_element_name(tensor->element), "shape",
                                     shape_json(tensor->rank, tensor->dim)));
        values += (int64_t)(tensor->bytes / rv_element_bytes(tensor->element));
    }
    const char *checksum = rv_tensors_has_checksum(tensors) ? "good" : "none";
    rv_tensors_free(tensors);
    return json_pack("{s:s, s:s, s:I, s:o, s:o}", "kind", "safetensors", "checksum", checksum,
                     "values", (json_int_t)values, "metadata", read_metadata(call, path), "tensors",
                     list);
}

static json_t *describe_array(cli_call *call, const char *path)
{
    rv_array array;
    double least = INFINITY, most = -INFINITY, sum = 0;
    size_t finite = 0;
    if (rv_array_load(call->context, path, &array) != RV_OK)
        return NULL;
    for (size_t i = 0; i < array.count; i++) {
        double value = (double)array.values[i];
        if (!isfinite(value))
            continue;
        least = fmin(least, value);
        most = fmax(most, value);
        sum += value;
        finite++;
    }
    json_t *facts = json_pack("{s:s, s:o, s:o, s:I}", "kind", "npy", "type",
                              rv_json_text(array.type), "shape", shape_json(array.rank, array.dim),
                              "not_finite", (json_int_t)(array.count - finite));
    static const char none[] = "no value is finite";
    int some = finite > 0;
    rv_json_put(&facts, "least", some ? rv_json_number(least) : rv_json_none(none));
    rv_json_put(&facts, "most", some ? rv_json_number(most) : rv_json_none(none));
    rv_json_put(&facts, "mean", some ? rv_json_number(sum / (double)finite) : rv_json_none(none));
    rv_io_free(array.values);
    return facts;
}

static json_t *describe_png(cli_call *call, const char *path)
{
    rv_pixels8 pixels;
    if (rv_png_load(call->context, path, &pixels) != RV_OK)
        return NULL;
    rv_io_free(pixels.bytes);
    return json_pack("{s:s, s:i, s:i, s:i}", "kind", "png", "height", pixels.height, "width",
                     pixels.width, "channels", pixels.channels);
}

/* Reads all of it: that is what finds a truncated or corrupt .gz. */
static json_t *describe_idx(cli_call *call, const char *path)
{
    uint8_t *magic;
    size_t count;
    rv_idx idx;
    if (rv_gzip_read(call->context, path, 4, 4, &magic, &count) != RV_OK)
        return NULL;
    int rank = magic[3];
    rv_io_free(magic);
    if (rank < 1 || rank > IDX_RANK_MOST) {
        rv_fail(call->context, RV_BAD_FILE, "%s: an IDX file of %d axes; 1 to %d are read", path,
                rank, IDX_RANK_MOST);
        return NULL;
    }
    if (rv_idx_load(call->context, path, rank, 0, &idx) != RV_OK)
        return NULL;
    rv_io_free(idx.bytes);
    return json_pack("{s:s, s:o}", "kind", "idx", "shape", shape_json(rank, idx.dim));
}

/* A recipe, or a run's config.yaml: valid, and what it comes to. */
static json_t *describe_recipe(cli_call *call, const char *path)
{
    rv_config *config;
    json_t *facts = NULL;
    if (rv_config_new(call->context, &config) != RV_OK)
        return NULL;
    if (rv_config_read(config, path) == RV_OK && rv_config_text(config)) {
        const rv_settings *settings = rv_config_settings(config);
        facts =
            json_pack("{s:s, s:o, s:o, s:s, s:o}", "kind", "recipe", "name",
                      rv_json_text(settings->name), "about", rv_json_text(settings->about), "model",
                      settings->model->name, "config", rv_json_text(rv_config_text(config)));
    }
    rv_config_free(config);
    return facts;
}

/* ---- which kind ---- */

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

/* ---- plain text ---- */

static void print_shape(const json_t *shape)
{
    size_t i;
    json_t *size;
    putchar('[');
    json_array_foreach(shape, i, size)
        printf("%s%lld", i ? "," : "", (long long)json_integer_value(size));
    putchar(']');
}

static void print_tensors(const json_t *facts)
{
    const char *key;
    json_t *value, *tensor;
    size_t i, width = 0;
    json_array_foreach(json_object_get(facts, "tensors"), i, tensor)
    {
        size_t length = strlen(json_string_value(json_object_get(tensor, "name")));
        width = length > width ? length : width;
    }
    printf("%zu tensors, %lld values, checksum: %s\n",
           json_array_size(json_object_get(facts, "tensors")),
           (long long)json_integer_value(json_object_get(facts, "values")),
           json_string_value(json_object_get(facts, "checksum")));
    json_array_foreach(json_object_get(facts, "tensors"), i, tensor)
    {
        printf("  %-*s  %-4s ", (int)width, json_string_value(json_object_get(tensor, "name")),
               json_string_value(json_object_get(tensor, "type")));
        print_shape(json_object_get(tensor, "shape"));
        putchar('\n');
    }
    json_object_foreach(json_object_get(facts, "metadata"), key, value)
    {
        const char *text = json_string_value(value);
        int length = text ? (int)strcspn(text, "\n") : 0;
        printf("  %s: %.*s%s\n", key, length, text ? text : "", text && text[length] ? " ..." : "");
    }
}

static void print_facts(const json_t *facts)
{
    const char *kind = json_string_value(json_object_get(facts, "kind"));
    if (strcmp(kind, "safetensors") == 0) {
        print_tensors(facts);
    } else if (strcmp(kind, "recipe") == 0) {
        fputs(json_string_value(json_object_get(facts, "config")), stdout);
    } else if (strcmp(kind, "png") == 0) {
        printf("PNG, %lld x %lld, %s\n",
               (long long)json_integer_value(json_object_get(facts, "width")),
               (long long)json_integer_value(json_object_get(facts, "height")),
               json_integer_value(json_object_get(facts, "channels")) == 1 ? "gray" : "RGB");
    } else {
        printf("%s ", strcmp(kind, "npy") == 0 ? "npy" : "IDX, unsigned bytes,");
        print_shape(json_object_get(facts, "shape"));
        if (json_is_real(json_object_get(facts, "mean")))
            printf(", %s, from %g to %g, mean %g",
                   json_string_value(json_object_get(facts, "type")),
                   json_real_value(json_object_get(facts, "least")),
                   json_real_value(json_object_get(facts, "most")),
                   json_real_value(json_object_get(facts, "mean")));
        if (json_integer_value(json_object_get(facts, "not_finite")) > 0)
            printf(", %lld not finite",
                   (long long)json_integer_value(json_object_get(facts, "not_finite")));
        putchar('\n');
    }
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
    if (cli_switch(call, "program") || dot) {
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
    json_t *facts = describe(call, path);
    rv_json_put(&facts, "file", rv_json_text(path));
    status = rv_error_status(call->context);
    if (status == RV_OK)
        status = cli_json_whole(call, facts);
    if (status == RV_OK && call->json)
        return cli_print_json(call, facts);
    if (status == RV_OK)
        print_facts(facts);
    json_decref(facts);
    return status;
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
