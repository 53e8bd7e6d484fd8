/* Reads the options of a verb by its table, with getopt_long. */
#include "call.h"

#include "environment.h"

#include "config/value.h"
#include "core/arena.h"
#include "core/nearest.h"
#include "reverie/io.h"
#include "reverie/program.h"

#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

const cli_option cli_common_options[] = {
    CLI_SWITCH("json", "print results as JSON, for programs"),
    {"quiet", 'q', NULL, RV_OPTION_BOOL, "false", 0, 0, NULL, "no messages but errors"},
    CLI_INTEGER("threads", 0, "N", NULL, 1, 1024,
                "threads of the computation; all cores when absent"),
    CLI_TEXT("data-dir", 0, "DIR", NULL, "where data sets are looked for first: DIR/mnist/..."),
    CLI_CHOICE("isa", "NAME", NULL, "baseline|avx2|avx512",
               "instruction set; the best of the machine when absent"),
    CLI_CHOICE(
        "conv", "NAME", NULL, "auto|direct|transform",
        "how convolutions are computed; the faster way when absent, or as a resumed run did"),
    CLI_INTEGER("conv-memory", 0, "MB", "256", 0, 1 << 20,
                "most that transforms of convolutions may take from one pass of a step to another"),
    CLI_CHOICE("backend", "NAME", NULL, "cpu|reference",
               "what computes; reference is slow and in double precision"),
    {"help", 'h', NULL, RV_OPTION_BOOL, "false", 0, 0, NULL, "this help"},
    CLI_SWITCH("version", "the version"),
};
const int cli_common_option_count = CLI_COUNT(cli_common_options);

/* The value of each option, the verb's first, then the common ones. */
typedef struct slot {
    union {
        int truth; /* also for choices */
        int64_t integer;
        double number;
        const char *text;
    };
    int given;
} slot;

struct cli_values {
    rv_arena arena; /* holds everything in the call, and itself */
    int count;
    slot value[]; /* [count] */
};

/* The record is in its own arena. */
static struct cli_values *new_values(int count)
{
    rv_arena arena = {0};
    struct cli_values *values =
        rv_arena_alloc(&arena, sizeof *values + (size_t)count * sizeof values->value[0]);
    if (!values)
        return NULL;
    values->count = count;
    values->arena = arena;
    return values;
}

static const cli_option *option_at(const cli_verb *verb, int index)
{
    return index < verb->option_count ? &verb->option[index]
                                      : &cli_common_options[index - verb->option_count];
}

/* ---- reading values ---- */

static rv_status store(cli_call *call, int index, const char *text)
{
    const cli_option *option = option_at(call->verb, index);
    char key[64];
    snprintf(key, sizeof key, "--%s", option->name);
    rv_option row = {.key = key,
                     .type = option->type,
                     .least = option->least,
                     .most = option->most,
                     .choices = option->choices};
    config_setting setting = {
        .key = key, .origin = call->verb->name, .form = CONFIG_SCALAR, .text = text};
    return config_store(call->context, &call->values->arena, &row, &setting,
                        &call->values->value[index]);
}

static rv_status store_defaults(cli_call *call)
{
    rv_status status = RV_OK;
    for (int i = 0; i < call->values->count && status == RV_OK; i++)
        if (option_at(call->verb, i)->default_text)
            status = store(call, i, option_at(call->verb, i)->default_text);
    return status;
}

/* ---- unknown options ---- */

static rv_status fail_option(cli_call *call, const char *word)
{
    const cli_verb *verb = call->verb;
    rv_nearest nearest = {0};
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    for (int i = 0; i < call->values->count; i++)
        rv_nearest_try(&nearest, name, option_at(verb, i)->name, option_at(verb, i)->name);
    if (nearest.word)
        return rv_fail(call->context, RV_BAD_USAGE,
                       "%s: unknown option `--%s`; did you mean `--%s`?", verb->name, name,
                       nearest.word);
    return rv_fail(call->context, RV_BAD_USAGE,
                   "%s: unknown option `--%s`; `reverie %s --help` lists them", verb->name, name,
                   verb->name);
}

/* getopt's verdict on the word before `optind`: '?' unknown, ':' without its value. */
static rv_status fail_word(cli_call *call, int verdict, const char *word)
{
    const cli_verb *verb = call->verb;
    int is_long = strncmp(word, "--", 2) == 0;
    if (verdict == ':' && is_long)
        return rv_fail(call->context, RV_BAD_USAGE, "%s: %s needs a value", verb->name, word);
    if (verdict == ':')
        return rv_fail(call->context, RV_BAD_USAGE, "%s: -%c needs a value", verb->name, optopt);
    if (is_long && optopt != 0)
        return rv_fail(call->context, RV_BAD_USAGE, "%s: --%s takes no value", verb->name,
                       option_at(verb, optopt - 256)->name);
    if (is_long)
        return fail_option(call, word);
    return rv_fail(call->context, RV_BAD_USAGE,
                   "%s: unknown option `-%c`; `reverie %s --help` lists them", verb->name, optopt,
                   verb->name);
}

/* ---- the words ---- */

enum { LETTERS_MOST = 128 };

/* The tables of getopt_long: long option i has the value 256 + i. */
static void fill_getopt(const cli_verb *verb, int count, struct option *table, char *letters)
{
    *letters++ = ':';
    for (int i = 0; i < count; i++) {
        const cli_option *option = option_at(verb, i);
        int takes = option->value ? required_argument : no_argument;
        table[i] = (struct option){option->name, takes, NULL, 256 + i};
        if (option->letter) {
            *letters++ = option->letter;
            if (option->value)
                *letters++ = ':';
        }
    }
    *letters = '\0';
}

static int index_of_letter(const cli_verb *verb, int count, int letter)
{
    for (int i = 0; i < count; i++)
        if (option_at(verb, i)->letter == letter)
            return i;
    return -1;
}

static rv_status read_options(cli_call *call, int count, char **words, struct option *table)
{
    const cli_verb *verb = call->verb;
    struct cli_values *values = call->values;
    char letters[LETTERS_MOST];
    int found;
    fill_getopt(verb, values->count, table, letters);
    opterr = 0;
    optind = 1;
    rv_status status = store_defaults(call);
    while (status == RV_OK && (found = getopt_long(count, words, letters, table, NULL)) != -1) {
        if (found == '?' || found == ':')
            return fail_word(call, found, words[optind - 1]);
        int index = found >= 256 ? found - 256 : index_of_letter(verb, values->count, found);
        values->value[index].given = 1;
        status = store(call, index, optarg ? optarg : "true");
    }
    return status;
}

/* Settings look like train.lr=1e-3.  A path may contain an equal sign too: after its '/', or if
 * such a file or folder exists and the verb still needs an argument. */
static int is_setting(const cli_call *call, const char *word)
{
    size_t length = strcspn(word, "=/ ");
    if (length == 0 || word[length] != '=')
        return 0;
    return call->argument_count >= call->verb->arguments.most || !rv_file_exists(word);
}

/* A shell expands ~ only at the beginning of a word: here it arrived unexpanded. */
static rv_status check_tilde(cli_call *call, const char *name, const char *text, int is_option)
{
    size_t length = strcspn(text, "/");
    if (*text != '~' || rv_file_exists(text) || (length > 1 && !text[length]))
        return RV_OK;
    const char *dashes = is_option ? "--" : "", *between = is_option ? " " : "=";
    return rv_fail(call->context, RV_BAD_USAGE,
                   "%s%s=%s: the shell does not expand `~` there; write %s%s%s\"$HOME%s\"", dashes,
                   name, text, dashes, name, between, text + length);
}

static rv_status check_tildes(cli_call *call)
{
    rv_status status = RV_OK;
    for (int i = 0; i < call->values->count && status == RV_OK; i++) {
        const cli_option *option = option_at(call->verb, i);
        if (call->values->value[i].given && option->type == RV_OPTION_TEXT)
            status = check_tilde(call, option->name, call->values->value[i].text, 1);
    }
    for (int i = 0; i < call->override_count && status == RV_OK; i++) {
        const char *equals = strchr(call->override[i], '=');
        char name[128];
        snprintf(name, sizeof name, "%.*s", (int)(equals - call->override[i]), call->override[i]);
        status = check_tilde(call, name, equals + 1, 0);
    }
    return status;
}

static rv_status sort_arguments(cli_call *call, int count, char **words)
{
    const cli_verb *verb = call->verb;
    for (int i = optind; i < count; i++) {
        if (verb->takes_settings && is_setting(call, words[i]))
            call->override[call->override_count++] = words[i];
        else
            call->argument[call->argument_count++] = words[i];
    }
    rv_status status = check_tildes(call);
    if (status != RV_OK)
        return status;
    const char *space = *verb->usage ? " " : "";
    if (call->argument_count < verb->arguments.least)
        return rv_fail(call->context, RV_BAD_USAGE,
                       "%s: something is missing; usage: reverie %s%s%s", verb->name, verb->name,
                       space, verb->usage);
    if (verb->arguments.most >= 0 && call->argument_count > verb->arguments.most)
        return rv_fail(call->context, RV_BAD_USAGE,
                       "%s: `%.80s` is too much; usage: reverie %s%s%s", verb->name,
                       call->argument[verb->arguments.most], verb->name, space, verb->usage);
    return RV_OK;
}

/* ---- the call ---- */

static rv_status apply_common(cli_call *call)
{
    rv_status status = RV_OK;
    char name[32];
    call->json = cli_given(call, "json");
    call->quiet = cli_given(call, "quiet");
    if (cli_given(call, "threads"))
        rv_context_set_threads(call->context, (int)cli_integer(call, "threads"));
    if (cli_given(call, "isa")) {
        config_choice_name("baseline|avx2|avx512", cli_choice(call, "isa"), name, sizeof name);
        status = rv_context_set_isa(call->context, name);
    }
    if (status == RV_OK && cli_given(call, "backend")) {
        config_choice_name("cpu|reference", cli_choice(call, "backend"), name, sizeof name);
        status = rv_context_set_backend(call->context, name);
    }
    if (status == RV_OK && cli_given(call, "conv")) /* the choices have the order of the policies */
        status = rv_context_set_conv(call->context, (rv_conv_policy)cli_choice(call, "conv"));
    rv_context_set_conv_memory(call->context, (size_t)cli_integer(call, "conv-memory") << 20);
    rv_context_set_conv_measuring(call->context, 1);
    if (status == RV_OK)
        status = cli_environment_read(call, &call->values->arena, cli_text(call, "data-dir"));
    /* A given policy leaves no choice to measure. */
    if (status == RV_OK && rv_context_conv(call->context) == RV_CONV_AUTO)
        status = cli_tuning_cache_load(call, &call->values->arena);
    return status;
}

/* --help and --version answer whatever else is wrong with the words. */
static int asks_only(cli_call *call, int count, char **words)
{
    for (int i = 1; i < count && strcmp(words[i], "--") != 0; i++) {
        call->wants_help |= strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0;
        call->wants_version |= strcmp(words[i], "--version") == 0;
    }
    return call->wants_help || call->wants_version;
}

rv_status cli_call_read(cli_call *call, int count, char **words)
{
    if (asks_only(call, count, words))
        return RV_OK;
    int options = call->verb->option_count + cli_common_option_count;
    call->values = new_values(options);
    if (!call->values)
        return rv_fail_memory(call->context);
    rv_arena *arena = &call->values->arena;
    call->argument = rv_arena_alloc(arena, (size_t)count * sizeof *call->argument);
    call->override = rv_arena_alloc(arena, (size_t)count * sizeof *call->override);
    const char **typed = rv_arena_alloc(arena, (size_t)count * sizeof *typed);
    for (int i = 0; typed && i < count; i++)
        typed[i] = words[i]; /* getopt_long reorders them */
    call->word = typed;
    call->word_count = count;
    struct option *table = rv_arena_alloc(arena, ((size_t)options + 1) * sizeof *table);
    if (!call->argument || !call->override || !typed || !table)
        return rv_fail_memory(call->context);
    rv_status status = read_options(call, count, words, table);
    if (status != RV_OK)
        return status;
    call->wants_help = cli_given(call, "help"); /* abbreviated, as --he */
    call->wants_version = cli_given(call, "version");
    if (call->wants_help || call->wants_version)
        return RV_OK;
    status = sort_arguments(call, count, words);
    return status == RV_OK ? apply_common(call) : status;
}

void cli_call_free(cli_call *call)
{
    if (!call->values)
        return;
    rv_arena arena = call->values->arena;
    rv_arena_free(&arena);
    call->values = NULL;
}

/* ---- the values of options, for verbs ---- */

static slot *value_of(const cli_call *call, const char *name)
{
    int index = 0;
    while (index < call->values->count && strcmp(option_at(call->verb, index)->name, name) != 0)
        index++;
    assert(index < call->values->count && "the option is in the verb's table");
    return &call->values->value[index];
}

int cli_given(const cli_call *call, const char *option)
{
    return value_of(call, option)->given;
}

int64_t cli_integer(const cli_call *call, const char *option)
{
    return value_of(call, option)->integer;
}

int64_t cli_integer_or(const cli_call *call, const char *option, int64_t otherwise)
{
    return cli_given(call, option) ? cli_integer(call, option) : otherwise;
}

uint64_t cli_seed(const cli_call *call)
{
    return (uint64_t)cli_integer(call, "seed");
}

double cli_number(const cli_call *call, const char *option)
{
    return value_of(call, option)->number;
}

void cli_set_choice(cli_call *call, const char *option, int choice)
{
    value_of(call, option)->truth = choice;
}

/* Whether the word is one of "a|b|c". */
static int is_among(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; *at; at += strcspn(at, "|"), at += *at == '|')
        if (strcspn(at, "|") == length && strncmp(at, word, length) == 0)
            return 1;
    return 0;
}

const char *cli_unused(const cli_call *call, const char *used)
{
    for (int i = 0; i < call->verb->option_count; i++)
        if (call->values->value[i].given && !is_among(used, call->verb->option[i].name))
            return call->verb->option[i].name;
    return NULL;
}

const char *cli_text(const cli_call *call, const char *option)
{
    return value_of(call, option)->text;
}

int cli_choice(const cli_call *call, const char *option)
{
    return value_of(call, option)->truth;
}
