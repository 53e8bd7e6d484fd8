/* reverie doctor: the facts of this machine, and problems that would prevent a training.  Only this
 * file of the command line includes the libraries below Reverie: for their versions. */
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

static const char *list_words(rv_values *facts, const char *const *words, int count)
{
    const char *text = "";
    for (int i = 0; i < count; i++)
        text = rv_values_text(facts, "%s %s", text, words[i]);
    return text;
}

/* Each instruction set is tried in a separate context. */
static void add_isa(cli_call *call, rv_values *facts)
{
    static const char *const names[] = {"baseline", "avx2", "avx512"};
    static const char *found[CLI_COUNT(names)];
    const char *used = rv_context_isa(call->context);
    int count = 0;
    for (int i = 0; i < CLI_COUNT(names); i++) {
        rv_context *context = rv_context_new();
        if (!context)
            rv_fail_memory(call->context);
        else if (rv_context_set_isa(context, names[i]) == RV_OK)
            found[count++] = names[i];
        rv_context_free(context);
    }
    rv_values_words(facts, "instruction_sets", found, count);
    rv_values_word(facts, "instruction_set", used);
    rv_values_line(facts, "instruction sets %s; %s is used", list_words(facts, found, count), used);
}

static void add_libraries(rv_values *facts)
{
    char xxhash[32], sleef[32];
    unsigned number = XXH_versionNumber();
    snprintf(xxhash, sizeof xxhash, "%u.%u.%u", number / 10000, number / 100 % 100, number % 100);
    snprintf(sleef, sizeof sleef, "%d.%d", SLEEF_VERSION_MAJOR, SLEEF_VERSION_MINOR);
    const char *const library[][2] = {{"oneDNN", rv_onednn_version()},
                                      {"SLEEF", sleef},
                                      {"libyaml", yaml_get_version_string()},
                                      {"jansson", JANSSON_VERSION},
                                      {"libpng", png_libpng_ver},
                                      {"zlib", zlibVersion()},
                                      {"xxHash", xxhash},
                                      {"cairo", cairo_version_string()}};
    const char *text = "";
    rv_values *list = rv_values_lists(facts, "libraries", CLI_COUNT(library));
    for (int i = 0; list && i < CLI_COUNT(library); i++) {
        rv_values_word(&list[i], "name", library[i][0]);
        rv_values_word(&list[i], "version", library[i][1]);
        text =
            rv_values_text(facts, "%s%s %s %s", text, i ? "," : "", library[i][0], library[i][1]);
    }
    rv_values_line(facts, "libraries        %s", text);
}

/* Without a font file cairo uses a built-in font, which the program draws. */
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

static void add_set(rv_values *facts, rv_values *one, const rv_data_entry *entry)
{
    long long train = (long long)entry->train_count, test = (long long)entry->test_count;
    rv_values_word(one, "name", entry->name);
    rv_values_word(one, "path", entry->path);
    rv_values_count(one, "train", train);
    rv_values_count(one, "test", test);
    rv_values_word(one, "problem", entry->problem);
    rv_values_word(one, "note", entry->note);
    if (!entry->path)
        rv_values_line(facts, "data              %s: not found; data.name=digits always works",
                       entry->name);
    else if (!entry->problem)
        rv_values_line(facts, "data              %s: %lld + %lld images, %s", entry->name, train,
                       test, entry->path);
}

static void add_data(cli_call *call, rv_values *facts)
{
    rv_data_entry *entries;
    int count;
    if (rv_data_list(call->context, call->data_directory, call->data_directory_count, &entries,
                     &count) != RV_OK)
        return;
    rv_values_words(facts, "data_directories", call->data_directory, call->data_directory_count);
    rv_values *list = rv_values_lists(facts, "data", count);
    for (int i = 0; list && i < count; i++)
        add_set(facts, &list[i], &entries[i]);
    for (int i = 0; i < count; i++) {
        const rv_data_entry *e = &entries[i];
        if (e->problem)
            rv_values_line(facts, "damaged data      %s: %s", e->name, e->problem);
        if (e->note)
            rv_values_line(facts, "data              %s: note: %s", e->name, e->note);
    }
    rv_values_line(facts, "looked in        %s",
                   list_words(facts, call->data_directory, call->data_directory_count));
    rv_data_list_free(entries, count);
}

/* The folder for runs, or the folder in which it would be created; *problem: why it is not
 * writable, "" if it is. */
static void add_runs(rv_values *facts, const char **problem)
{
    struct statvfs space;
    const char *folder = access("runs", F_OK) == 0 ? "runs" : ".";
    int writable = access(folder, W_OK | X_OK) == 0;
    *problem = writable ? "" : strerror(errno);
    double free_gib = 0;
    if (statvfs(folder, &space) == 0)
        free_gib = (double)space.f_bavail * (double)space.f_frsize / (1 << 30);
    rv_values *runs = rv_values_list(facts, "runs");
    if (!runs)
        return;
    rv_values_word(runs, "path", "runs");
    rv_values_fact(runs, "writable", writable)->kind = RV_VALUE_FLAG;
    rv_values_word(runs, "problem", *problem);
    rv_values_fact(runs, "free_gib", free_gib);
    if (writable)
        rv_values_line(facts, "runs              the folder `runs` can be written, %.1f GiB free",
                       free_gib);
    else
        rv_values_line(facts, "runs              the folder `runs` cannot be written: %s",
                       *problem);
}

static void add_machine(cli_call *call, rv_values *facts)
{
    const char *backend = rv_context_backend(call->context);
    int threads = rv_context_threads(call->context);
    int processors = (int)sysconf(_SC_NPROCESSORS_ONLN);
    rv_values_word(facts, "version", rv_version());
    rv_values_line(facts, "version           %s", rv_version());
    rv_values_word(facts, "backend", backend);
    add_isa(call, facts);
    rv_values_line(facts, "backend           %s", backend);
    rv_values_count(facts, "threads", threads);
    rv_values_count(facts, "processors", processors);
    rv_values_line(facts, "threads           %d of %d processors", threads, processors);
    add_libraries(facts);
}

static rv_status run(cli_call *call)
{
    const char *problem = "";
    rv_values facts = rv_values_of(call->context);
    rv_fonts_load(call->context); /* only while enough memory is free */
    if (rv_error_status(call->context) == RV_OK) {
        int fonts = has_fonts();
        add_machine(call, &facts);
        add_data(call, &facts);
        add_runs(&facts, &problem);
        rv_values_fact(&facts, "fonts", fonts)->kind = RV_VALUE_FLAG;
        rv_values_line(&facts, "fonts             %s",
                       fonts ? "found"
                             : "none; charts will look coarse: install fonts-dejavu-core");
    }
    rv_status status = cli_give_all(call, &facts, RV_OK);
    if (status == RV_OK && *problem)
        status = rv_fail(call->context, RV_IO_ERROR,
                         "runs cannot be written here: %s; go to another folder, or train with "
                         "--run DIR",
                         problem);
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
