/* reverie doctor: what this machine has, and whether anything is in the way of a training.  The
 * only file of the command line that includes the libraries below Reverie: for their versions. */
#include "verb.h"

#include "reverie/data.h"
#include "reverie/program.h"
#include "reverie/viz.h"

#include <cairo.h>
#include <errno.h>
#include <png.h>
#include <sleef.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <xxhash.h>
#include <yaml.h>
#include <zlib.h>

/* ---- the machine ---- */

/* Each instruction set is asked for in a context of its own. */
static json_t *isa_json(void)
{
    static const char *const names[] = {"baseline", "avx2", "avx512"};
    json_t *list = json_array();
    for (int i = 0; i < CLI_COUNT(names); i++) {
        rv_context *context = rv_context_new();
        if (!context)
            rv_json_add(&list, NULL); /* memory is out */
        else if (rv_context_set_isa(context, names[i]) == RV_OK)
            rv_json_add(&list, json_string(names[i]));
        rv_context_free(context);
    }
    return list;
}

static json_t *library(const char *name, const char *version)
{
    return json_pack("{s:s, s:s}", "name", name, "version", version);
}

static json_t *libraries_json(void)
{
    char xxhash[32], sleef[32];
    unsigned number = XXH_versionNumber();
    snprintf(xxhash, sizeof xxhash, "%u.%u.%u", number / 10000, number / 100 % 100, number % 100);
    snprintf(sleef, sizeof sleef, "%d.%d", SLEEF_VERSION_MAJOR, SLEEF_VERSION_MINOR);
    return json_pack("[o, o, o, o, o, o, o, o]", library("oneDNN", rv_onednn_version()),
                     library("SLEEF", sleef), library("libyaml", yaml_get_version_string()),
                     library("jansson", JANSSON_VERSION), library("libpng", png_libpng_ver),
                     library("zlib", zlibVersion()), library("xxHash", xxhash),
                     library("cairo", cairo_version_string()));
}

/* Without a font file cairo falls back to one of its own, drawn by the program. */
static int has_fonts(void)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_A8, 8, 8);
    cairo_t *cairo = cairo_create(surface);
    cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_scaled_font_t *font = cairo_get_scaled_font(cairo);
    int found = cairo_scaled_font_status(font) == CAIRO_STATUS_SUCCESS &&
                cairo_scaled_font_get_type(font) == CAIRO_FONT_TYPE_FT;
    cairo_destroy(cairo);
    cairo_surface_destroy(surface);
    return found;
}

/* ---- places ---- */

static json_t *data_json(cli_call *call)
{
    rv_data_entry *entries;
    int count;
    if (rv_data_list(call->context, call->data_directory, call->data_directory_count, &entries,
                     &count) != RV_OK)
        return NULL;
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        rv_json_add(&list,
                    json_pack("{s:o, s:o, s:I, s:I, s:o, s:o}", "name",
                              rv_json_text(entries[i].name), "path", rv_json_text(entries[i].path),
                              "train", (json_int_t)entries[i].train_count, "test",
                              (json_int_t)entries[i].test_count, "problem",
                              rv_json_text(entries[i].problem), "note",
                              rv_json_text(entries[i].note)));
    rv_data_list_free(entries, count);
    return list;
}

static json_t *strings_json(const char **text, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        rv_json_add(&list, rv_json_text(text[i]));
    return list;
}

/* The folder that runs go to, or the one in which it would be made. */
static json_t *runs_json(void)
{
    struct statvfs space;
    const char *folder = access("runs", F_OK) == 0 ? "runs" : ".";
    int writable = access(folder, W_OK | X_OK) == 0;
    const char *problem = writable ? "" : strerror(errno);
    double free_bytes =
        statvfs(folder, &space) == 0 ? (double)space.f_bavail * (double)space.f_frsize : 0;
    return json_pack("{s:s, s:b, s:o, s:o}", "path", "runs", "writable", writable, "problem",
                     rv_json_text(problem), "free_gib", rv_json_number(free_bytes / (1 << 30)));
}

static json_t *facts_json(cli_call *call)
{
    rv_context *context = call->context;
    return json_pack("{s:s, s:s, s:o, s:s, s:i, s:i, s:o, s:o, s:o, s:o, s:b}", "version",
                     rv_version(), "backend", rv_context_backend(context), "instruction_sets",
                     isa_json(), "instruction_set", rv_context_isa(context), "threads",
                     rv_context_threads(context), "processors", (int)sysconf(_SC_NPROCESSORS_ONLN),
                     "libraries", libraries_json(), "data_directories",
                     strings_json(call->data_directory, call->data_directory_count), "data",
                     data_json(call), "runs", runs_json(), "fonts", has_fonts());
}

/* ---- plain text ---- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void print_data(const json_t *facts)
{
    size_t i;
    json_t *entry, *folder;
    json_array_foreach(json_object_get(facts, "data"), i, entry)
    {
        const char *path = text_of(entry, "path");
        long long train = (long long)json_integer_value(json_object_get(entry, "train"));
        long long test = (long long)json_integer_value(json_object_get(entry, "test"));
        if (*path && train + test > 0)
            printf("data              %s: %lld + %lld images, %s\n", text_of(entry, "name"), train,
                   test, path);
        else if (!*path)
            printf("data              %s: not found; data.name=digits always works\n",
                   text_of(entry, "name"));
    }
    json_array_foreach(json_object_get(facts, "data"), i, entry)
    {
        if (*text_of(entry, "problem"))
            printf("damaged data      %s: %s\n", text_of(entry, "name"), text_of(entry, "problem"));
        if (*text_of(entry, "note"))
            printf("data              %s: note: %s\n", text_of(entry, "name"),
                   text_of(entry, "note"));
    }
    printf("looked in        ");
    json_array_foreach(json_object_get(facts, "data_directories"), i, folder)
        printf(" %s", json_string_value(folder));
    putchar('\n');
}

static void print_facts(const json_t *facts)
{
    const json_t *runs = json_object_get(facts, "runs");
    size_t i;
    json_t *item;
    printf("version           %s\n", text_of(facts, "version"));
    printf("instruction sets ");
    json_array_foreach(json_object_get(facts, "instruction_sets"), i, item)
        printf(" %s", json_string_value(item));
    printf("; %s is used\n", text_of(facts, "instruction_set"));
    printf("backend           %s\n", text_of(facts, "backend"));
    printf("threads           %lld of %lld processors\n",
           (long long)json_integer_value(json_object_get(facts, "threads")),
           (long long)json_integer_value(json_object_get(facts, "processors")));
    printf("libraries        ");
    json_array_foreach(json_object_get(facts, "libraries"), i, item)
        printf("%s %s %s", i ? "," : "", text_of(item, "name"), text_of(item, "version"));
    putchar('\n');
    print_data(facts);
    if (json_is_true(json_object_get(runs, "writable")))
        printf("runs              the folder `%s` can be written, %.1f GiB free\n",
               text_of(runs, "path"), json_real_value(json_object_get(runs, "free_gib")));
    else
        printf("runs              the folder `%s` cannot be written: %s\n", text_of(runs, "path"),
               text_of(runs, "problem"));
    printf("fonts             %s\n", json_is_true(json_object_get(facts, "fonts"))
                                         ? "found"
                                         : "none; charts will look coarse: install "
                                           "fonts-dejavu-core");
}

static rv_status run(cli_call *call)
{
    rv_fonts_load(call->context); /* only while there is memory for it */
    json_t *facts = rv_error_status(call->context) == RV_OK ? facts_json(call) : NULL;
    rv_status status = rv_error_status(call->context);
    if (status == RV_OK)
        status = cli_json_whole(call, facts);
    if (status != RV_OK) {
        json_decref(facts);
        return status;
    }
    const json_t *runs = json_object_get(facts, "runs");
    int writable = json_is_true(json_object_get(runs, "writable"));
    if (call->json)
        status = cli_print_json(call, json_incref(facts));
    else
        print_facts(facts);
    if (status == RV_OK && !writable)
        status = rv_fail(call->context, RV_IO_ERROR,
                         "runs cannot be written here: %s; go to another folder, or train with "
                         "--run DIR",
                         text_of(runs, "problem"));
    json_decref(facts);
    return status;
}

const cli_verb cli_verb_doctor = {
    .name = "doctor",
    .summary = "what this machine has, and whether anything is in the way",
    .usage = "",
    .example = "reverie doctor",
    .details =
        "Prints the version, the instruction sets, threads and libraries, the data sets that "
        "were found and where, and whether runs can be written here (exit code 4 when not).",
    .run = run,
};
