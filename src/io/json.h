/* JSON values that lose nothing, and JSON text.
 *
 * JSON has no infinity, no NaN and no text but UTF-8, and jansson answers all three with NULL, as
 * it answers a lack of memory: a key would vanish, or the failure be taken for that.  What is made
 * here is NULL only when memory is out.
 *
 * A number that there is none of is `null`, and its reason stands beside it: {"khat": null,
 * "khat_reason": "fewer than 25 draws"}.  Until the text is written it is a mark in its place. */
#ifndef IO_JSON_H
#define IO_JSON_H

#include "reverie/core.h"

#include <jansson.h>

/* `value`; where it is not finite a mark that becomes null, with "not a number", "infinity" or
 * "-infinity" as its reason. */
json_t *rv_json_number(double value);
/* A mark that becomes null, and its reason. */
json_t *rv_json_none(const char *reason);
/* `value`, or for NaN, which stands for a value that there is none of, null and this reason. */
json_t *rv_json_number_or(double value, const char *reason);
/* Text of any origin, as a file's name: a byte that is no UTF-8 is read as Latin-1 (U+00XX).  A
 * NULL is null. */
json_t *rv_json_text(const char *text);

/* Sets a key, or appends.  Where that fails, or the value is NULL, *object is freed and NULL from
 * then on, so that a chain needs one check at its end. */
void rv_json_put(json_t **object, const char *key, json_t *value);
void rv_json_add(json_t **array, json_t *value);

/* The text of a value, which is released; marks become nulls.  `flags` are json_dumps'.  NULL is
 * RV_NO_MEMORY.  The text is the caller's, to rv_free. */
rv_status rv_json_write(rv_context *context, json_t *value, size_t flags, char **text);
/* What a text says: RV_OK and NULL where it is no JSON, with the place in *error (NULL: not asked
 * for), RV_NO_MEMORY when it could not be told. */
rv_status rv_json_read(rv_context *context, const char *text, size_t bytes, size_t flags,
                       json_t **value, json_error_t *error);

#endif
