/* Writes the help, the man page and the lists of settings from their tables. */
#include "call.h"

#include "reverie/config.h"

#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 80, VERB_COLUMN = 16, OPTION_COLUMN = 26 };

/* ---- plain text ---- */

/* Prints a paragraph from `column` on, with the same indentation for later lines. */
static void print_wrapped(FILE *stream, const char *paragraph, int column)
{
    int at = column;
    while (*paragraph) {
        int length = (int)strcspn(paragraph, " ");
        if (at > column && at + 1 + length > COLUMNS) {
            fprintf(stream, "\n%*s", column, "");
            at = column;
        } else if (at > column) {
            fputc(' ', stream);
            at++;
        }
        fprintf(stream, "%.*s", length, paragraph);
        at += length;
        paragraph += length;
        paragraph += strspn(paragraph, " ");
    }
    fputc('\n', stream);
}

/* "-n, --count N" */
static int option_text(const cli_option *option, char *text, size_t bytes)
{
    char letter[8] = "    ";
    if (option->letter)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    return snprintf(text, bytes, "%s--%s%s%s", letter, option->name, option->value ? " " : "",
                    option->value ? option->value : "");
}

/* The help line, with the choices and the default. */
static void option_help(const cli_option *option, char *text, size_t bytes)
{
    int length = snprintf(text, bytes, "%s", option->help);
    if (option->choices && length > 0 && (size_t)length < bytes) {
        char *c = text + length;
        length += snprintf(text + length, bytes - (size_t)length, ": %s", option->choices);
        for (; *c; c++)
            *c = *c == '|' ? ' ' : *c;
    }
    if (option->value && option->default_text && (size_t)length < bytes)
        snprintf(text + length, bytes - (size_t)length, " (%s)", option->default_text);
}

static void print_option(FILE *stream, const cli_option *option)
{
    char name[64], help[512];
    int length = option_text(option, name, sizeof name);
    option_help(option, help, sizeof help);
    fprintf(stream, "  %-*s", OPTION_COLUMN - 2, name);
    if (length > OPTION_COLUMN - 3)
        fprintf(stream, "\n%*s", OPTION_COLUMN, "");
    print_wrapped(stream, help, OPTION_COLUMN);
}

static void print_lines(FILE *stream, const char *lines, const char *indent)
{
    while (*lines) {
        int length = (int)strcspn(lines, "\n");
        fprintf(stream, "%s%.*s\n", indent, length, lines);
        lines += length + (lines[length] == '\n');
    }
}

void cli_help_all(FILE *stream)
{
    fprintf(stream,
            "Reverie %s trains, evaluates and shows deep generative models.\n\n"
            "usage: reverie VERB [argument ...] [--option ...]\n\n",
            rv_version());
    for (int i = 0; i < cli_verb_count; i++) {
        if (cli_verbs[i]->hidden)
            continue;
        fprintf(stream, "  %-*s", VERB_COLUMN - 2, cli_verbs[i]->name);
        print_wrapped(stream, cli_verbs[i]->summary, VERB_COLUMN);
    }
    fprintf(stream, "\nEvery verb takes:\n");
    for (int i = 0; i < cli_common_option_count; i++)
        print_option(stream, &cli_common_options[i]);
    fprintf(stream, "\n`reverie VERB --help` says more about a verb, with an example.\n");
}

rv_status cli_help_verb(cli_call *call, const cli_verb *verb)
{
    printf("usage: reverie %s%s%s\n\n", verb->name, *verb->usage ? " " : "", verb->usage);
    print_wrapped(stdout, verb->summary, 0);
    if (verb->details) {
        fputc('\n', stdout);
        print_wrapped(stdout, verb->details, 0);
    }
    printf("\nexample:\n");
    print_lines(stdout, verb->example, "  ");
    if (verb->option_count > 0)
        printf("\noptions:\n");
    for (int i = 0; i < verb->option_count; i++)
        print_option(stdout, &verb->option[i]);
    printf("\ncommon options:\n");
    for (int i = 0; i < cli_common_option_count; i++)
        print_option(stdout, &cli_common_options[i]);
    if (!verb->takes_settings)
        return RV_OK;
    char *settings = rv_settings_listing(call->context, RV_LISTING_TEXT);
    if (!settings)
        return rv_error_status(call->context);
    printf("\nsettings, as key=value (values; default):\n\n%s", settings);
    rv_listing_free(settings);
    return RV_OK;
}

/* ---- man page ---- */

/* In roff a backslash is special, so is a dot or a quote at the beginning of a line, and a plain
 * "-" may become a hyphen. */
static void print_roff(const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (; *text; text++)
        if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else
            fputc(*text, stdout);
}

static void print_roff_option(const cli_option *option)
{
    char name[64], help[512];
    option_text(option, name, sizeof name);
    option_help(option, help, sizeof help);
    fputs(".TP\n.B ", stdout);
    print_roff(name + strspn(name, " "));
    fputc('\n', stdout);
    print_roff(help);
    fputc('\n', stdout);
}

static void print_roff_verb(const cli_verb *verb)
{
    fputs(".SS reverie ", stdout);
    print_roff(verb->name);
    putchar(' ');
    print_roff(verb->usage);
    putchar('\n');
    print_roff(verb->summary);
    fputs(".\n", stdout);
    if (verb->details) {
        print_roff(verb->details);
        putchar('\n');
    }
    for (int i = 0; i < verb->option_count; i++)
        print_roff_option(&verb->option[i]);
    fputs(".PP\nExample:\n.PP\n.nf\n.RS\n", stdout);
    print_roff(verb->example);
    fputs("\n.RE\n.fi\n", stdout);
}

static void print_roff_status(void)
{
    fputs(".SH EXIT STATUS\n", stdout);
#define PRINT_STATUS(symbol, code, name, meaning) fputs(".TP\n.B " #code "\n" meaning "\n", stdout);
    RV_STATUS_MAP(PRINT_STATUS)
#undef PRINT_STATUS
}

static rv_status print_man(cli_call *call)
{
    char *settings = rv_settings_listing(call->context, RV_LISTING_MAN);
    if (!settings)
        return rv_error_status(call->context);
    printf(".TH REVERIE 1 \"\" \"Reverie %s\"\n.SH NAME\n"
           "reverie \\- train, evaluate and show deep generative models\n"
           ".SH SYNOPSIS\n.B reverie\n.I VERB\n[\\fIargument\\fR ...] [\\fIkey\\fB=\\fIvalue\\fR "
           "...] [\\fB\\-\\-option\\fR ...]\n.SH VERBS\n",
           rv_version());
    for (int i = 0; i < cli_verb_count; i++)
        if (!cli_verbs[i]->hidden)
            print_roff_verb(cli_verbs[i]);
    fputs(".SH COMMON OPTIONS\n", stdout);
    for (int i = 0; i < cli_common_option_count; i++)
        print_roff_option(&cli_common_options[i]);
    fputs(".SH SETTINGS\nA recipe is a YAML file of keys and values; \\fIkey\\fB=\\fIvalue\\fR on "
          "the command line wins over it.\nA key is dotted, as train.lr; nested maps are the same "
          "keys written shorter.\n",
          stdout);
    fputs(settings, stdout);
    rv_listing_free(settings);
    print_roff_status();
    fputs(".SH ENVIRONMENT\n"
          ".TP\n.B REVERIE_DATA\nwhere data sets are looked for, after \\-\\-data\\-dir\n"
          ".TP\n.B XDG_CACHE_HOME\nits folder reverie is where data sets are looked for last "
          "(~/.cache/reverie when unset)\n"
          ".TP\n.B NO_COLOR\nno colours on a terminal\n",
          stdout);
    return RV_OK;
}

/* ---- the verb `help` ---- */

static rv_status run_settings(cli_call *call)
{
    char *text = rv_settings_listing(call->context, RV_LISTING_MARKDOWN);
    if (!text)
        return rv_error_status(call->context);
    printf("# Settings\n\nWhat a recipe may say, and `key=value` on the command line, which wins. "
           "A key is dotted; nested maps are the same keys written shorter: `train: {lr: 1e-3}` "
           "is `train.lr: 1e-3`. Made by `reverie help --settings`.\n\n%s",
           text);
    rv_listing_free(text);
    return RV_OK;
}

static rv_status run_help(cli_call *call)
{
    if (cli_given(call, "man"))
        return print_man(call);
    if (cli_given(call, "settings"))
        return run_settings(call);
    if (call->argument_count == 0) {
        cli_help_all(stdout);
        return RV_OK;
    }
    const cli_verb *verb = cli_verb_find(call->argument[0]);
    return verb ? cli_help_verb(call, verb) : cli_fail_verb(call->context, call->argument[0]);
}

static const cli_option options[] = {
    CLI_SWITCH("man", "the man page, for man -l"),
    CLI_SWITCH("settings", "all settings, as Markdown"),
};

const cli_verb cli_verb_help = {
    .name = "help",
    .summary = "help on a verb, the man page, or the list of settings",
    .usage = "[VERB] [--man] [--settings]",
    .example = "reverie help train\nreverie help --man | man -l -",
    CLI_OPTIONS(options),
    .arguments = {0, 1},
    .hidden = 1,
    .run = run_help,
};
