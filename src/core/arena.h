/* An arena: many small allocations with one lifetime, freed together.  Not thread-safe. */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include "reverie/core.h"

typedef struct rv_arena {
    struct rv_arena_block *newest;
} rv_arena; /* zero-initialised is empty */

/* `bytes` zeroed bytes, 16-byte aligned; NULL when memory is out. */
void *rv_arena_alloc(rv_arena *arena, size_t bytes);
/* Copies; NULL when memory is out. */
char *rv_arena_strdup(rv_arena *arena, const char *text);
char *rv_arena_printf(rv_arena *arena, const char *format, ...) RV_PRINTF(2, 3);
/* Frees everything; the arena is empty and usable again. */
void rv_arena_free(rv_arena *arena);

#endif
