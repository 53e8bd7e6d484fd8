/* See json.h. */
#include "io/json.h"

#include "core/memory.h"
#include "core/text.h"
#include "io/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The only key of a mark: no name in Reverie, of a file or of a setting contains such a
 * character. */
#define MARK   "\x01reason"
#define REASON "_reason"

/* ---- values ---- */

json_t *rv_json_none(const char *reason)
{
    json_t *mark = json_object();
    rv_json_put(&mark, MARK, rv_json_text(reason));
    return mark;
}

json_t *rv_json_number(double value)
{
    if (isfinite(value))
        return json_real(value);
    return rv_json_none(isnan(value) ? "not a number" : value > 0 ? "infinity" : "-infinity");
}

json_t *rv_json_number_or(double value, const char *reason)
{
    return isnan(value) ? rv_json_none(reason) : rv_json_number(value);
}

json_t *rv_json_text(const char *text)
{
    uint32_t code;
    size_t used = 0;
    if (!text)
        return json_null();
    if (rv_is_utf8(text))
        return json_string(text);
    char *mended = malloc(2 * strlen(text) + 1); /* as jansson asks */
    if (!mended)
        return NULL;
    for (size_t length; *text; text += length) {
        length = rv_utf8_next(text, &code);
        memcpy(mended + used, text, length);
        used += length;
        if (length > 0)
            continue;
        mended[used++] = (char)(0xc0 | (unsigned char)*text >> 6);
        mended[used++] = (char)(0x80 | (*text & 0x3f));
        length = 1;
    }
    json_t *value = json_stringn(mended, used);
    free(mended);
    return value;
}

/* ---- building ---- */

void rv_json_put(json_t **object, const char *key, json_t *value)
{
    if (!*object)
        json_decref(value);
    else if (json_object_set_new(*object, key, value) != 0) {
        json_decref(*object);
        *object = NULL;
    }
}

void rv_json_add(json_t **array, json_t *value)
{
    if (!*array)
        json_decref(value);
    else if (json_array_append_new(*array, value) != 0) {
        json_decref(*array);
        *array = NULL;
    }
}

/* ---- writing ---- */

static json_t *mark_of(const json_t *value)
{
    return json_is_object(value) ? json_object_get(value, MARK) : NULL;
}

static json_t *resolved(json_t *value);

/* "key": null, "key_reason": "..." */
static void put_none(json_t **object, const char *key, json_t *reason)
{
    size_t length = strlen(key);
    char *name = rv_malloc(length + sizeof REASON);
    if (name) {
        memcpy(name, key, length);
        memcpy(name + length, REASON, sizeof REASON);
        rv_json_put(object, key, json_null());
        rv_json_put(object, name, json_incref(reason));
    } else {
        rv_json_put(object, key, NULL);
    }
    rv_free(name);
}

static json_t *resolved_object(json_t *object)
{
    const char *key;
    json_t *value, *copy = json_object();
    json_object_foreach(object, key, value)
    {
        if (mark_of(value))
            put_none(&copy, key, mark_of(value));
        else
            rv_json_put(&copy, key, resolved(value));
    }
    return copy;
}

/* A new reference to the value without marks; a list has no place for a reason. */
static json_t *resolved(json_t *value)
{
    size_t i;
    json_t *item, *copy;
    if (mark_of(value))
        return json_null();
    if (json_is_object(value))
        return resolved_object(value);
    if (!json_is_array(value))
        return json_incref(value);
    copy = json_array();
    json_array_foreach(value, i, item)
    {
        rv_json_add(&copy, resolved(item));
    }
    return copy;
}

static int has_marks(json_t *value)
{
    size_t i;
    const char *key;
    json_t *item;
    int found = mark_of(value) != NULL;
    json_object_foreach(value, key, item)
    {
        found = found || has_marks(item);
    }
    json_array_foreach(value, i, item)
    {
        found = found || has_marks(item);
    }
    return found;
}

/* Writes into a block of the right size: when json_dumps cannot enlarge its own block, it silently
 * omits letters. */
static char *dump(const json_t *value, size_t flags)
{
    locale_t locale = rv_locale_plain();
    size_t size = json_dumpb(value, NULL, 0, flags);
    char *text = size > 0 ? rv_malloc(size + 1) : NULL;
    if (text && json_dumpb(value, text, size, flags) != size) {
        rv_free(text);
        text = NULL;
    }
    rv_locale_back(locale);
    if (text)
        text[size] = '\0';
    return text;
}

rv_status rv_json_write(rv_context *context, json_t *value, size_t flags, char **text)
{
    *text = NULL;
    if (value && has_marks(value)) {
        json_t *plain = resolved(value);
        json_decref(value);
        value = plain;
    }
    if (!value)
        return rv_fail_memory(context);
    *text = dump(value, flags);
    json_decref(value);
    return *text ? RV_OK : rv_fail_memory(context);
}

/* ---- reading ---- */

/* jansson needs a few times the size of the text.  Without this memory it drops letters of long
 * words, or aborts, so it is called only if there is room. */
static int has_room(size_t bytes)
{
    void *room = bytes < SIZE_MAX / 8 ? rv_malloc(4 * bytes + ((size_t)1 << 16)) : NULL;
    rv_free(room);
    return room != NULL;
}

rv_status rv_json_read(rv_context *context, const char *text, size_t bytes, size_t flags,
                       json_t **value, json_error_t *error)
{
    json_error_t own, *wrong = error ? error : &own;
    *value = NULL;
    if (!has_room(bytes))
        return rv_fail_memory(context);
    wrong->text[0] = '\0';
    locale_t locale = rv_locale_plain();
    *value = json_loadb(text, bytes, flags, wrong);
    rv_locale_back(locale);
    /* When memory is out, jansson sets this code, or no code and no text. */
    int starved = json_error_code(wrong) == json_error_out_of_memory || !wrong->text[0];
    return !*value && starved ? rv_fail_memory(context) : RV_OK;
}
