/* The verbs, in the order of the help. */
#include "verb.h"

#include "core/nearest.h"

#include <string.h>

extern const cli_verb cli_verb_train, cli_verb_resume, cli_verb_evaluate, cli_verb_sample,
    cli_verb_reconstruct, cli_verb_interpolate, cli_verb_traverse, cli_verb_inpaint,
    cli_verb_encode, cli_verb_decode, cli_verb_classify, cli_verb_probe, cli_verb_figure,
    cli_verb_demo, cli_verb_bench, cli_verb_show, cli_verb_study, cli_verb_runs, cli_verb_recipes,
    cli_verb_data, cli_verb_inspect, cli_verb_doctor, cli_verb_help, cli_verb_completion;

const cli_verb *const cli_verbs[] = {
    &cli_verb_train,       &cli_verb_resume,      &cli_verb_evaluate, &cli_verb_sample,
    &cli_verb_reconstruct, &cli_verb_interpolate, &cli_verb_traverse, &cli_verb_inpaint,
    &cli_verb_encode,      &cli_verb_decode,      &cli_verb_classify, &cli_verb_probe,
    &cli_verb_figure,      &cli_verb_demo,        &cli_verb_bench,    &cli_verb_show,
    &cli_verb_study,       &cli_verb_runs,        &cli_verb_recipes,  &cli_verb_data,
    &cli_verb_inspect,     &cli_verb_doctor,      &cli_verb_help,     &cli_verb_completion,
};
const int cli_verb_count = CLI_COUNT(cli_verbs);

const cli_verb *cli_verb_find(const char *name)
{
    for (int i = 0; i < cli_verb_count; i++)
        if (strcmp(cli_verbs[i]->name, name) == 0)
            return cli_verbs[i];
    return NULL;
}

rv_status cli_fail_verb(rv_context *context, const char *name)
{
    rv_nearest nearest = {0};
    for (int i = 0; i < cli_verb_count; i++)
        if (!cli_verbs[i]->hidden)
            rv_nearest_try(&nearest, name, cli_verbs[i]->name, cli_verbs[i]->name);
    if (name[0] == '-')
        return rv_fail(context, RV_BAD_USAGE, "the verb comes first: reverie VERB %.80s", name);
    if (nearest.word)
        return rv_fail(context, RV_BAD_USAGE, "unknown verb `%.80s`; did you mean `%s`?", name,
                       nearest.word);
    return rv_fail(context, RV_BAD_USAGE, "unknown verb `%.80s`; `reverie --help` lists them",
                   name);
}
