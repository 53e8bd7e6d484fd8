/* Small helpers of this room: HTML, file name endings, checks of arguments. */
#ifndef VIZ_TEXT_H
#define VIZ_TEXT_H

#include "core/growing_text.h"

/* Replaces & < > " ' by entities, and omits control characters that HTML forbids. */
void rv_text_add_escaped(rv_text *text, const char *string);

/* Whether `path` ends in `extension` (".png"), in any case, after at least one character. */
int rv_viz_has_extension(const char *path, const char *extension);
/* Fails and returns 1 unless least <= value <= most. */
int rv_viz_bad_number(rv_context *context, const char *what, double value, double least,
                      double most);
/* The status of a call with NULL as its object: the failure that led to it, or a new one. */
rv_status rv_viz_missing(rv_context *context, const char *what);

#endif
