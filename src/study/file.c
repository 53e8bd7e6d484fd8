/* Reads a study file: the varied settings, their values, the seeds.  It does not interpret values:
 * each setting becomes a small document that the configuration reads, with the file's line
 * numbers. */
#include "study/study.h"

#include "config/text.h"
#include "core/memory.h"
#include "core/nearest.h"
#include "core/text.h"
#include "reverie/io.h"

#include <string.h>

enum { DEPTH_MOST = 8, SEEDS_MOST = 1000, IMPORTANCE_MOST = 100000000 };

typedef struct reader {
    rv_study *study;
    study_plan *plan;
    const rv_study_request *request;
    rv_yaml *yaml;
} reader;

static rv_context *context_of(const reader *r)
{
    return r->study->context;
}

/* "study.yaml:7: what is wrong" */
static rv_status fail_at(const reader *r, int line, const char *format, ...) RV_PRINTF(3, 4);
static rv_status fail_at(const reader *r, int line, const char *format, ...)
{
    char what[16384]; /* the largest length of a message */
    va_list list;
    va_start(list, format);
    rv_text_format_list(what, sizeof what, format, list);
    va_end(list);
    return rv_fail(context_of(r), RV_BAD_USAGE, "%s:%d: %s", r->plan->path, line, what);
}

static const char *keep(reader *r, const char *text)
{
    const char *copy = text ? rv_arena_strdup(&r->study->arena, text) : NULL;
    if (!copy)
        rv_fail_memory(context_of(r));
    return copy;
}

static rv_status keep_as(reader *r, const char **copy, const char *text)
{
    *copy = keep(r, text);
    return *copy ? RV_OK : RV_NO_MEMORY;
}

/* ---- settings ---- */

/* The document "\n\n\nKEY: VALUE", whose key is in line `line`. */
static const char *document_of(reader *r, const char *key, const char *value, int line)
{
    rv_text text = {0};
    for (int i = 1; i < line; i++)
        rv_text_add(&text, "\n");
    rv_text_printf(&text, "\"%s\": %s\n", key, value);
    char *document = rv_text_finish(&text, context_of(r));
    const char *copy = document ? keep(r, document) : NULL;
    rv_free(document);
    return copy;
}

static rv_status new_setting(reader *r, const char *key, const rv_yaml_node *node, int line,
                             study_setting **out)
{
    char *flow = rv_yaml_flow(node);
    study_setting *made = rv_arena_alloc(&r->study->arena, sizeof *made);
    if (!flow || !made) {
        rv_io_free(flow);
        return rv_fail_memory(context_of(r));
    }
    made->key = key;
    made->line = line;
    made->value = keep(r, flow);
    made->document = document_of(r, key, flow, line);
    rv_io_free(flow);
    *out = made;
    return made->value && made->document ? RV_OK : rv_error_status(context_of(r));
}

/* Keys that the study itself sets. */
static rv_status check_key(const reader *r, const char *key, int line)
{
    if (strpbrk(key, "\"\\\n"))
        return fail_at(r, line, "a key with such characters is no setting");
    if (strcmp(key, "train.seed") == 0)
        return fail_at(r, line,
                       "`train.seed` is set by the study itself: write seeds: 3, or seeds: [1, 2]");
    if (strcmp(key, "name") == 0)
        return fail_at(r, line, "`name` is set by the study itself: runs are named by what varies");
    return RV_OK;
}

/* "objective" and "beta" -> "objective.beta" */
static const char *join(reader *r, const char *prefix, const char *key)
{
    const char *joined =
        rv_arena_printf(&r->study->arena, "%s%s%s", prefix, *prefix ? "." : "", key);
    if (!joined)
        rv_fail_memory(context_of(r));
    return joined;
}

/* The consumer of a leaf: it appends to `user`. */
typedef rv_status (*take_leaf)(reader *r, void *user, const char *key, const rv_yaml_node *node);

/* Nested maps as dotted keys. */
static rv_status each_leaf(reader *r, const char *prefix, const rv_yaml_node *map, int depth,
                           take_leaf take, void *user)
{
    rv_status status = RV_OK;
    for (const rv_yaml_node *node = map->child; node && status == RV_OK; node = node->next) {
        const char *key = join(r, prefix, node->key);
        if (!key)
            return rv_error_status(context_of(r));
        if (node->kind == RV_YAML_MAPPING && depth == DEPTH_MOST)
            return fail_at(r, node->key_line, "the settings are nested too deep");
        if (node->kind == RV_YAML_MAPPING)
            status = each_leaf(r, key, node, depth + 1, take, user);
        else if ((status = check_key(r, key, node->key_line)) == RV_OK)
            status = take(r, user, key, node);
    }
    return status;
}

/* Appends to the list at `user`. */
static rv_status take_setting(reader *r, void *user, const char *key, const rv_yaml_node *node)
{
    study_setting **end = user;
    study_setting *made;
    while (*end) {
        if (strcmp((*end)->key, key) == 0)
            return fail_at(r, node->key_line, "`%s` is set a second time, after line %d", key,
                           (*end)->line);
        end = &(*end)->next;
    }
    rv_status status = new_setting(r, key, node, node->key_line, &made);
    *end = status == RV_OK ? made : NULL;
    return status;
}

static rv_status wants_map(const reader *r, const rv_yaml_node *node, const char *example)
{
    if (node->kind == RV_YAML_MAPPING && node->child)
        return RV_OK;
    return fail_at(r, node->key_line, "`%s` wants %s", node->key, example);
}

static rv_status read_settings(reader *r, const rv_yaml_node *node)
{
    rv_status status = wants_map(r, node, "settings, as {train.epochs: 5}");
    return status == RV_OK ? each_leaf(r, "", node, 1, take_setting, &r->plan->settings) : status;
}

/* ---- grid ---- */

static rv_status take_axis(reader *r, void *user, const char *key, const rv_yaml_node *node)
{
    study_axis **end = user;
    study_axis *axis = rv_arena_alloc(&r->study->arena, sizeof *axis);
    if (!axis)
        return rv_fail_memory(context_of(r));
    if (node->kind != RV_YAML_SEQUENCE || !node->child)
        return fail_at(r, node->key_line, "`%s` in the grid wants %s, as [1, 2]", key,
                       node->kind == RV_YAML_SEQUENCE ? "at least one value" : "a list of values");
    for (; *end; end = &(*end)->next)
        if (strcmp((*end)->key, key) == 0)
            return fail_at(r, node->key_line, "`%s` is in the grid a second time, after line %d",
                           key, (*end)->line);
    axis->key = axis->label = key;
    axis->line = node->key_line;
    study_setting **last = &axis->first;
    for (const rv_yaml_node *one = node->child; one; one = one->next, axis->count++) {
        rv_status status = new_setting(r, key, one, one->line, last);
        if (status != RV_OK)
            return status;
        last = &(*last)->next;
    }
    *end = axis;
    return RV_OK;
}

static const char *last_part(const char *key)
{
    const char *point = strrchr(key, '.');
    return point ? point + 1 : key;
}

/* "objective.beta" has the label "beta" if no other axis ends so; "seed" is the training's. */
static void label_axes(study_plan *plan)
{
    for (study_axis *one = plan->axes; one; one = one->next) {
        int same = 0;
        for (const study_axis *other = plan->axes; other; other = other->next)
            same += strcmp(last_part(one->key), last_part(other->key)) == 0;
        if (same == 1 && strcmp(last_part(one->key), "seed") != 0)
            one->label = last_part(one->key);
    }
}

static rv_status read_grid(reader *r, const rv_yaml_node *node)
{
    rv_status status = wants_map(r, node, "keys with lists of values, as {objective.beta: [1, 4]}");
    if (status == RV_OK)
        status = each_leaf(r, "", node, 1, take_axis, &r->plan->axes);
    label_axes(r->plan);
    return status;
}

/* ---- cases ---- */

static int is_name(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "_.-+";
    size_t length = strlen(text);
    return length > 0 && length <= 60 && strspn(text, letters) == length && text[0] != '.' &&
           text[0] != '-';
}

static rv_status read_cases(reader *r, const rv_yaml_node *node)
{
    study_case **end = &r->plan->cases;
    rv_status status = wants_map(r, node, "names with settings, as {narrow: {latent: 2}}");
    for (const rv_yaml_node *one = node->child; status == RV_OK && one; one = one->next) {
        study_case *made = rv_arena_alloc(&r->study->arena, sizeof *made);
        const char *name = keep(r, one->key);
        if (!made || !name)
            return rv_fail_memory(context_of(r));
        if (!is_name(name))
            return fail_at(r, one->key_line,
                           "the case `%.80s` names a folder: letters, digits, and . _ - + "
                           "inside",
                           name);
        if (one->kind != RV_YAML_MAPPING) /* {} is the unchanged base */
            return fail_at(r, one->key_line, "the case `%s` wants settings, as {latent: 2}, or {}",
                           name);
        made->name = name;
        made->line = one->key_line;
        status = each_leaf(r, "", one, 1, take_setting, &made->first);
        *end = made;
        end = &made->next;
    }
    return status;
}

/* A case cannot set a key that the grid varies. */
static rv_status check_cases(const reader *r)
{
    for (const study_case *one = r->plan->cases; one; one = one->next)
        for (const study_setting *s = one->first; s; s = s->next)
            for (const study_axis *axis = r->plan->axes; axis; axis = axis->next)
                if (strcmp(axis->key, s->key) == 0)
                    return fail_at(r, s->line,
                                   "`%s` is set by the case `%s` and by the grid, line %d", s->key,
                                   one->name, axis->line);
    return RV_OK;
}

/* ---- seeds ---- */

static rv_status keep_seeds(reader *r, const int64_t *seed, int count)
{
    int64_t *copy = rv_arena_alloc(&r->study->arena, (size_t)count * sizeof *copy);
    if (!copy)
        return rv_fail_memory(context_of(r));
    memcpy(copy, seed, (size_t)count * sizeof *copy);
    r->plan->seed = copy;
    r->plan->seed_count = count;
    return RV_OK;
}

/* 1 to `count`. */
static rv_status count_seeds(reader *r, int64_t count)
{
    int64_t seed[SEEDS_MOST];
    for (int i = 0; i < count; i++)
        seed[i] = i + 1;
    return keep_seeds(r, seed, (int)count);
}

static rv_status read_seeds(reader *r, const rv_yaml_node *node)
{
    int64_t seed[SEEDS_MOST], count = 0;
    static const char wanted[] = "`seeds` wants how many, 1 to 1000, or a list of different whole "
                                 "numbers, as [1, 2, 3]";
    if (node->kind == RV_YAML_SCALAR && config_read_integer(node->text, &count) && count >= 1 &&
        count <= SEEDS_MOST)
        return count_seeds(r, count);
    count = 0;
    if (node->kind == RV_YAML_SEQUENCE)
        for (const rv_yaml_node *one = node->child; one; one = one->next) {
            if (one->kind != RV_YAML_SCALAR || count == SEEDS_MOST ||
                !config_read_integer(one->text, &seed[count]) || seed[count] < 0)
                return fail_at(r, one->line, wanted);
            for (int i = 0; i < count; i++)
                if (seed[i] == seed[count])
                    return fail_at(r, one->line, wanted);
            count++;
        }
    return count > 0 ? keep_seeds(r, seed, (int)count) : fail_at(r, node->key_line, wanted);
}

/* ---- base ---- */

/* A path is relative to the study file, else to the working folder; a name is that of a recipe. */
static rv_status read_base(reader *r, const rv_yaml_node *node)
{
    char path[RUN_PATH], message[600];
    rv_context *context = context_of(r);
    if (node->kind != RV_YAML_SCALAR || !*node->text)
        return fail_at(r, node->key_line, "`base` wants the name or the path of a recipe");
    const char *slash = strrchr(r->plan->path, '/');
    if (slash && node->text[0] != '/' &&
        snprintf(path, sizeof path, "%.*s/%s", (int)(slash - r->plan->path), r->plan->path,
                 node->text) < (int)sizeof path &&
        strstr(node->text, ".yaml") && rv_file_exists(path)) {
        return keep_as(r, &r->plan->base, path);
    }
    rv_status status = rv_recipe_find(context, node->text, r->request->recipe_directories,
                                      r->request->recipe_directory_count, path, sizeof path);
    if (status != RV_OK) {
        snprintf(message, sizeof message, "%s", rv_error_message(context));
        rv_error_clear(context);
        return rv_fail(context, status, "%s:%d: `base`: %s", r->plan->path, node->line, message);
    }
    return keep_as(r, &r->plan->base, path);
}

/* ---- the file ---- */

static rv_status read_about(reader *r, const rv_yaml_node *node)
{
    if (node->kind != RV_YAML_SCALAR)
        return fail_at(r, node->key_line, "`about` wants a line of text");
    return keep_as(r, &r->plan->about, node->text);
}

/* importance: {samples: 5000, images: 1000} */
static rv_status read_importance(reader *r, const rv_yaml_node *node)
{
    static const char wanted[] =
        "`importance` wants how many draws of the latents, and of how many "
        "images: {samples: 5000, images: 1000}";
    if (node->kind != RV_YAML_MAPPING)
        return fail_at(r, node->key_line, wanted);
    for (const rv_yaml_node *one = node->child; one; one = one->next) {
        int is_samples = strcmp(one->key, "samples") == 0;
        int64_t *to = is_samples ? &r->plan->samples : &r->plan->images;
        if ((!is_samples && strcmp(one->key, "images") != 0) || one->kind != RV_YAML_SCALAR ||
            !config_read_integer(one->text, to) || *to < 1 || *to > IMPORTANCE_MOST)
            return fail_at(r, one->key_line, wanted);
    }
    return r->plan->samples > 0 ? RV_OK : fail_at(r, node->key_line, wanted);
}

static rv_status fail_key(const reader *r, const rv_yaml_node *node, const char *nearest)
{
    if (nearest)
        return fail_at(r, node->key_line, "unknown key `%.80s` of a study; did you mean `%s`?",
                       node->key, nearest);
    return fail_at(r, node->key_line,
                   "unknown key `%.80s`; a study has about, base, settings, grid, cases, seeds and "
                   "importance; "
                   "settings of the runs stand under `settings`",
                   node->key);
}

static rv_status read_key(reader *r, const rv_yaml_node *node)
{
    static const struct {
        const char *name;
        rv_status (*read)(reader *r, const rv_yaml_node *node);
    } keys[] = {{"about", read_about},          {"base", read_base},
                {"settings", read_settings},    {"grid", read_grid},
                {"cases", read_cases},          {"seeds", read_seeds},
                {"importance", read_importance}};
    rv_nearest nearest = {0};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (strcmp(node->key, keys[i].name) == 0)
            return keys[i].read(r, node);
        rv_nearest_try(&nearest, node->key, keys[i].name, keys[i].name);
    }
    return fail_key(r, node, nearest.word);
}

/* The most likely error is a recipe in place of a study. */
static rv_status check_plan(const reader *r, const rv_yaml_node *root)
{
    for (const rv_yaml_node *node = root->child; node; node = node->next)
        if (strcmp(node->key, "model") == 0)
            return fail_at(r, node->key_line,
                           "this is a recipe, and no study, which names its recipe, as base: "
                           "lab2-vae-2d");
    return RV_OK;
}

static rv_status read_root(reader *r)
{
    const rv_yaml_node *root = rv_yaml_root(r->yaml);
    if (!root || root->kind != RV_YAML_MAPPING)
        return fail_at(r, root ? root->line : 1, "wants base, grid or cases, seeds, as a map");
    rv_status status = check_plan(r, root);
    for (const rv_yaml_node *node = root->child; node && status == RV_OK; node = node->next)
        status = read_key(r, node);
    if (status == RV_OK && !r->plan->base)
        status = fail_at(r, root->line, "`base` is not set: the name or the path of a recipe");
    if (status == RV_OK)
        status = check_cases(r);
    int64_t seeds = r->request->seeds;
    if (status == RV_OK && seeds > 0)
        status = count_seeds(r, seeds < SEEDS_MOST ? seeds : SEEDS_MOST);
    if (status == RV_OK && r->plan->seed_count == 0)
        status = count_seeds(r, 1);
    return status;
}

/* ---- the command line ---- */

/* Whether `key=...` sets `wanted`, or its group. */
static int sets(const char *override, const char *wanted)
{
    size_t length = strcspn(override, "=");
    return strncmp(override, wanted, length) == 0 &&
           (wanted[length] == '\0' || wanted[length] == '.');
}

static rv_status check_override(const reader *r, const char *override)
{
    rv_context *context = context_of(r);
    if (sets(override, "train.seed") && override[strcspn(override, "=")] &&
        strncmp(override, "train=", 6) != 0)
        return rv_fail(context, RV_BAD_USAGE,
                       "`%.80s`: the study sets the seeds itself; say how many instead", override);
    for (const study_axis *axis = r->plan->axes; axis; axis = axis->next)
        if (sets(override, axis->key))
            return rv_fail(context, RV_BAD_USAGE, "`%.80s`: `%s` is what the study varies, %s:%d",
                           override, axis->key, r->plan->path, axis->line);
    for (const study_case *one = r->plan->cases; one; one = one->next)
        for (const study_setting *s = one->first; s; s = s->next)
            if (sets(override, s->key))
                return rv_fail(context, RV_BAD_USAGE,
                               "`%.80s`: `%s` is what the study varies, %s:%d", override, s->key,
                               r->plan->path, s->line);
    return RV_OK;
}

static rv_status add_overrides(reader *r)
{
    const rv_study_request *request = r->request;
    study_setting **end = &r->plan->overrides;
    for (int i = 0; i < request->setting_count; i++) {
        rv_status status = check_override(r, request->settings[i]);
        if (status != RV_OK)
            return status;
        study_setting *made = rv_arena_alloc(&r->study->arena, sizeof *made);
        if (!made || !(made->value = keep(r, request->settings[i])))
            return rv_fail_memory(context_of(r));
        *end = made;
        end = &made->next;
    }
    return RV_OK;
}

/* "recipes/studies/lab3-beta.yaml" -> "lab3-beta" */
static const char *name_of(reader *r, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = rv_arena_strdup(&r->study->arena, slash ? slash + 1 : path);
    char *point = name ? strrchr(name, '.') : NULL;
    if (point && point != name)
        *point = '\0';
    if (!name)
        rv_fail_memory(context_of(r));
    return name;
}

rv_status study_plan_read(rv_study *study, const rv_study_request *request)
{
    reader r = {study, &study->plan, request, NULL};
    r.plan->path = keep(&r, request->path);
    r.plan->name = name_of(&r, request->path);
    r.plan->about = "";
    if (!r.plan->path || !r.plan->name)
        return RV_NO_MEMORY;
    rv_status status = rv_yaml_load(study->context, request->path, &r.yaml);
    if (status == RV_OK)
        status = read_root(&r);
    if (status == RV_OK)
        status = add_overrides(&r);
    rv_yaml_free(r.yaml);
    return status;
}
