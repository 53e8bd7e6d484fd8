/* A text that grows. */
#ifndef CORE_GROWING_TEXT_H
#define CORE_GROWING_TEXT_H

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
/* Gives the characters to the caller (freed with rv_free) and empties the text; NULL, latched, when
 * memory ran out. */
char *rv_text_finish(rv_text *text, rv_context *context);
void rv_text_free(rv_text *text);

#endif
