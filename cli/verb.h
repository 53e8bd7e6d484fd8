/* A verb of the command line is one row: the text for `--help`, man page and completion, the
 * options, and the function that runs it.
 *
 *     static const cli_option options[] = {
 *         CLI_INTEGER("samples", 'k', "K", "0", 0, 1e6, "samples of the bound"),
 *         CLI_CHOICE("split", "NAME", "test", "train|validation|test", "which"),
 *     };
 *     static rv_status run(cli_call *call) {
 *         int64_t samples = cli_integer(call, "samples");
 *         const char *run = call->argument[0];
 *         ...
 *         return call->json ? cli_print_json(call, object) : RV_OK;
 *     }
 *     const cli_verb cli_evaluate = {
 *         .name = "evaluate", .summary = "the bound in nats, in its parts",
 *         .usage = "RUN [--split test] [--samples K]",
 *         .example = "reverie evaluate runs/lab1-vae-1",
 *         CLI_OPTIONS(options), .arguments = {1, 1}, .run = run};
 *
 * Results go to stdout (printf), messages to stderr (cli_say).  A library call, or
 * rv_fail(call->context, RV_BAD_USAGE, ...), latches a failure; main prints it and sets the exit
 * code. */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include "io/json.h"
#include "reverie/option.h"
#include "reverie/run.h"
#include "reverie/values.h"

#define CLI_COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* One option of a verb; its value is checked like a setting. */
typedef struct cli_option {
    const char *name;    /* "split": --split */
    char letter;         /* 'n': also -n; 0: none */
    const char *value;   /* the name of its value in the help; NULL: a switch, RV_OPTION_BOOL */
    rv_option_type type; /* BOOL, INTEGER, NUMBER, TEXT or CHOICE */
    const char *default_text; /* NULL: none; the value of an absent option is then NULL or 0 */
    double least, most;
    const char *choices; /* "train|validation|test" */
    const char *help;
} cli_option;

/* ---- rows: name, letter, name of the value, default, allowed values, help ---- */

#define CLI_ROW(name, letter, value, type, fallback, least, most, choices, help)                   \
    {                                                                                              \
        name, letter, value, type, fallback, least, most, choices, help                            \
    }
#define CLI_SWITCH(name, help) CLI_ROW(name, 0, NULL, RV_OPTION_BOOL, NULL, 0, 0, NULL, help)
#define CLI_INTEGER(name, letter, value, fallback, least, most, help)                              \
    CLI_ROW(name, letter, value, RV_OPTION_INTEGER, fallback, least, most, NULL, help)
#define CLI_TEXT(name, letter, value, fallback, help)                                              \
    CLI_ROW(name, letter, value, RV_OPTION_TEXT, fallback, 0, 0, NULL, help)
#define CLI_CHOICE(name, value, fallback, choices, help)                                           \
    CLI_ROW(name, 0, value, RV_OPTION_CHOICE, fallback, 0, 0, choices, help)
/* Rows that several verbs share. */
#define CLI_SEED(help)       CLI_INTEGER("seed", 0, "S", "1", 0, 9007199254740992.0, help)
#define CLI_OUTPUT(fallback) CLI_TEXT("output", 'o', "FILE", fallback, "file to write")
/* The table of a verb's options, in its row. */
#define CLI_OPTIONS(table) .option = table, .option_count = CLI_COUNT(table)

typedef struct cli_verb cli_verb;

/* The user's request. */
typedef struct cli_call {
    const cli_verb *verb;
    rv_context *context;
    const char *const *word; /* the words after the program's name, [word_count] */
    int word_count;
    int json, quiet;               /* --json, --quiet */
    int wants_help, wants_version; /* answered by main */
    const char **argument;         /* the positional arguments: RECIPE, RUN, FILE */
    int argument_count;
    const char **override; /* key=value, if the verb takes settings */
    int override_count;
    const char **data_directory; /* directories of data sets, in order */
    int data_directory_count;
    const char **recipe_directory; /* directories of recipes, in order */
    int recipe_directory_count;
    const char *cache_folder;  /* for this user's data sets and choices; NULL: none */
    const char *tuning_cache;  /* its file with this machine's tuning; NULL: not used */
    int tuning_cache_damaged;  /* whether that file must be rewritten */
    struct cli_values *values; /* of the options */
} cli_call;

struct cli_verb {
    const char *name;
    const char *summary; /* one line, no full stop */
    const char *usage;   /* the words after "reverie NAME" */
    const char *example; /* a command line that works; several, one a line */
    const char *details; /* a paragraph for the help; NULL: none */
    const cli_option *option;
    int option_count;
    struct {
        int least, most; /* most < 0: any number */
    } arguments;
    int takes_settings; /* key=value are settings, and the help lists them */
    int hidden;         /* not in the list of verbs */
    rv_status (*run)(cli_call *call);
    /* Instead of `run`: a function for the run that cli_with_run (experiment.h) opens. */
    rv_status (*act)(cli_call *call, rv_experiment *run);
    const char *endings;
    int of_split;
};

/* All verbs, in the order of the help. */
extern const cli_verb *const cli_verbs[];
extern const int cli_verb_count;
/* NULL if there is no verb of that name. */
const cli_verb *cli_verb_find(const char *name);
/* Latches RV_BAD_USAGE with the nearest verb. */
rv_status cli_fail_verb(rv_context *context, const char *name);

/* The value of an option of this verb: the given one, or its default.  The name must be in its
 * table. */
int cli_given(const cli_call *call, const char *option); /* of a switch: whether it is on */
int64_t cli_integer(const cli_call *call, const char *option);
/* For an option without a default. */
int64_t cli_integer_or(const cli_call *call, const char *option, int64_t otherwise);
uint64_t cli_seed(const cli_call *call);
double cli_number(const cli_call *call, const char *option);
/* Changes a choice that was not given, when the alternatives are known. */
void cli_set_choice(cli_call *call, const char *option, int choice);
/* The first given option of the verb that is not in `used` ("count|seed"); NULL: none. The common
 * options do not count. */
const char *cli_unused(const cli_call *call, const char *used);
const char *cli_text(const cli_call *call, const char *option); /* NULL: absent, no default */
int cli_choice(const cli_call *call, const char *option);       /* index into `choices` */

/* Calls `leave` before the program ends because a library below it lacks memory: it allocates as
 * little as possible.  NULL: nothing. */
void cli_at_want(void (*leave)(void));

/* The larger of a width and a text's length: for the width of a column. */
int cli_wider(int width, const char *text);
/* A message on stderr, "reverie: ...", unless --quiet. */
void cli_say(const cli_call *call, const char *format, ...) RV_PRINTF(2, 3);
/* Prints a message of the library on stderr after its kind ("error: "), and the flag or command
 * that solves the problem. */
void cli_print_message(const cli_call *call, const char *kind, const char *message);
/* Prints one JSON object or array and a newline on stdout, and releases it.  NULL (not valid as
 * JSON) is RV_IO_ERROR: if memory is out, jansson has ended the program (allocation.c). */
rv_status cli_print_json(cli_call *call, json_t *value);
/* Results: prints them as text, or with --json adds them to the object, which cli_end prints and
 * releases.  If `status` is a failure, cli_end returns it and prints nothing. */
void cli_give(const cli_call *call, json_t **object, const rv_values *values);
rv_status cli_end(cli_call *call, json_t *object, rv_status status);
/* Gives and ends a complete result; frees the values. */
rv_status cli_give_all(cli_call *call, rv_values *values, rv_status status);
/* For values and texts use io/json.h's rv_json_number, rv_json_number_or, rv_json_none and
 * rv_json_text: a value that is not finite becomes null, with a reason; text that is not UTF-8 is
 * read as Latin-1. */

/* From here on SIGINT, SIGTERM and SIGHUP request a stop instead of ending the program, and print
 * "reverie: MESSAGE" on stderr; a second one ends it at once.  A signal that was ignored at the
 * start, as under nohup, stays ignored. */
void cli_catch_stop(const char *message);
/* For the `stop` of a listener, whose user it ignores. */
int cli_stop_requested(void *user);

#endif
