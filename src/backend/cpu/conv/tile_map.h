/* Small matrices in the form of the tile machine. */
#ifndef CPU_TILE_MAP_H
#define CPU_TILE_MAP_H

#include "backend/cpu/tile/tile.h"
#include "backend/transform/matrix.h"
#include "core/arena.h"

/* Everything except the addresses of columns and rows; the arena owns the lists. 0 when memory is
 * out. */
int cpu_map_build(rv_arena *arena, const rv_matrix *matrix, rv_tile_map *out);

#endif
