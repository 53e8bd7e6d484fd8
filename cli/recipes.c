/* reverie recipes: the recipes by name, with their `about` lines. */
#include "experiment.h"

#include <stdio.h>

rv_status cli_list_recipes(cli_call *call, rv_recipe *recipes, int count)
{
    int width = 0;
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        width = cli_wider(width, recipes[i].name);
    for (int i = 0; i < count; i++) {
        rv_json_add(&list, json_pack("{s:o, s:o, s:o}", "name", rv_json_text(recipes[i].name),
                                     "path", rv_json_text(recipes[i].path), "about",
                                     rv_json_text(recipes[i].about)));
        if (!call->json)
            printf("%-*s  %s\n", width, recipes[i].name, recipes[i].about);
    }
    rv_recipe_list_free(recipes, count);
    return cli_end(call, list, RV_OK);
}

static rv_status run(cli_call *call)
{
    rv_recipe *recipes;
    int count;
    rv_status status = rv_recipe_list(call->context, call->recipe_directory,
                                      call->recipe_directory_count, &recipes, &count);
    if (status != RV_OK)
        return status;
    if (count == 0)
        cli_say(call, "no recipes here; they are looked for in the folder `recipes`");
    return cli_list_recipes(call, recipes, count);
}

const cli_verb cli_verb_recipes = {
    .name = "recipes",
    .summary = "list the recipes, with what each is about",
    .usage = "",
    .example = "reverie recipes",
    .run = run,
};
