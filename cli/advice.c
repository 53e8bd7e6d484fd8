/* The flag or command to type after some messages of the library, which knows neither. */
#include "verb.h"

#include "core/shell.h"

#include <stdio.h>
#include <string.h>

/* The first row that fits is used: `says` is a part of the message; %s is the folder at the
 * beginning of the message, quoted for a shell. */
static const struct advice {
    const char *says, *type;
} advice[] = {
    {": holds a run already", "`reverie resume %s`, another --run, or --force"},
    {": holds no run while", "`reverie resume %s`"},
    {": holds no run", "`reverie runs list` lists runs"},
    {": no number is free", "--run DIR"},
    {": is no checkpoint of this run", "`reverie train RECIPE --from FILE`"},
    {"have no sigmas: go from 0 to 1", "--from 0 --to 1"},
    {"makes no images to judge", "--images FILE.npy"},
    {"in the features of a classifier: train one",
     "`reverie train classifier-cnn --run runs/judge`, then --classifier runs/judge"},
    {"look at the curves of its training", "`reverie figure %s curves`, --checkpoint FILE"},
    {": this is a recipe, and no study",
     "`reverie train` takes it; `reverie study` lists the studies"},
    {": there is no such study", "`reverie study` lists them"},
    {"another folder for the study", "--folder DIR"},
    {"the study now asks for", "--folder DIR"},
    {": the study sets the seeds itself", "--seeds N"},
    {"choose another folder", "--run DIR"}, /* for a run to which no row above applies */
};

/* Whether the message begins with that folder; control characters in it are replaced. */
static int begins_with(const char *message, const char *folder)
{
    size_t i = 0;
    while (folder[i] && (folder[i] == message[i] || message[i] == '?'))
        i++;
    return !folder[i] && strncmp(message + i, ": ", 2) == 0;
}

/* The folder at the beginning of the message, as the user typed it. */
static void find_folder(const cli_call *call, const char *message, char folder[4096])
{
    snprintf(folder, 4096, "%.*s", (int)(strstr(message, ": ") - message), message);
    for (int i = 0; i < call->word_count; i++) {
        const char *word = call->word[i], *equals = strchr(word, '=');
        if (strncmp(word, "--", 2) == 0 && equals)
            word = equals + 1;
        if (begins_with(message, word))
            snprintf(folder, 4096, "%s", word);
    }
}

static void print_advice(const cli_call *call, const char *message, const char *type)
{
    char folder[4096], text[RV_SHELL_PATH];
    const char *place = strstr(type, "%s");
    if (!place) {
        fprintf(stderr, " (%s)", type);
        return;
    }
    find_folder(call, message, folder);
    fprintf(stderr, " (%.*s%s%s)", (int)(place - type), type, rv_shell_path(folder, text),
            place + 2);
}

void cli_print_message(const cli_call *call, const char *kind, const char *message)
{
    char isa[32], threads[32], policy[32];
    fprintf(stderr, "reverie: %s%s", kind, message);
    for (int i = 0; i < CLI_COUNT(advice); i++)
        if (strstr(message, advice[i].says)) {
            print_advice(call, message, advice[i].type);
            break;
        }
    if (sscanf(message, "the run was on %31s with %31s threads", isa, threads) == 2)
        fprintf(stderr, " (--isa %s --threads %s would)", isa, threads);
    if (sscanf(message, "the run's convolutions were computed by %31[a-z]", policy) == 1)
        fprintf(stderr, " (--conv %s would)", policy);
    fputc('\n', stderr);
}
