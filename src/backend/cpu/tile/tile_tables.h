/* The tables that tile_body.inc makes, one for each instruction set. */
#ifndef CPU_TILE_TABLES_H
#define CPU_TILE_TABLES_H

#include "backend/cpu/tile/tile.h"

extern const rv_tile_table rv_tile_baseline, rv_tile_avx2, rv_tile_avx512;

#endif
