/* Small matrices as the tile machine wants them. */
#ifndef CPU_TILE_MAP_H
#define CPU_TILE_MAP_H

#include "backend/cpu/tile/tile.h"
#include "backend/transform/matrix.h"
#include "core/arena.h"

/* Everything but where columns and rows lie; the lists are the arena's.  0 when memory is out. */
int cpu_map_build(rv_arena *arena, const rv_matrix *matrix, rv_tile_map *out);

#endif
