/* Finds and lists recipes by name in the caller's folders. */
#include "reverie/config.h"

#include "config/text.h"
#include "core/memory.h"
#include "core/nearest.h"
#include "core/text.h"
#include "reverie/io.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENDING ".yaml"

/* The length of "lab1-vae" in "lab1-vae.yaml"; 0 for another kind of file, or a hidden file. */
static size_t name_length(const char *file)
{
    size_t length = strlen(file);
    return file[0] != '.' && rv_ends_with(file, ENDING) ? length - strlen(ENDING) : 0;
}

/* ---- one ---- */

/* Tries the names in a folder; the nearest so far is copied to `name`. */
static void try_names(const char *directory, const char *given, rv_nearest *nearest, char *name,
                      size_t bytes)
{
    DIR *folder = opendir(directory);
    const struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        char candidate[sizeof entry->d_name];
        rv_nearest one = {0};
        snprintf(candidate, sizeof candidate, "%.*s", (int)name_length(entry->d_name),
                 entry->d_name);
        if (*candidate)
            rv_nearest_try(&one, given, candidate, candidate);
        if (one.word && (!nearest->word || one.distance < nearest->distance)) {
            snprintf(name, bytes, "%s", candidate);
            *nearest = (rv_nearest){name, one.distance};
        }
    }
    if (folder)
        closedir(folder);
}

static rv_status fail_recipe(rv_context *context, const char *given, int is_path,
                             const char *const *directories, int count)
{
    rv_text looked = {0};
    rv_nearest nearest = {0};
    char name[256] = "";
    const char *slash = strrchr(given, '/'), *word = slash ? slash + 1 : given;
    char base[256];
    size_t length = name_length(word);
    snprintf(base, sizeof base, "%.*s", (int)(length ? length : strlen(word)), word);
    for (int i = 0; i < count; i++) {
        try_names(directories[i], base, &nearest, name, sizeof name);
        rv_text_printf(&looked, "%s%s", i ? ", " : "", directories[i]);
    }
    rv_status status;
    if (looked.failed)
        status = rv_fail_memory(context);
    else if (nearest.word)
        status = rv_fail(context, RV_BAD_FILE, "%.200s: there is no such %s; did you mean `%s`?",
                         given, is_path ? "file" : "recipe", nearest.word);
    else if (is_path)
        status = rv_fail(context, RV_BAD_FILE, "%.200s: there is no such file", given);
    else
        status = rv_fail(context, RV_BAD_FILE, "%.200s: there is no such recipe in %s", given,
                         count ? looked.characters : "any folder");
    rv_free(looked.characters);
    return status;
}

rv_status rv_recipe_find(rv_context *context, const char *name, const char *const *directories,
                         int directory_count, char *path, size_t bytes)
{
    int is_path = strchr(name, '/') != NULL || name_length(name) > 0;
    int length = is_path ? snprintf(path, bytes, "%s", name) : 0;
    int found = is_path && rv_file_exists(name);
    for (int i = 0; i < directory_count && !is_path && !found; i++) {
        length = snprintf(path, bytes, "%s/%s%s", directories[i], name, ENDING);
        found = length >= 0 && (size_t)length < bytes && rv_file_exists(path);
    }
    if (length < 0 || (size_t)length >= bytes)
        return rv_fail(context, RV_BAD_FILE, "%.200s: the name is too long", name);
    return found ? RV_OK : fail_recipe(context, name, is_path, directories, directory_count);
}

/* ---- all ---- */

/* The recipe's `about`, its first line; "" when the file cannot be read.  NULL: no memory. */
static char *read_about(const char *path)
{
    rv_context *quiet = rv_context_new(); /* a broken recipe does not make the list fail */
    rv_yaml *yaml = NULL;
    const char *text = "";
    if (!quiet)
        return NULL;
    rv_status status = rv_yaml_load(quiet, path, &yaml);
    if (status == RV_OK) {
        const rv_yaml_node *root = rv_yaml_root(yaml);
        const rv_yaml_node *node = root && root->kind == RV_YAML_MAPPING ? root->child : NULL;
        while (node && strcmp(node->key, "about") != 0)
            node = node->next;
        if (node && node->kind == RV_YAML_SCALAR)
            text = node->text;
    }
    char *about = status == RV_NO_MEMORY ? NULL : rv_strdup(text);
    if (about)
        about[strcspn(about, "\n")] = '\0';
    rv_yaml_free(yaml);
    rv_context_free(quiet);
    return about;
}

typedef struct recipe_list {
    rv_recipe *recipe;
    int count, room;
} recipe_list;

static int has_name(const recipe_list *list, const char *file, size_t length)
{
    for (int i = 0; i < list->count; i++)
        if (strncmp(list->recipe[i].name, file, length) == 0 && !list->recipe[i].name[length])
            return 1;
    return 0;
}

/* 0 when memory is out. */
static int add_recipe(recipe_list *list, const char *directory, const char *file, size_t length)
{
    if (list->count == list->room) {
        int room = 2 * list->room + 8;
        rv_recipe *grown = rv_realloc(list->recipe, (size_t)room * sizeof *grown);
        if (!grown)
            return 0;
        list->recipe = grown;
        list->room = room;
    }
    rv_text name = {0}, path = {0};
    rv_text_printf(&name, "%.*s", (int)length, file);
    rv_text_printf(&path, "%s/%s", directory, file);
    char *about = name.failed || path.failed ? NULL : read_about(path.characters);
    list->recipe[list->count++] = (rv_recipe){name.characters, path.characters, about};
    return about != NULL;
}

static int add_directory(rv_context *context, recipe_list *list, const char *directory)
{
    DIR *folder = opendir(directory);
    const struct dirent *entry;
    int good = folder || errno != ENOMEM;
    if (!folder && good && errno != ENOENT && errno != ENOTDIR)
        rv_notify_once(context, RV_LOG_WARNING, "%s: cannot be read: %s", directory,
                       strerror(errno));
    while (folder && good && (entry = readdir(folder))) {
        size_t length = name_length(entry->d_name);
        if (length > 0 && !has_name(list, entry->d_name, length))
            good = add_recipe(list, directory, entry->d_name, length);
    }
    if (folder)
        closedir(folder);
    return good;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const rv_recipe *)a)->name, ((const rv_recipe *)b)->name);
}

rv_status rv_recipe_list(rv_context *context, const char *const *directories, int directory_count,
                         rv_recipe **recipes, int *count)
{
    recipe_list list = {0};
    *recipes = NULL;
    *count = 0;
    for (int i = 0; i < directory_count; i++)
        if (!add_directory(context, &list, directories[i])) {
            rv_recipe_list_free(list.recipe, list.count);
            return rv_fail_memory(context);
        }
    if (list.count > 1)
        qsort(list.recipe, (size_t)list.count, sizeof *list.recipe, by_name);
    *recipes = list.recipe;
    *count = list.count;
    return RV_OK;
}

void rv_recipe_list_free(rv_recipe *recipes, int count)
{
    for (int i = 0; recipes && i < count; i++) {
        rv_free(recipes[i].name);
        rv_free(recipes[i].path);
        rv_free(recipes[i].about);
    }
    rv_free(recipes);
}
