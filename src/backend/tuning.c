/* How convolutions and products are computed: the settings of a context, and its choices, a table
 * of texts with keys.  Only the backend interprets a choice. */
#include "backend/tuning.h"

#include "core/context.h"
#include "core/memory.h"

#include <string.h>

typedef struct choice {
    char *key, *value;
    int in_use; /* found or set: a run depends on it */
    int is_new; /* set here, not given: the cache of the machine lacks it */
} choice;

typedef struct tuner {
    rv_conv_policy policy;
    int is_given;    /* set by the caller: the record of a run does not change it */
    int is_followed; /* a run's record was read */
    int measures;    /* a new choice is checked by a measurement */
    size_t memory;   /* bytes of transforms kept between passes */
    choice *row;     /* [count], by key */
    int count, room;
    char *text; /* as last asked for */
} tuner;

static const tuner untuned = {.memory = (size_t)256 << 20};

static const char *const names[] = {"auto", "direct", "transform"};
enum { POLICIES = sizeof names / sizeof *names };

/* ---- the context's ---- */

static const tuner *read_tuner(const rv_context *context)
{
    return context->tuning ? context->tuning : &untuned;
}

/* Forgets the choices; the table is empty and usable again. */
static void clear(tuner *t)
{
    for (int i = 0; i < t->count; i++) {
        rv_free(t->row[i].key);
        rv_free(t->row[i].value);
    }
    rv_free(t->row);
    t->row = NULL;
    t->count = t->room = 0;
}

static void tuner_free(void *tuning)
{
    tuner *t = tuning;
    clear(t);
    rv_free(t->text);
    rv_free(t);
}

/* The choices, for a change; NULL, latched, when memory is out. */
static tuner *tuner_of(rv_context *context)
{
    if (context->tuning)
        return context->tuning;
    tuner *t = rv_malloc(sizeof *t);
    if (!t) {
        rv_fail_memory(context);
        return NULL;
    }
    *t = untuned;
    context->tuning = t;
    context->tuning_free = tuner_free;
    return t;
}

/* ---- settings ---- */

/* A table has the choices of one policy. */
static void set_policy(tuner *t, rv_conv_policy policy)
{
    if (t->policy != policy)
        clear(t);
    t->policy = policy;
}

rv_status rv_context_set_conv(rv_context *context, rv_conv_policy policy)
{
    if ((unsigned)policy >= POLICIES)
        return rv_fail(context, RV_BAD_USAGE,
                       "%d is no way to choose a convolution's algorithm; RV_CONV_AUTO, "
                       "RV_CONV_DIRECT and RV_CONV_TRANSFORM are",
                       (int)policy);
    tuner *t = tuner_of(context);
    if (!t)
        return RV_NO_MEMORY;
    set_policy(t, policy);
    t->is_given = 1;
    return RV_OK;
}

rv_conv_policy rv_context_conv(const rv_context *context)
{
    return read_tuner(context)->policy;
}

void rv_context_set_conv_memory(rv_context *context, size_t bytes)
{
    tuner *t = tuner_of(context);
    if (t)
        t->memory = bytes;
}

size_t rv_context_conv_memory(const rv_context *context)
{
    return read_tuner(context)->memory;
}

void rv_context_set_conv_measuring(rv_context *context, int on)
{
    tuner *t = tuner_of(context);
    if (t)
        t->measures = on != 0;
}

int rv_context_conv_measuring(const rv_context *context)
{
    return read_tuner(context)->measures;
}

/* ---- choices ---- */

/* The first row whose key does not come before `key`. */
static int place_of(const tuner *t, const char *key)
{
    int low = 0, high = t->count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (strcmp(t->row[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static choice *row_of(const tuner *t, const char *key)
{
    int place = place_of(t, key);
    int found = place < t->count && strcmp(t->row[place].key, key) == 0;
    return found ? &t->row[place] : NULL;
}

/* One line of printable ASCII, at least one character. */
static int is_text(const char *text)
{
    const char *at = text;
    while (*at >= ' ' && *at <= '~')
        at++;
    return at > text && *at == '\0';
}

/* Inserts a row without a value at the place of its key; NULL when memory is out. */
static choice *insert(tuner *t, const char *key)
{
    if (t->count == t->room) {
        int room = t->room ? 2 * t->room : 16;
        choice *row = rv_realloc(t->row, (size_t)room * sizeof *row);
        if (!row)
            return NULL;
        t->row = row;
        t->room = room;
    }
    char *copy = rv_strdup(key);
    if (!copy)
        return NULL;
    choice *row = &t->row[place_of(t, key)];
    memmove(row + 1, row, (size_t)(&t->row[t->count++] - row) * sizeof *row);
    *row = (choice){.key = copy};
    return row;
}

/* Only a choice in use may replace a choice in use. */
static rv_status put(rv_context *context, const char *key, const char *value, int in_use,
                     int is_new)
{
    tuner *t = tuner_of(context);
    if (!t)
        return RV_NO_MEMORY;
    if (!is_text(key) || !is_text(value))
        return rv_fail(context, RV_BAD_USAGE,
                       "a choice is a key and a value, each one line of printable ASCII");
    choice *row = row_of(t, key);
    if (row && row->in_use && !in_use)
        return RV_OK;
    if (row && strcmp(row->value, value) == 0) {
        row->in_use |= in_use;
        return RV_OK;
    }
    char *copy = rv_strdup(value);
    if (copy && !row)
        row = insert(t, key);
    if (!copy || !row) {
        rv_free(copy);
        return rv_fail_memory(context);
    }
    rv_free(row->value);
    *row = (choice){row->key, copy, in_use, is_new};
    return RV_OK;
}

const char *rv_choice_find(const rv_context *context, const char *key)
{
    choice *row = row_of(read_tuner(context), key);
    if (!row)
        return NULL;
    row->in_use = 1;
    return row->value;
}

rv_status rv_choice_set(rv_context *context, const char *key, const char *value)
{
    return put(context, key, value, 1, 1);
}

rv_status rv_choice_record(rv_context *context, const char *key, const char *value)
{
    return put(context, key, value, 1, 0);
}

rv_status rv_choice_rule(rv_context *context, const char *key, const char *rule, const char *none,
                         int *holds)
{
    const char *known = rv_choice_find(context, key);
    if (known && strcmp(known, none) != 0 && strcmp(known, rule) != 0)
        known = NULL;
    *holds = known ? strcmp(known, rule) == 0 : !read_tuner(context)->is_followed;
    return known ? RV_OK : rv_choice_record(context, key, *holds ? rule : none);
}

/* ---- as text ---- */

static int is_wanted(const tuner *t, const choice *row, rv_tuning_part part)
{
    if (part == RV_TUNING_NEW)
        return row->is_new && t->policy == RV_CONV_AUTO;
    return part == RV_TUNING_KNOWN || row->in_use;
}

rv_tuning rv_context_tuning(rv_context *context, rv_tuning_part part)
{
    size_t bytes = 1;
    tuner *t = tuner_of(context);
    rv_tuning tuning = {names[rv_context_conv(context)], NULL};
    for (int i = 0; t && i < t->count; i++)
        bytes += strlen(t->row[i].key) + strlen(t->row[i].value) + 2;
    char *text = t ? rv_malloc(bytes) : NULL, *at = text;
    if (!text) {
        rv_fail_memory(context);
        return tuning;
    }
    for (int i = 0; i < t->count; i++)
        if (is_wanted(t, &t->row[i], part)) {
            at = stpcpy(stpcpy(at, t->row[i].key), "\t");
            at = stpcpy(stpcpy(at, t->row[i].value), "\n");
        }
    *at = '\0';
    rv_free(t->text);
    tuning.choices = t->text = text;
    return tuning;
}

/* Splits the line at `line`, in place, into its key and value; returns the next line, or NULL when
 * the line is malformed. */
static char *cut_line(char *line, char **value)
{
    char *end = strchr(line, '\n'), *tab = strchr(line, '\t');
    if (!end || !tab || tab > end)
        return NULL;
    *end = *tab = '\0';
    *value = tab + 1;
    return is_text(line) && is_text(*value) ? end + 1 : NULL;
}

/* Checks every line before the first is added. */
static rv_status read_lines(rv_context *context, char *copy, const char *name, int in_use)
{
    char *value, *next;
    int number = 0;
    for (char *line = copy; *line; line = next) {
        number++;
        next = cut_line(line, &value);
        if (!next)
            return rv_fail(context, RV_BAD_FILE,
                           "%s:%d: no line of a key, a tab and a value; the file is damaged", name,
                           number);
    }
    rv_status status = RV_OK;
    for (char *line = copy; status == RV_OK && number > 0; number--) {
        value = line + strlen(line) + 1;
        status = put(context, line, value, in_use, 0);
        line = value + strlen(value) + 1;
    }
    return status;
}

static rv_status read_choices(rv_context *context, const char *text, const char *name, int in_use)
{
    char *copy = text ? rv_strdup(text) : NULL; /* it may be the context's own */
    if (!text)
        return RV_OK;
    rv_status status = copy ? read_lines(context, copy, name, in_use) : rv_fail_memory(context);
    rv_free(copy);
    return status;
}

rv_status rv_context_add_tuning(rv_context *context, rv_tuning tuning, const char *name)
{
    if (tuning.policy && strcmp(tuning.policy, names[rv_context_conv(context)]) != 0)
        return RV_OK;
    return read_choices(context, tuning.choices, name, 0);
}

rv_status rv_context_follow_tuning(rv_context *context, rv_tuning tuning, const char *name)
{
    const char *policy = tuning.policy ? tuning.policy : names[RV_CONV_DIRECT];
    tuner *t = tuner_of(context);
    unsigned wanted = 0;
    while (wanted < POLICIES && strcmp(names[wanted], policy) != 0)
        wanted++;
    if (wanted == POLICIES)
        return rv_fail(context, RV_BAD_FILE,
                       "%s: its convolutions were computed by `%.40s`, which is unknown here", name,
                       policy);
    if (!t)
        return RV_NO_MEMORY;
    t->is_followed = tuning.choices || !tuning.policy; /* else nothing was computed yet */
    if (t->is_given && t->policy != wanted) {
        rv_notify(context, RV_LOG_WARNING,
                  "the run's convolutions were computed by %s, now they are by %s: it goes on, but "
                  "where it has convolutions not bit for bit",
                  policy, names[t->policy]);
        return RV_OK;
    }
    set_policy(t, wanted);
    return read_choices(context, tuning.choices, name, 1);
}

/* ---- a second context ---- */

rv_status rv_context_lend_tuning(rv_context *other, const rv_context *context)
{
    const tuner *from = read_tuner(context);
    tuner *t = tuner_of(other);
    rv_status status = t ? RV_OK : RV_NO_MEMORY;
    if (t) {
        set_policy(t, from->policy);
        t->is_given = from->is_given;
        t->is_followed = from->is_followed;
        t->measures = from->measures;
        t->memory = from->memory;
    }
    for (int i = 0; status == RV_OK && i < from->count; i++)
        status = put(other, from->row[i].key, from->row[i].value, 0, 0);
    return status;
}

rv_status rv_context_return_tuning(rv_context *context, const rv_context *other)
{
    const tuner *from = read_tuner(other);
    rv_status status = RV_OK;
    if (from->policy != rv_context_conv(context)) /* they belong to another policy */
        return RV_OK;
    for (int i = 0; status == RV_OK && i < from->count; i++)
        if (from->row[i].is_new)
            status = put(context, from->row[i].key, from->row[i].value, 0, 1);
    return status;
}
