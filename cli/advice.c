/* The flag or command to type after some messages of the library, which knows neither. */
#include "verb.h"

#include "core/shell.h"
#include "reverie/io.h"

#include <stdio.h>
#include <string.h>

/* The first row that fits is used: `says` is a part of the message; %s is the folder at the
 * beginning of the message, quoted for a shell; %o is --run, or --folder of a study. */
static const struct advice {
    const char *says, *type;
} advice[] = {
    {": holds a run already", "`reverie resume %s`, another %o, or --force"},
    {": holds no run while", "`reverie resume %s`"},
    {": holds no run", "`reverie runs list` lists runs"},
    {": no number is free", "%o DIR"},
    {": is no checkpoint of this run", "`reverie train RECIPE --from FILE`"},
    {"have no sigmas: go from 0 to 1", "--from 0 --to 1"},
    {"which are no images; an array can hold them",
     "-o points.npy; `reverie figure RUN density` draws them"},
    {"has no density over the plane", "`reverie train maf-2d data.name=moons`"},
    {"makes no images to judge", "--images FILE.npy"},
    {"in the features of a classifier: train one",
     "`reverie train classifier-cnn --run runs/judge`, then --classifier runs/judge"},
    {"look at the curves of its training", "`reverie figure %s curves`, --checkpoint FILE"},
    {": this is a recipe, and no study",
     "`reverie train` takes it; `reverie study` lists the studies"},
    {" is a key of a study", "`reverie study FILE` trains it"},
    {"which is not near any", "`reverie help --settings` lists the keys"},
    {": there is no such study", "`reverie study` lists them"},
    {"another folder for the study", "--folder DIR"},
    {"the study now asks for", "--folder DIR"},
    {": the study sets the seeds itself", "--seeds N"},
    {"choose another folder", "%o DIR"}, /* for a run to which no row above applies */
};

/* Whether the message begins with that folder; control characters in it are replaced. */
static int begins_with(const char *message, const char *folder)
{
    size_t i = 0;
    while (folder[i] && (folder[i] == message[i] || message[i] == '?'))
        i++;
    return !folder[i] && strncmp(message + i, ": ", 2) == 0;
}

/* The folder at the beginning of the message, as the user typed it: the longest word that fits, or
 * what the message says, where that exists.  Returns its length there, 0 for none. */
static size_t find_folder(const cli_call *call, const char *message, char folder[4096])
{
    size_t length = 0;
    const char *colon = strstr(message, ": ");
    snprintf(folder, 4096, "%.*s", colon ? (int)(colon - message) : 0, message);
    if (rv_file_exists(folder))
        length = strlen(folder);
    for (int i = 0; i < call->word_count; i++) {
        const char *word = call->word[i], *equals = strchr(word, '=');
        if (strncmp(word, "--", 2) == 0 && equals)
            word = equals + 1;
        if (strlen(word) < length || !begins_with(message, word))
            continue;
        length = strlen(word);
        snprintf(folder, 4096, "%s", word);
    }
    return length;
}

/* A study's runs are in its folder, which --run does not name. */
static const char *option_of(const cli_call *call)
{
    return call->verb && strcmp(call->verb->name, "study") == 0 ? "--folder" : "--run";
}

/* %s is the folder, and %o the option that names one. */
static void print_advice(const cli_call *call, const char *folder, const char *type)
{
    char text[RV_SHELL_PATH];
    fputs(" (", stderr);
    for (; *type; type++) {
        if (strncmp(type, "%s", 2) == 0)
            fputs(*folder ? rv_shell_path(folder, text) : "RUN", stderr);
        else if (strncmp(type, "%o", 2) == 0)
            fputs(option_of(call), stderr);
        else {
            fputc(*type, stderr);
            continue;
        }
        type++;
    }
    fputc(')', stderr);
}

void cli_print_message(const cli_call *call, const char *kind, const char *message)
{
    char isa[32], threads[32], policy[32], folder[4096];
    size_t length = find_folder(call, message, folder);
    fprintf(stderr, "reverie: %s%s", kind, message);
    for (int i = 0; i < CLI_COUNT(advice); i++)
        if (strstr(message + length, advice[i].says)) {
            print_advice(call, length > 0 ? folder : "", advice[i].type);
            break;
        }
    if (sscanf(message, "the run was on %31s with %31s threads", isa, threads) == 2)
        fprintf(stderr, " (--isa %s --threads %s would)", isa, threads);
    if (sscanf(message, "the run's convolutions were computed by %31[a-z]", policy) == 1)
        fprintf(stderr, " (--conv %s would)", policy);
    fputc('\n', stderr);
}
