/* The choices of a context, for the backend that makes them: text by key, decided once and kept.
 *
 *     const char *known = rv_choice_find(context, "avx2, 2 threads: 64 x 9x9x64 ...");
 *     if (!known)
 *         rv_choice_set(context, "avx2, 2 threads: 64 x 9x9x64 ...", "toom-cook 3x3");
 *
 * Reading and writing them as a whole is rv_tuning's, in reverie/backend.h. */
#ifndef BACKEND_TUNING_H
#define BACKEND_TUNING_H

#include "reverie/backend.h"

/* The value of a key, the context's until it is set or given again; NULL: none.  A choice that was
 * found or set is in use from then on. */
const char *rv_choice_find(const rv_context *context, const char *key);
/* Copies both; replaces the value that the key had.  RV_BAD_USAGE for what is not one line of
 * printable ASCII, at least one character; RV_NO_MEMORY, and the choices are as before. */
rv_status rv_choice_set(rv_context *context, const char *key, const char *value);

#endif
