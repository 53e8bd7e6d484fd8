/* The choices of a context, for the backend that makes them: texts with keys, decided once and
 * kept.
 *
 *     const char *known = rv_choice_find(context, "avx2, 2 threads: 64 x 9x9x64 ...");
 *     if (!known)
 *         rv_choice_set(context, "avx2, 2 threads: 64 x 9x9x64 ...", "toom-cook 3x3");
 *
 * rv_tuning, in reverie/backend.h, reads and writes all of them. */
#ifndef BACKEND_TUNING_H
#define BACKEND_TUNING_H

#include "reverie/backend.h"

/* The value of a key, owned by the context until it is set or given again; NULL: none.  A choice
 * that was found or set is then in use. */
const char *rv_choice_find(const rv_context *context, const char *key);
/* Copies both; replaces an old value of the key.  RV_BAD_USAGE unless both are one line of
 * printable ASCII with at least one character; RV_NO_MEMORY leaves the choices unchanged. */
rv_status rv_choice_set(rv_context *context, const char *key, const char *value);
/* The same for a choice that runs record and the cache lacks: no measurement made it, or one on a
 * busy machine, to be made again. */
rv_status rv_choice_record(rv_context *context, const char *key, const char *value);
/* Whether this version's rule `rule` holds where versions before it did as `none` says: as the
 * record has it.  A run that was recorded without the key, or with another rule, goes on as `none`.
 * Records the answer. */
rv_status rv_choice_rule(rv_context *context, const char *key, const char *rule, const char *none,
                         int *holds);

#endif
