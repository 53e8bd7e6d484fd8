/* Parses a setting by the type of its row, and writes fields back as YAML. */
#include "config/value.h"

#include "core/memory.h"
#include "core/text.h"

#include <string.h>

/* ---- choices ---- */

int config_choice_name(const char *choices, int index, char *name, size_t bytes)
{
    for (; choices && index > 0; index--) {
        choices = strchr(choices, '|');
        choices = choices ? choices + 1 : NULL;
    }
    if (!choices || index < 0)
        return 0;
    size_t length = strcspn(choices, "|");
    length = length < bytes ? length : bytes - 1;
    memcpy(name, choices, length);
    name[length] = '\0';
    return 1;
}

/* Whether two choices are the same word; [0, 1] and [0,1] are. */
static int same_choice(const char *a, const char *b)
{
    for (;;) {
        a += strspn(a, " ");
        b += strspn(b, " ");
        if (*a != *b)
            return 0;
        if (!*a)
            return 1;
        a++;
        b++;
    }
}

static int read_choice(const rv_option *row, const char *given, int *index)
{
    char name[64];
    for (int i = 0; config_choice_name(row->choices, i, name, sizeof name); i++)
        if (same_choice(given, name)) {
            *index = i;
            return 1;
        }
    return 0;
}

/* ---- what is wanted ---- */

/* 0 to 0 is no range; 1 to 1 is the number 1. */
static int has_range(const rv_option *row)
{
    return row->least < row->most || (row->least == row->most && row->least != 0);
}

static void add_range(rv_text *text, const rv_option *row)
{
    if (!has_range(row))
        return;
    if (row->most >= 2147483647.0) {
        rv_text_add(text, ", at least ");
        config_text_number(text, row->least);
        if (row->most < 1e18)
            rv_text_printf(text, " and at most %lld", (long long)row->most);
        return;
    }
    rv_text_add(text, " from ");
    config_text_number(text, row->least);
    rv_text_add(text, " to ");
    config_text_number(text, row->most);
}

void config_add_wanted(rv_text *text, const rv_option *row)
{
    char name[64];
    switch (row->type) {
    case RV_OPTION_BOOL: rv_text_add(text, "true or false"); break;
    case RV_OPTION_INTEGER:
        rv_text_add(text, "a whole number");
        add_range(text, row);
        break;
    case RV_OPTION_NUMBER:
        rv_text_add(text, "a number");
        add_range(text, row);
        break;
    case RV_OPTION_TEXT: rv_text_add(text, "text"); break;
    case RV_OPTION_CHOICE:
        for (int i = 0; config_choice_name(row->choices, i, name, sizeof name); i++)
            rv_text_printf(text, "%s%s",
                           i                           ? ", "
                           : strchr(row->choices, '|') ? "one of "
                                                       : "",
                           name);
        break;
    case RV_OPTION_WORDS: rv_text_add(text, "a list of layers, as [linear 512, relu]"); break;
    case RV_OPTION_INTEGERS: rv_text_add(text, "a list of whole numbers, as [1, 2]"); break;
    case RV_OPTION_NUMBERS: rv_text_add(text, "a list of numbers, as [0.5, 1]"); break;
    }
}

/* `element` counts from 1; 0: the whole value. */
static rv_status refuse(rv_context *context, const rv_option *row, const config_setting *setting,
                        int element)
{
    rv_text message = {0};
    rv_option one = *row;
    rv_text_printf(&message, "%s: %s", setting->origin, row->key);
    if (element > 0) {
        rv_text_printf(&message, ", element %d,", element);
        one.type = row->type == RV_OPTION_INTEGERS ? RV_OPTION_INTEGER : RV_OPTION_NUMBER;
    }
    rv_text_add(&message, " wants ");
    config_add_wanted(&message, &one);
    if (setting->form == CONFIG_EMPTY)
        rv_text_add(&message, ", and has no value");
    else
        rv_text_printf(&message, ", not `%.80s`",
                       element > 0 ? setting->item[element - 1] : setting->text);
    rv_status status = message.failed ? rv_fail_memory(context)
                                      : rv_fail(context, RV_BAD_USAGE, "%s", message.characters);
    rv_free(message.characters);
    return status;
}

/* ---- reading ---- */

static int in_range(const rv_option *row, double value)
{
    return !has_range(row) || (value >= row->least && value <= row->most);
}

static int read_bool(const char *given, int *value)
{
    static const char *const words[2][3] = {{"false", "no", "off"}, {"true", "yes", "on"}};
    for (int i = 0; i < 6; i++)
        if (rv_text_same(given, words[i / 3][i % 3])) {
            *value = i / 3;
            return 1;
        }
    return 0;
}

static int read_integer(const rv_option *row, const char *given, int64_t *value)
{
    return config_read_integer(given, value) && in_range(row, (double)*value);
}

static int read_number(const rv_option *row, const char *given, double *value)
{
    return config_read_number(given, value) && in_range(row, *value);
}

/* Text may have lines, but no other control characters. */
static int is_printable(const char *given)
{
    for (; *given; given++)
        if (((unsigned char)*given < 0x20 && *given != '\n' && *given != '\t') || *given == 0x7f)
            return 0;
    return 1;
}

static rv_status store_scalar(rv_context *context, rv_arena *arena, const rv_option *row,
                              const config_setting *setting, void *field)
{
    int good = setting->form == CONFIG_SCALAR;
    switch (row->type) {
    case RV_OPTION_BOOL: good = good && read_bool(setting->text, field); break;
    case RV_OPTION_INTEGER: good = good && read_integer(row, setting->text, field); break;
    case RV_OPTION_NUMBER: good = good && read_number(row, setting->text, field); break;
    case RV_OPTION_CHOICE:
        good = setting->form != CONFIG_EMPTY && read_choice(row, setting->text, field);
        break;
    default:
        good = good && is_printable(setting->text);
        if (good && !(*(const char **)field = rv_arena_strdup(arena, setting->text)))
            return rv_fail_memory(context);
    }
    return good ? RV_OK : refuse(context, row, setting, 0);
}

static rv_status store_words(rv_context *context, rv_arena *arena, const config_setting *setting,
                             rv_words *words)
{
    const char **copy = rv_arena_alloc(arena, (size_t)setting->item_count * sizeof *copy);
    if (!copy)
        return rv_fail_memory(context);
    for (int i = 0; i < setting->item_count; i++)
        if (!(copy[i] = rv_arena_strdup(arena, setting->item[i])))
            return rv_fail_memory(context);
    *words = (rv_words){copy, setting->item_count};
    return RV_OK;
}

static rv_status store_numbers(rv_context *context, rv_arena *arena, const rv_option *row,
                               const config_setting *setting, void *field)
{
    int count = setting->item_count;
    union {
        int64_t *integer;
        double *number;
    } copy;
    copy.integer = rv_arena_alloc(arena, (size_t)count * sizeof *copy.integer);
    if (!copy.integer)
        return rv_fail_memory(context);
    for (int i = 0; i < count; i++) {
        int good = row->type == RV_OPTION_INTEGERS
                       ? read_integer(row, setting->item[i], &copy.integer[i])
                       : read_number(row, setting->item[i], &copy.number[i]);
        if (!good)
            return refuse(context, row, setting, i + 1);
    }
    if (row->type == RV_OPTION_INTEGERS)
        *(rv_integers *)field = (rv_integers){copy.integer, count};
    else
        *(rv_numbers *)field = (rv_numbers){copy.number, count};
    return RV_OK;
}

rv_status config_store(rv_context *context, rv_arena *arena, const rv_option *row,
                       const config_setting *setting, void *target)
{
    void *field = (char *)target + row->offset;
    switch (row->type) {
    case RV_OPTION_WORDS:
    case RV_OPTION_INTEGERS:
    case RV_OPTION_NUMBERS: break;
    default: return store_scalar(context, arena, row, setting, field);
    }
    if (setting->form != CONFIG_LIST)
        return refuse(context, row, setting, 0);
    if (row->type == RV_OPTION_WORDS)
        return store_words(context, arena, setting, field);
    return store_numbers(context, arena, row, setting, field);
}

/* ---- writing ---- */

/* A word that is a list or a map is already YAML. */
static void add_word(rv_text *text, const char *word)
{
    if (word[0] == '{' || word[0] == '[')
        rv_text_add(text, word);
    else
        config_text_scalar(text, word);
}

void config_add_value(rv_text *text, const rv_option *row, const void *target)
{
    const void *field = (const char *)target + row->offset;
    const rv_words *words = field;
    const rv_integers *integers = field;
    const rv_numbers *numbers = field;
    char name[64] = "";
    switch (row->type) {
    case RV_OPTION_BOOL: rv_text_add(text, *(const int *)field ? "true" : "false"); return;
    case RV_OPTION_INTEGER:
        rv_text_printf(text, "%lld", (long long)*(const int64_t *)field);
        return;
    case RV_OPTION_NUMBER: config_text_number(text, *(const double *)field); return;
    case RV_OPTION_TEXT: config_text_scalar(text, *(const char *const *)field); return;
    case RV_OPTION_CHOICE:
        config_choice_name(row->choices, *(const int *)field, name, sizeof name);
        add_word(text, name);
        return;
    default: break;
    }
    rv_text_add(text, "[");
    for (int i = 0; i < words->count; i++) {
        rv_text_add(text, i ? ", " : "");
        if (row->type == RV_OPTION_WORDS)
            add_word(text, words->word[i]);
        else if (row->type == RV_OPTION_INTEGERS)
            rv_text_printf(text, "%lld", (long long)integers->value[i]);
        else
            config_text_number(text, numbers->value[i]);
    }
    rv_text_add(text, "]");
}
