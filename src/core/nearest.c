/* Optimal string alignment: Damerau 1964, "A technique for computer detection and correction of
 * spelling errors"; three rows of the table of Wagner & Fischer 1974. */
#include "core/nearest.h"

#include <string.h>

enum { LETTERS_MOST = 64 }; /* of longer words only the first letters count */

static int least_of(int a, int b)
{
    return a < b ? a : b;
}

static int length_of(const char *word)
{
    return (int)strnlen(word, LETTERS_MOST);
}

int rv_edit_distance(const char *a, const char *b)
{
    int rows[3][LETTERS_MOST + 1];
    int *before = rows[0], *above = rows[1], *row = rows[2];
    int rows_count = length_of(a), columns = length_of(b);
    for (int j = 0; j <= columns; j++)
        above[j] = j;
    for (int i = 1; i <= rows_count; i++) {
        row[0] = i;
        for (int j = 1; j <= columns; j++) {
            int same = a[i - 1] == b[j - 1];
            row[j] = least_of(least_of(above[j], row[j - 1]) + 1, above[j - 1] + !same);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least_of(row[j], before[j - 2] + 1);
        }
        int *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[columns];
}

static int begins_with_the_other(const char *a, const char *b)
{
    int shorter = least_of(length_of(a), length_of(b));
    return shorter >= 2 && strncmp(a, b, (size_t)shorter) == 0;
}

void rv_nearest_try(rv_nearest *nearest, const char *given, const char *candidate,
                    const char *shown)
{
    int distance = rv_edit_distance(given, candidate);
    int begins = distance > 1 && begins_with_the_other(given, candidate);
    if (!begins && distance > 1 + length_of(given) / 4)
        return;
    distance = begins ? 3 : 2 * distance; /* a prefix counts as between one and two errors */
    if (!nearest->word || distance < nearest->distance)
        *nearest = (rv_nearest){shown, distance};
}
