/* Expands a study's plan to its runs: every combination of cases and grid, each with every seed;
 * the name contains the varied settings, and the configuration resolves them. */
#include "study/study.h"

#include "core/memory.h"

#include <math.h>
#include <string.h>

enum { AXES_MOST = 16, PART_MOST = 48 };

/* One combination: a case and a value of each axis. */
typedef struct choice {
    const study_case *with; /* NULL: the study has no cases */
    const study_axis *axis[AXES_MOST];
    const study_setting *value[AXES_MOST];
    int axes;
} choice;

/* ---- names ---- */

static int is_safe(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '+';
}

/* "[linear 512, relu]" -> "linear_512_relu": keeps characters that are safe in a file name, and
 * replaces each sequence of others by one '_'. */
static void safe_part(const char *value, char part[PART_MOST])
{
    size_t used = 0;
    int gap = 0;
    for (; *value && used + 2 < PART_MOST; value++) {
        gap = gap || !is_safe(*value);
        if (!is_safe(*value))
            continue;
        if (gap && used > 0)
            part[used++] = '_';
        gap = 0;
        part[used++] = *value;
    }
    part[used] = '\0';
    if (used == 0)
        snprintf(part, PART_MOST, "none");
}

/* "deep,beta=0.1"; "" when nothing varies. */
static rv_status label_of(rv_study *study, const choice *c, const char **out)
{
    char label[STUDY_NAME_MOST] = "", part[PART_MOST];
    size_t used = 0;
    if (c->with)
        used += (size_t)snprintf(label, sizeof label, "%s", c->with->name);
    for (int i = 0; i < c->axes && used < sizeof label; i++) {
        safe_part(c->value[i]->value, part);
        used += (size_t)snprintf(label + used, sizeof label - used, "%s%s=%s", used ? "," : "",
                                 c->axis[i]->label, part);
    }
    if (used >= sizeof label - 24)
        return rv_fail(study->context, RV_BAD_USAGE,
                       "%s:%d: the name of a run would be longer than a file's may be; give the "
                       "values names, as `cases`",
                       study->plan.path, c->axes ? c->value[0]->line : c->with->line);
    *out = rv_arena_strdup(&study->arena, label);
    return *out ? RV_OK : rv_fail_memory(study->context);
}

/* "study.yaml:7", the place of the last setting of the cell. */
static const char *origin_of(rv_study *study, const choice *c)
{
    int line = c->axes ? c->value[c->axes - 1]->line : c->with ? c->with->line : 1;
    return rv_arena_printf(&study->arena, "%s:%d", study->plan.path, line);
}

/* ---- resolving ---- */

static rv_status add(rv_config *config, const char *path, const study_setting *setting)
{
    rv_status status = RV_OK;
    for (; setting && status == RV_OK; setting = setting->next)
        status = setting->document ? rv_config_parse(config, setting->document, path)
                                   : rv_config_set(config, setting->value);
    return status;
}

static rv_status add_choice(rv_config *config, const study_plan *plan, const choice *c)
{
    rv_status status = add(config, plan->path, plan->settings);
    if (status == RV_OK)
        status = add(config, plan->path, plan->overrides);
    if (status == RV_OK && c->with)
        status = add(config, plan->path, c->with->first);
    for (int i = 0; status == RV_OK && i < c->axes; i++)
        status = rv_config_parse(config, c->value[i]->document, plan->path);
    return status;
}

/* Copies the text of the configuration, and the facts that every run needs. */
static rv_status resolve(rv_study *study, const choice *c, study_run *run)
{
    char name[STUDY_NAME_MOST + 32], seed[48];
    rv_config *config;
    snprintf(name, sizeof name, "name=\"%s\"", run->entry.name);
    snprintf(seed, sizeof seed, "train.seed=%lld", (long long)run->entry.seed);
    rv_status status = rv_config_new(study->context, &config);
    if (status == RV_OK)
        status = rv_config_read(config, study->plan.base);
    if (status == RV_OK)
        status = add_choice(config, &study->plan, c);
    if (status == RV_OK)
        status = rv_config_set(config, seed);
    if (status == RV_OK)
        status = rv_config_set(config, name);
    const char *text = status == RV_OK ? rv_config_text(config) : NULL;
    run->text = text ? rv_arena_strdup(&study->arena, text) : NULL;
    if (status == RV_OK && !run->text)
        status = text ? rv_fail_memory(study->context) : rv_error_status(study->context);
    if (status == RV_OK)
        run->entry.epochs = rv_config_settings(config)->train.epochs;
    rv_config_free(config);
    return status;
}

/* The lines of the group `data`. */
static rv_status data_of(rv_study *study, const char *text, const char **out)
{
    const char *from = strstr(text, "\ndata:\n"), *to = from;
    if (from) {
        for (to = from + 7; *to == ' '; to++)
            to += strcspn(to, "\n");
        *out = rv_arena_printf(&study->arena, "%.*s", (int)(to - from), from);
    } else {
        *out = "";
    }
    return *out ? RV_OK : rv_fail_memory(study->context);
}

/* ---- cells ---- */

static rv_status add_run(rv_study *study, const choice *c, int cell, int seed)
{
    study_cell *at = &study->cell[cell];
    study_run *run = &study->run[study->run_count];
    rv_study_entry *entry = &run->entry;
    *run = (study_run){0};
    entry->cell = *at->label ? at->label : "base";
    entry->cell_index = cell;
    entry->seed = study->plan.seed[seed];
    entry->seconds = (double)NAN;
    entry->message = "";
    entry->name = rv_arena_printf(&study->arena, "%s%sseed=%lld", at->label, *at->label ? "," : "",
                                  (long long)entry->seed);
    entry->folder =
        entry->name ? rv_arena_printf(&study->arena, "%s/%s", study->folder, entry->name) : NULL;
    if (!entry->folder)
        return rv_fail_memory(study->context);
    rv_status status = resolve(study, c, run);
    if (status == RV_OK)
        study->run_count++;
    return status;
}

/* The line `name: ...` of a configuration's text. */
static const char *name_line(const char *text)
{
    const char *at = strncmp(text, "name:", 5) == 0 ? text : strstr(text, "\nname:");
    return at ? at + (*at == '\n') : text + strlen(text);
}

/* Whether two configurations are equal, except for the name: equal settings have equal texts. This
 * runs for every pair of cells, so it parses nothing. */
static int is_same(const study_run *a, const study_run *b)
{
    const char *in_a = name_line(a->text), *in_b = name_line(b->text);
    size_t before = (size_t)(in_a - a->text);
    return before == (size_t)(in_b - b->text) && memcmp(a->text, b->text, before) == 0 &&
           strcmp(in_a + strcspn(in_a, "\n"), in_b + strcspn(in_b, "\n")) == 0;
}

/* Compares the cell with the earlier ones: neither its name nor its settings may be another's. */
static rv_status check_different(rv_study *study, int cell)
{
    int seeds = study->plan.seed_count;
    const study_cell *at = &study->cell[cell];
    for (int i = 0; i < cell; i++) {
        if (strcmp(study->cell[i].label, at->label) == 0)
            return rv_fail(study->context, RV_BAD_USAGE,
                           "%s: this cell and that of %s would both be called `%s`; is one value "
                           "there twice?  Give them names, as `cases`",
                           at->origin, study->cell[i].origin, at->label);
        if (is_same(&study->run[(ptrdiff_t)i * seeds], &study->run[(ptrdiff_t)cell * seeds]))
            return rv_fail(study->context, RV_BAD_USAGE,
                           "%s: the cells `%s` and `%s` have the same settings", at->origin,
                           study->cell[i].label, at->label);
    }
    return RV_OK;
}

static rv_status add_cell(rv_study *study, const choice *c)
{
    int cell = study->cell_count;
    study_cell *at = &study->cell[cell];
    *at = (study_cell){.origin = origin_of(study, c)};
    rv_status status = at->origin ? label_of(study, c, &at->label) : rv_fail_memory(study->context);
    for (int i = 0; status == RV_OK && i < study->plan.seed_count; i++)
        status = add_run(study, c, cell, i);
    if (status == RV_OK)
        status =
            data_of(study, study->run[(ptrdiff_t)cell * study->plan.seed_count].text, &at->data);
    if (status == RV_OK)
        status = check_different(study, cell);
    if (status == RV_OK)
        study->cell_count++;
    return status;
}

/* Adds the cells of the axes from `axis` on; the last axis changes fastest. */
static rv_status add_cells(rv_study *study, choice *c, const study_axis *axis)
{
    if (!axis)
        return add_cell(study, c);
    rv_status status = RV_OK;
    int index = c->axes++;
    c->axis[index] = axis;
    for (const study_setting *one = axis->first; one && status == RV_OK; one = one->next) {
        c->value[index] = one;
        status = add_cells(study, c, axis->next);
    }
    c->axes = index;
    return status;
}

/* The number of cells; larger numbers than the limit are not counted exactly. */
static int64_t count_cells(const study_plan *plan)
{
    int64_t cells = 0;
    for (const study_case *one = plan->cases; one; one = one->next)
        cells++;
    cells = cells > 0 ? cells : 1;
    for (const study_axis *axis = plan->axes; axis && cells <= STUDY_RUNS_MOST; axis = axis->next)
        cells *= axis->count;
    return cells;
}

rv_status study_expand(rv_study *study)
{
    const study_plan *plan = &study->plan;
    int64_t cells = count_cells(plan), runs = cells * plan->seed_count;
    int axes = 0;
    for (const study_axis *axis = plan->axes; axis; axis = axis->next)
        axes++;
    if (runs > STUDY_RUNS_MOST || axes > AXES_MOST)
        return rv_fail(study->context, RV_BAD_USAGE,
                       "%s: more than %d runs, or more than %d keys in the grid", plan->path,
                       STUDY_RUNS_MOST, AXES_MOST);
    study->cell = rv_calloc((size_t)cells, sizeof *study->cell);
    study->run = rv_calloc((size_t)runs, sizeof *study->run);
    if (!study->cell || !study->run)
        return rv_fail_memory(study->context);
    choice c = {0};
    rv_status status = plan->cases ? RV_OK : add_cells(study, &c, plan->axes);
    for (const study_case *one = plan->cases; one && status == RV_OK; one = one->next) {
        c.with = one;
        status = add_cells(study, &c, plan->axes);
    }
    return status;
}
