/* A test of native code that runs once for each width of vectors: its state is the width, and it
 * begins with tile_of_width(state). */
#ifndef TESTS_WIDTH_H
#define TESTS_WIDTH_H

#include "check.h"

#include "backend/cpu/jit/assembler.h"
#include "backend/cpu/tile/tile.h"

static int widths[2] = {8, 16};

#define EACH_WIDTH(test)                                                                           \
    {#test " (8 floats)", test, NULL, NULL, &widths[0]},                                           \
    {                                                                                              \
#test " (16 floats)", test, NULL, NULL, &widths[1]                                         \
    }

/* The tile instructions of that width; the test ends here where no native code has it. */
static inline const rv_tile_table *tile_of_width(void **state)
{
    int width = *(const int *)*state;
    const rv_tile_table *tile = rv_tile_table_find(width == 8 ? "avx2" : "avx512");
    if (!tile || !cpu_code_possible()) {
        print_message("skipped: %s\n", tile ? "this system runs no code made by a program"
                                            : "this machine has no vectors of that width");
        skip();
    }
    return tile;
}

#endif
