/* The word a user most likely meant. */
#ifndef CORE_NEAREST_H
#define CORE_NEAREST_H

typedef struct rv_nearest {
    const char *word; /* NULL: nothing comes close */
    int distance;
} rv_nearest; /* zero-initialised: nothing tried yet */

/* Typing errors between two words: letters added, omitted or changed, or two neighbours swapped. */
int rv_edit_distance(const char *a, const char *b);
/* Keeps `shown` if `candidate` is nearer to `given` than earlier candidates, and near enough: at
 * most about a third of the letters wrong, or one word is a prefix of the other. */
void rv_nearest_try(rv_nearest *nearest, const char *given, const char *candidate,
                    const char *shown);

#endif
