/* Keeps the table of choices in the order of its keys. */
#include "core/algorithm_choices.h"

#include "core/context.h"
#include "core/memory.h"

#include <string.h>

/* The first row whose key does not come before `key`. */
static int place_of(const rv_choices *choices, const char *key)
{
    int low = 0, high = choices->count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (strcmp(choices->row[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static rv_choice *row_of(const rv_choices *choices, const char *key)
{
    int place = place_of(choices, key);
    int found = place < choices->count && strcmp(choices->row[place].key, key) == 0;
    return found ? &choices->row[place] : NULL;
}

const char *rv_choice_find(const rv_context *context, const char *key)
{
    rv_choice *row = row_of(&context->choices, key);
    if (!row)
        return NULL;
    row->in_use = 1;
    return row->value;
}

int rv_choice_is_text(const char *text)
{
    const char *at = text;
    while (*at >= ' ' && *at <= '~')
        at++;
    return at > text && *at == '\0';
}

/* Room for one more row. */
static int grow(rv_choices *choices)
{
    if (choices->count < choices->room)
        return 1;
    int room = choices->room ? 2 * choices->room : 16;
    rv_choice *row = rv_realloc(choices->row, (size_t)room * sizeof *row);
    if (!row)
        return 0;
    choices->row = row;
    choices->room = room;
    return 1;
}

/* A row without a value yet, at the place of its key; NULL when memory is out. */
static rv_choice *insert(rv_choices *choices, const char *key)
{
    char *copy = grow(choices) ? rv_strdup(key) : NULL;
    if (!copy)
        return NULL;
    int place = place_of(choices, key);
    rv_choice *row = &choices->row[place];
    memmove(row + 1, row, (size_t)(choices->count - place) * sizeof *row);
    *row = (rv_choice){.key = copy};
    choices->count++;
    return row;
}

static rv_status put(rv_context *context, const rv_choice *choice)
{
    rv_choices *choices = &context->choices;
    if (!rv_choice_is_text(choice->key) || !rv_choice_is_text(choice->value))
        return rv_fail(context, RV_BAD_USAGE,
                       "a choice is a key and a value, each one line of printable ASCII");
    rv_choice *row = row_of(choices, choice->key);
    if (row && strcmp(row->value, choice->value) == 0) {
        row->in_use |= choice->in_use;
        return RV_OK;
    }
    char *value = rv_strdup(choice->value);
    if (value && !row)
        row = insert(choices, choice->key);
    if (!value || !row) {
        rv_free(value);
        return rv_fail_memory(context);
    }
    rv_free(row->value);
    row->value = value;
    row->in_use |= choice->in_use;
    row->is_new = choice->is_new;
    return RV_OK;
}

/* A row as text that is only read. */
static rv_choice row_for(const char *key, const char *value, int in_use, int is_new)
{
    return (rv_choice){(char *)(uintptr_t)key, (char *)(uintptr_t)value, in_use, is_new};
}

rv_status rv_choice_set(rv_context *context, const char *key, const char *value)
{
    rv_choice choice = row_for(key, value, 1, 1);
    return put(context, &choice);
}

rv_status rv_choice_give(rv_context *context, const char *key, const char *value, int in_use)
{
    rv_choice choice = row_for(key, value, in_use, 0);
    const rv_choice *known = row_of(&context->choices, key);
    return known && known->in_use && !in_use ? RV_OK : put(context, &choice);
}

void rv_choices_clear(rv_choices *choices)
{
    for (int i = 0; i < choices->count; i++) {
        rv_free(choices->row[i].key);
        rv_free(choices->row[i].value);
    }
    rv_free(choices->row);
    *choices = (rv_choices){0};
}

/* ---- a context beside another ---- */

rv_status rv_choices_lend(rv_context *aside, const rv_context *context)
{
    rv_status status = RV_OK;
    aside->conv_policy = context->conv_policy;
    aside->conv_is_given = context->conv_is_given;
    aside->conv_measures = context->conv_measures;
    aside->conv_memory = context->conv_memory;
    for (int i = 0; status == RV_OK && i < context->choices.count; i++) {
        const rv_choice *row = &context->choices.row[i];
        status = rv_choice_give(aside, row->key, row->value, 0);
    }
    return status;
}

rv_status rv_choices_give_back(rv_context *context, const rv_context *aside)
{
    rv_status status = RV_OK;
    if (aside->conv_policy != context->conv_policy) /* they are no choices of this policy */
        return RV_OK;
    for (int i = 0; status == RV_OK && i < aside->choices.count; i++) {
        rv_choice row = aside->choices.row[i];
        row.in_use = 0;
        if (row.is_new)
            status = put(context, &row);
    }
    return status;
}
