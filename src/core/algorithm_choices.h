/* Choices on a context: a small table of lines of text by key, in the order of the keys, for what
 * is decided once and kept (which algorithm computes a convolution).
 *
 *     const char *known = rv_choice_find(context, "conv 64x256x9x9 ...");
 *     if (!known)
 *         rv_choice_set(context, "conv 64x256x9x9 ...", "transform");
 *
 * A choice is in use once it was found or set: those are what a run depends on.  It is new when it
 * was set here, and not given: those are what a cache of the machine lacks. */
#ifndef CORE_ALGORITHM_CHOICES_H
#define CORE_ALGORITHM_CHOICES_H

#include "reverie/core.h"

typedef struct rv_choice {
    char *key, *value;
    int in_use, is_new;
} rv_choice;

typedef struct rv_choices {
    rv_choice *row; /* [count], by key */
    int count, room;
} rv_choices; /* zero-initialised is empty */

/* The value of a key, the context's until it is set or given again; NULL: none. */
const char *rv_choice_find(const rv_context *context, const char *key);
/* Copies both; replaces the value that the key had.  RV_BAD_USAGE for a text that is no key or
 * value (rv_choice_is_text); RV_NO_MEMORY, and the table is as before. */
rv_status rv_choice_set(rv_context *context, const char *key, const char *value);
/* The same for a choice from elsewhere: not new, and in use when the caller says so.  One that is
 * in use is replaced only by another such. */
rv_status rv_choice_give(rv_context *context, const char *key, const char *value, int in_use);
/* One line of printable ASCII, at least one character. */
int rv_choice_is_text(const char *text);
/* Forgets them all; the table is empty and usable again. */
void rv_choices_clear(rv_choices *choices);

/* A context made to compute beside another one begins with that one's settings of convolutions and
 * with its choices, and gives the new ones back at its end. */
rv_status rv_choices_lend(rv_context *aside, const rv_context *context);
rv_status rv_choices_give_back(rv_context *context, const rv_context *aside);

#endif
