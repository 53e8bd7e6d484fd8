/* Finds the best tile table for this machine. */
#include "backend/cpu/tile/tile.h"
#include "backend/cpu/tile/tile_tables.h"

#include <string.h>

/* A build may be for a machine that has no more (cmake -DREVERIE_ISA=avx2), so that the tests show
 * what happens there. */
#ifndef REVERIE_ISA
#define REVERIE_ISA "avx512"
#endif

static int machine_has(const rv_tile_table *table)
{
    if (table == &rv_tile_avx512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    if (table == &rv_tile_avx2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    return 1;
}

const rv_tile_table *rv_tile_table_find(const char *name)
{
    static const rv_tile_table *const best_first[] = {&rv_tile_avx512, &rv_tile_avx2,
                                                      &rv_tile_baseline};
    int first = 0;
    while (first < 2 && strcmp(best_first[first]->name, REVERIE_ISA) != 0)
        first++;
    for (int i = first; i < 3; i++)
        if ((!name || strcmp(name, best_first[i]->name) == 0) && machine_has(best_first[i]))
            return best_first[i];
    return NULL;
}
