/* A text that grows as it is written. */
#include "core/growing_text.h"

#include "core/memory.h"
#include "core/text.h"

#include <string.h>

/* Room for `count` more characters and the final zero. */
static int reserve(rv_text *text, size_t count)
{
    if (text->failed)
        return 0;
    if (count < text->capacity - text->length)
        return 1;
    size_t capacity = (text->length + count + 1) * 3 / 2 + 64;
    char *characters =
        capacity > text->length ? rv_realloc(text->characters, capacity) : NULL; /* no overflow */
    if (!characters) {
        text->failed = 1;
        return 0;
    }
    text->characters = characters;
    text->capacity = capacity;
    return 1;
}

void rv_text_add_bytes(rv_text *text, const char *bytes, size_t count)
{
    if (!reserve(text, count))
        return;
    memcpy(text->characters + text->length, bytes, count);
    text->length += count;
    text->characters[text->length] = '\0';
}

void rv_text_add(rv_text *text, const char *string)
{
    rv_text_add_bytes(text, string, strlen(string));
}

void rv_text_printf(rv_text *text, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int count = rv_text_format_list(NULL, 0, format, list);
    va_end(list);
    if (count < 0 || !reserve(text, (size_t)count)) {
        text->failed = 1;
        return;
    }
    va_start(list, format);
    rv_text_format_list(text->characters + text->length, (size_t)count + 1, format, list);
    va_end(list);
    text->length += (size_t)count;
}

char *rv_text_finish(rv_text *text, rv_context *context)
{
    rv_text_add_bytes(text, "", 0);
    char *characters = text->characters;
    if (text->failed) {
        rv_free(characters);
        characters = NULL;
        rv_fail_memory(context);
    }
    *text = (rv_text){0};
    return characters;
}

void rv_text_free(rv_text *text)
{
    rv_free(text->characters);
    *text = (rv_text){0};
}
