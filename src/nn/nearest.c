/* The known word nearest to a misspelt one. */
#include "nn/net.h"

#include <string.h>

enum { LONGEST = 24 };

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* The number of insertions, deletions, replacements and swaps of neighbours between two words
 * (optimal string alignment). */
static int distance(const char *a, const char *b)
{
    int d[LONGEST + 1][LONGEST + 1];
    int m = (int)strlen(a), n = (int)strlen(b);
    if (m > LONGEST || n > LONGEST)
        return LONGEST;
    for (int i = 0; i <= m; i++)
        d[i][0] = i;
    for (int j = 0; j <= n; j++)
        d[0][j] = j;
    for (int i = 1; i <= m; i++)
        for (int j = 1; j <= n; j++) {
            d[i][j] = least(d[i - 1][j - 1] + (a[i - 1] != b[j - 1]),
                            least(d[i - 1][j], d[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[m][n];
}

const char *layer_nearest(const char *word)
{
    const char *nearest = NULL;
    int best = (int)strlen(word) / 2 + 1; /* farther than that is another word */
    for (int i = 0; i < layer_kind_count; i++) {
        int d = distance(word, layer_kinds[i].word);
        if (d < best) {
            best = d;
            nearest = layer_kinds[i].word;
        }
    }
    return nearest;
}
