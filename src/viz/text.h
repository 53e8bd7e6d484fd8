/* Small helpers of this room: a text that grows, file name endings, checks of arguments. */
#ifndef VIZ_TEXT_H
#define VIZ_TEXT_H

#include "reverie/core.h"

/* A text that grows as it is written.  Running out of memory is remembered: later writes do
 * nothing, and rv_text_finish reports it. */
typedef struct rv_text {
    char *characters; /* zero-terminated once anything was written */
    size_t length, capacity;
    int failed;
} rv_text; /* zero-initialised is empty */

void rv_text_add(rv_text *text, const char *string);
void rv_text_add_bytes(rv_text *text, const char *bytes, size_t count);
void rv_text_printf(rv_text *text, const char *format, ...) RV_PRINTF(2, 3);
/* With & < > " ' replaced by entities, and control characters that HTML forbids left out. */
void rv_text_add_escaped(rv_text *text, const char *string);
/* Gives the characters to the caller (freed with rv_free) and empties the text; NULL, latched, when
 * memory ran out. */
char *rv_text_finish(rv_text *text, rv_context *context);
void rv_text_free(rv_text *text);

/* Whether `path` ends in `extension` (".png"), in either case, after at least one character. */
int rv_viz_has_extension(const char *path, const char *extension);
/* Fails and returns 1 unless least <= value <= most. */
int rv_viz_bad_number(rv_context *context, const char *what, double value, double least,
                      double most);
/* The status of a call that was given NULL for an object: the failure that led to it, or a new
 * one. */
rv_status rv_viz_missing(rv_context *context, const char *what);

#endif
