/* reverie recipes: the recipes by name, with their `about` lines. */
#include "verb.h"

#include "reverie/config.h"

#include <stdio.h>
#include <string.h>

static json_t *as_json(const rv_recipe *recipes, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        rv_json_add(&list, json_pack("{s:o, s:o, s:o}", "name", rv_json_text(recipes[i].name),
                                     "path", rv_json_text(recipes[i].path), "about",
                                     rv_json_text(recipes[i].about)));
    return list;
}

static void print_table(const rv_recipe *recipes, int count)
{
    int width = 0;
    for (int i = 0; i < count; i++)
        if ((int)strlen(recipes[i].name) > width)
            width = (int)strlen(recipes[i].name);
    for (int i = 0; i < count; i++)
        printf("%-*s  %s\n", width, recipes[i].name, recipes[i].about);
}

static rv_status run(cli_call *call)
{
    rv_recipe *recipes;
    int count;
    rv_status status = rv_recipe_list(call->context, call->recipe_directory,
                                      call->recipe_directory_count, &recipes, &count);
    if (status != RV_OK)
        return status;
    if (call->json)
        status = cli_print_json(call, as_json(recipes, count));
    else
        print_table(recipes, count);
    if (count == 0)
        cli_say(call, "no recipes here; they are looked for in the folder `recipes`");
    rv_recipe_list_free(recipes, count);
    return status;
}

const cli_verb cli_verb_recipes = {
    .name = "recipes",
    .summary = "list the recipes, with what each is about",
    .usage = "",
    .example = "reverie recipes",
    .run = run,
};
