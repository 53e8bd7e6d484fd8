/* Reads one word: a layer's name, then arguments in order or by name, or a list of words.
 *
 *   linear 512        linear 512 nobias      linear 512 bias: false      {linear: 512, bias: false}
 *   leaky_relu 0.2    residual: [linear 64, relu]                 {residual: [linear 64, relu]}
 *   conv 64 k4 s2 p1  conv 64 kernel: 4 stride: 2 padding: 1      {conv: 64, k: 4, s: 2, p: 1}  */
#include "core/text.h"
#include "nn/net.h"

#include "core/nearest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char separators[] = " \t\r\n:=,";

/* The position of the reader, for messages. */
typedef struct place {
    const net_builder *builder;
    const char *word;
    int position;
} place;

static rv_status wrong(const place *at, const char *format, ...) RV_PRINTF(2, 3);
static rv_status wrong(const place *at, const char *format, ...)
{
    char what[400];
    va_list arguments;
    va_start(arguments, format);
    rv_text_format_list(what, sizeof what, format, arguments);
    va_end(arguments);
    return rv_fail(at->builder->context, RV_BAD_USAGE, "`%.200s` at position %d of %s: %s",
                   at->word, at->position, at->builder->owner, what);
}

/* Removes spaces at both ends, then braces or quotes around everything, in place. */
static char *strip(char *text)
{
    for (;;) {
        while (rv_is_space((unsigned char)*text))
            text++;
        size_t length = strlen(text);
        while (length > 0 && rv_is_space((unsigned char)text[length - 1]))
            text[--length] = '\0';
        char first = *text, last = length > 1 ? text[length - 1] : '\0';
        int enclosed = (first == '{' && last == '}') || (first == '"' && last == '"') ||
                       (first == '\'' && last == '\'');
        if (!enclosed)
            return text;
        text[length - 1] = '\0';
        text++;
    }
}

static const layer_kind *find_kind(const char *word, size_t length)
{
    for (int i = 0; i < layer_kind_count; i++)
        if (strlen(layer_kinds[i].word) == length &&
            strncmp(layer_kinds[i].word, word, length) == 0)
            return &layer_kinds[i];
    return NULL;
}

const layer_kind *layer_kind_of(const char *word, const char **rest)
{
    word += strspn(word, " \t\r\n:=,[{\"'");
    size_t length = strcspn(word, " \t\r\n:=,[]{}\"'");
    *rest = word + length;
    return find_kind(word, length);
}

static rv_status unknown(const place *at, const char *name)
{
    const net_builder *builder = at->builder;
    rv_nearest nearest = {0};
    for (int i = 0; i < layer_kind_count; i++)
        rv_nearest_try(&nearest, name, layer_kinds[i].word, layer_kinds[i].word);
    if (nearest.word)
        return rv_fail(builder->context, RV_BAD_USAGE,
                       "unknown layer `%.200s` at position %d of %s; did you mean `%s`?", at->word,
                       at->position, builder->owner, nearest.word);
    char known[400] = "";
    for (int i = 0; i < layer_kind_count; i++) {
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", layer_kinds[i].word);
    }
    return rv_fail(builder->context, RV_BAD_USAGE,
                   "unknown layer `%.200s` at position %d of %s; the layers are %s", at->word,
                   at->position, builder->owner, known);
}

/* ---- arguments ---- */

static int argument_count(const layer_kind *kind)
{
    int count = 0;
    while (count < LAYER_ARGUMENTS_MOST && kind->argument[count].name)
        count++;
    return count;
}

/* By its name or its letter. */
static int find_argument(const layer_kind *kind, const char *name)
{
    for (int i = 0; i < argument_count(kind); i++) {
        const layer_argument *argument = &kind->argument[i];
        if (strcmp(argument->name, name) == 0 ||
            (argument->letter && strcmp(argument->letter, name) == 0))
            return i;
    }
    return -1;
}

/* "k4": the argument of the letter, and its value; -1 when there is none. */
static int find_letter(const layer_kind *kind, char *token, char **value)
{
    for (int i = 0; i < argument_count(kind); i++) {
        const char *letter = kind->argument[i].letter;
        size_t length = letter ? strlen(letter) : 0;
        if (length == 0 || strncmp(token, letter, length) != 0)
            continue;
        if (rv_is_digit((unsigned char)token[length]) || token[length] == '-') {
            *value = token + length;
            return i;
        }
    }
    return -1;
}

static int read_switch(const char *text, double *value)
{
    *value = strcmp(text, "true") == 0;
    return *value != 0 || strcmp(text, "false") == 0;
}

static rv_status read_value(const place *at, const layer_kind *kind, int index, const char *text,
                            double *value)
{
    char *end;
    const layer_argument *argument = &kind->argument[index];
    if (argument->type == ARGUMENT_SWITCH) {
        if (!read_switch(text, value))
            return wrong(at, "%s is `%s`, not true or false", argument->name, text);
        return RV_OK;
    }
    *value = rv_text_number(text, &end);
    if (end == text || *end || !isfinite(*value))
        return wrong(at, "%s is `%s`, not a number; it is `%s %s`", argument->name, text,
                     kind->word, kind->arguments);
    if (argument->type == ARGUMENT_INTEGER && *value != floor(*value))
        return wrong(at, "%s is %s, not a whole number", argument->name, text);
    if (*value < argument->least || *value > argument->most)
        return wrong(at, "%s is %s, not between %.10g and %.10g", argument->name, text,
                     argument->least, argument->most);
    return RV_OK;
}

/* The next token of *rest, cut in place; NULL at the end. */
static char *next_token(char **rest)
{
    char *token = *rest + strspn(*rest, separators);
    char *end = token + strcspn(token, separators);
    if (!*token)
        return NULL;
    *rest = *end ? end + 1 : end;
    *end = '\0';
    return token;
}

/* One argument: `name value`, `noname`, `k4`, or a value for the first missing argument. */
static rv_status read_argument(const place *at, net_layer *out, char *token, char **rest,
                               char *given)
{
    const layer_kind *kind = out->kind;
    char *text = token;
    int index = find_argument(kind, token);
    int off = strncmp(token, "no", 2) == 0 ? find_argument(kind, token + 2) : -1;
    if (index >= 0)
        text = next_token(rest);
    else if (off >= 0 && kind->argument[off].type == ARGUMENT_SWITCH) {
        index = off;
        text = "false";
    } else
        index = find_letter(kind, token, &text);
    if (index < 0)
        for (index = 0; index < argument_count(kind) && given[index];)
            index++;
    if (!text)
        return wrong(at, "%s has no value", kind->argument[index].name);
    if (index >= argument_count(kind))
        return wrong(at, "`%s` is one argument too many; it is `%s%s%s`", token, kind->word,
                     *kind->arguments ? " " : "", kind->arguments);
    if (given[index])
        return wrong(at, "%s is given twice", kind->argument[index].name);
    given[index] = 1;
    return read_value(at, kind, index, text, &out->argument[index]);
}

static rv_status read_arguments(const place *at, char *rest, net_layer *out)
{
    const layer_kind *kind = out->kind;
    char given[LAYER_ARGUMENTS_MOST] = {0}, *token;
    while ((token = next_token(&rest)) != NULL) {
        rv_status status = read_argument(at, out, token, &rest, given);
        if (status != RV_OK)
            return status;
    }
    for (int i = 0; i < argument_count(kind); i++) {
        if (!given[i] && isnan(kind->argument[i].fallback))
            return wrong(at, "%s is missing; it is `%s %s`", kind->argument[i].name, kind->word,
                         kind->arguments);
        if (!given[i])
            out->argument[i] = kind->argument[i].fallback;
    }
    return RV_OK;
}

/* ---- lists ---- */

/* The end of an element: the next comma outside brackets and braces, or the end of the text; NULL
 * when brackets do not match. */
static char *element_end(char *text)
{
    int depth = 0;
    for (; *text && (*text != ',' || depth > 0); text++) {
        depth += *text == '[' || *text == '{';
        depth -= *text == ']' || *text == '}';
        if (depth < 0)
            return NULL;
    }
    return depth == 0 ? text : NULL;
}

/* Cuts "[a, b, c]" into its elements, in place. */
static rv_status read_list(const place *at, char *rest, net_layer *out)
{
    rest += strspn(rest, separators);
    size_t length = strlen(rest);
    if (*rest != '[' || length < 2 || rest[length - 1] != ']')
        return wrong(at, "it needs a list of layers in brackets: `%s: %s`", out->kind->word,
                     out->kind->arguments);
    rest[length - 1] = '\0';
    rest++;
    out->inside_word = rv_arena_alloc(at->builder->arena, length * sizeof *out->inside_word);
    if (!out->inside_word)
        return rv_fail_memory(at->builder->context);
    for (int last = rest[strspn(rest, separators)] == '\0'; !last;) {
        char *end = element_end(rest);
        if (!end)
            return wrong(at, "the brackets do not match");
        last = *end == '\0';
        *end = '\0';
        out->inside_word[out->inside.count++] = strip(rest);
        rest = end + 1;
    }
    return RV_OK;
}

rv_status layer_parse(const net_builder *builder, const char *word, int position, net_layer *out)
{
    place at = {builder, word, position};
    out->word = rv_arena_strdup(builder->arena, word);
    char *copy = rv_arena_strdup(builder->arena, word);
    if (!out->word || !copy)
        return rv_fail_memory(builder->context);
    char *text = strip(copy);
    size_t length = strcspn(text, " \t\r\n:=,[");
    if (length == 0)
        return wrong(&at, "there is no layer's name");
    out->kind = find_kind(text, length);
    if (!out->kind) {
        text[length] = '\0';
        return unknown(&at, text);
    }
    return out->kind->holds_list ? read_list(&at, text + length, out)
                                 : read_arguments(&at, text + length, out);
}
