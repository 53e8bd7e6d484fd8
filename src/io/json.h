/* JSON values without silent losses, and JSON text.
 *
 * JSON has no infinity, no NaN and no text but UTF-8, and jansson answers all three with NULL, as
 * it answers a lack of memory: a key would vanish, or the failure would look like a lack of memory.
 * The functions here give NULL only when memory is out.
 *
 * A missing number is `null`, with its reason under another key: {"khat": null, "khat_reason":
 * "fewer than 25 draws"}.  Before the text is written, a mark takes its place. */
#ifndef IO_JSON_H
#define IO_JSON_H

#include "reverie/core.h"

#include <jansson.h>

/* `value`; if it is not finite, a mark that becomes null, with "not a number", "infinity" or
 * "-infinity" as its reason. */
json_t *rv_json_number(double value);
/* A mark that becomes null, and its reason. */
json_t *rv_json_none(const char *reason);
/* `value`; for NaN, which represents a missing value, null and this reason. */
json_t *rv_json_number_or(double value, const char *reason);
/* Text of any origin, such as a file name: a byte that is not UTF-8 is read as Latin-1 (U+00XX).
 * NULL gives null. */
json_t *rv_json_text(const char *text);

/* Sets a key, or appends.  If that fails, or the value is NULL, *object is freed and becomes NULL,
 * so that a chain needs one check at its end. */
void rv_json_put(json_t **object, const char *key, json_t *value);
void rv_json_add(json_t **array, json_t *value);

/* The text of a value, and releases the value; marks become nulls.  `flags` are those of
 * json_dumps.  NULL means RV_NO_MEMORY.  The caller frees the text with rv_free. */
rv_status rv_json_write(rv_context *context, json_t *value, size_t flags, char **text);
/* Parses a text: RV_OK and NULL if it is not JSON, with the place in *error (which may be NULL);
 * RV_NO_MEMORY when memory is out. */
rv_status rv_json_read(rv_context *context, const char *text, size_t bytes, size_t flags,
                       json_t **value, json_error_t *error);

#endif
