/* reverie completion bash: writes a completion script from the tables.  The script asks this
 * program for the names of recipes, because they change. */
#include "call.h"

#include "reverie/config.h"

#include <stdio.h>
#include <string.h>

static void print_option_words(const cli_option *option, int count)
{
    for (int i = 0; i < count; i++) {
        printf(" --%s", option[i].name);
        if (option[i].letter)
            printf(" -%c", option[i].letter);
    }
}

/* After an option with choices: the choices; with another value: files. */
static void print_value_cases(const cli_option *option, int count)
{
    for (int i = 0; i < count; i++) {
        if (!option[i].value)
            continue;
        printf("        --%s", option[i].name);
        if (option[i].letter)
            printf("|-%c", option[i].letter);
        printf(") choices='");
        for (const char *c = option[i].choices ? option[i].choices : ""; *c; c++)
            putchar(*c == '|' ? ' ' : *c);
        printf("'; value=1;;\n");
    }
}

static void print_verb_cases(void)
{
    for (int i = 0; i < cli_verb_count; i++) {
        const cli_verb *verb = cli_verbs[i];
        if (verb->hidden)
            continue;
        printf("    %s) options='", verb->name);
        print_option_words(verb->option, verb->option_count);
        printf("'; settings=%d\n        case \"$before\" in\n", verb->takes_settings);
        print_value_cases(verb->option, verb->option_count);
        printf("        esac;;\n");
    }
}

static rv_status print_bash(cli_call *call)
{
    char *keys = rv_settings_listing(call->context, RV_LISTING_KEYS);
    if (!keys)
        return rv_error_status(call->context);
    printf("# bash completion of reverie %s; made by `reverie completion bash`\n"
           "_reverie() {\n"
           "    local word before verb options='' settings=0 choices='' value=0 line all equals\n"
           "    word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    verb=${COMP_WORDS[1]}\n"
           "    COMPREPLY=()\n"
           "    if ((COMP_CWORD == 1)); then\n"
           "        COMPREPLY=($(compgen -W '",
           rv_version());
    for (int i = 0; i < cli_verb_count; i++)
        if (!cli_verbs[i]->hidden)
            printf("%s ", cli_verbs[i]->name);
    printf("--help --version' -- \"$word\"))\n"
           "        return\n"
           "    fi\n"
           "    case \"$before\" in\n");
    print_value_cases(cli_common_options, cli_common_option_count);
    printf("    esac\n"
           "    case \"$verb\" in\n");
    print_verb_cases();
    printf("    esac\n"
           "    if ((value)) && [[ -n $choices ]]; then\n"
           "        COMPREPLY=($(compgen -W \"$choices\" -- \"$word\"))\n"
           "    elif ((value)); then\n"
           "        COMPREPLY=($(compgen -f -- \"$word\"))\n"
           "    elif [[ $word == -* ]]; then\n"
           "        COMPREPLY=($(compgen -W \"$options");
    print_option_words(cli_common_options, cli_common_option_count);
    printf(
        "\" -- \"$word\"))\n"
        "    else\n"
        "        COMPREPLY=($(compgen -f -- \"$word\"))\n"
        "        ((settings)) || return 0\n"
        "        # bash cuts words at '=': put `key=value` together, then give the value alone.\n"
        "        line=$word equals=''\n"
        "        if [[ $word == '=' ]]; then line=$before= equals=1; fi\n"
        "        if [[ $before == '=' ]]; then line=${COMP_WORDS[COMP_CWORD-2]}=$word equals=1; "
        "fi\n"
        "        all=\"$(reverie completion recipes 2> /dev/null) $_reverie_settings\"\n"
        "        COMPREPLY+=($(compgen -W \"$all\" -- \"$line\"))\n"
        "        if [[ -n $equals ]]; then COMPREPLY=(\"${COMPREPLY[@]#*=}\"); fi\n"
        "        if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o "
        "nospace; fi\n"
        "    fi\n"
        "}\n"
        "_reverie_settings='%s'\n"
        "complete -o filenames -o bashdefault -F _reverie reverie\n",
        keys);
    rv_listing_free(keys);
    return RV_OK;
}

static rv_status print_recipes(cli_call *call)
{
    rv_recipe *recipes;
    int count;
    rv_status status = rv_recipe_list(call->context, call->recipe_directory,
                                      call->recipe_directory_count, &recipes, &count);
    for (int i = 0; status == RV_OK && i < count; i++)
        puts(recipes[i].name);
    rv_recipe_list_free(recipes, count);
    return status;
}

static rv_status run(cli_call *call)
{
    if (strcmp(call->argument[0], "bash") == 0)
        return print_bash(call);
    if (strcmp(call->argument[0], "recipes") == 0)
        return print_recipes(call);
    return rv_fail(call->context, RV_BAD_USAGE,
                   "completion: wants bash (the script) or recipes (their names), not `%.40s`",
                   call->argument[0]);
}

const cli_verb cli_verb_completion = {
    .name = "completion",
    .summary = "the completion script of bash, made from the tables",
    .usage = "bash|recipes",
    .example = "reverie completion bash > ~/.local/share/bash-completion/completions/reverie",
    .arguments = {1, 1},
    .hidden = 1,
    .run = run,
};
