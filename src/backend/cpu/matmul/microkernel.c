/* Writes the kernels of matrix products with the assembler.  Goto & van de Geijn 2008, "Anatomy of
 * high-performance matrix multiplication", explains the method.  A kernel of 6 rows and 2 vectors
 * has 12 sums, enough to hide the latency of a multiply-add, and reads 8 values for 12 of those. */
#include "backend/cpu/matmul/microkernel.h"

#include "backend/cpu/jit/assembler.h"
#include "core/memory.h"

#include <pthread.h>
#include <stddef.h>
#include <string.h>

enum { UNROLLED = 4, REGISTERS = 16 };

/* A pointer for three rows each: at it, one distance on, and two. */
enum { SHARE = 3 };
static const int pointer[RV_TILE_ROWS / SHARE] = {CPU_RAX, CPU_RCX};
enum { DISTANCE = CPU_R10, PACKED = CPU_R11, AHEAD = CPU_RSI, CALL = CPU_RDI };
enum { VECTOR_BYTES = RV_TILE_WIDTH * (int)sizeof(float) };

#define FIELD(member) ((int)offsetof(rv_tile_call, member))

typedef struct writer {
    cpu_code *code;
    int is_packed, rows, vectors;
} writer;

/* ---- addresses ---- */

static cpu_operand in_row(int row, cpu_operand_kind kind, int displacement)
{
    cpu_operand at = {.kind = kind,
                      .base = pointer[row / SHARE],
                      .index = row % SHARE ? DISTANCE : -1,
                      .scale = row % SHARE,
                      .displacement = displacement};
    return at;
}

/* The place of sum number i, once the pointers are at its matrix. */
static cpu_operand of_sum(const writer *w, int i)
{
    return in_row(i / w->vectors, CPU_IN_MEMORY, i % w->vectors * VECTOR_BYTES);
}

/* Points at the rows of a matrix, whose start and distance of rows are in the call. */
static void point_at_rows(const writer *w, int start, int distance)
{
    cpu_code_pointer(w->code, pointer[0], CALL, start);
    cpu_code_pointer(w->code, DISTANCE, CALL, distance);
    if (w->rows > SHARE) {
        cpu_operand next = {.base = pointer[1], .index = DISTANCE};
        cpu_code_address(w->code, pointer[1], in_row(SHARE - 1, CPU_IN_MEMORY, 0));
        cpu_code_address(w->code, pointer[1], next);
    }
}

/* ---- the loops ---- */

/* Adds the products of number l of those that the loop unrolls. */
static void add_products(const writer *w, int l)
{
    int first = w->rows * w->vectors, free = first + w->vectors;
    for (int v = 0; v < w->vectors; v++) {
        cpu_operand b = {.kind = CPU_IN_MEMORY, .base = PACKED, .index = -1};
        b.displacement = VECTOR_BYTES * (l * w->vectors + v);
        cpu_code_load(w->code, first + v, b);
    }
    for (int row = 0; row < w->rows; row++) {
        int of_a = free + row % (REGISTERS - free);
        cpu_operand a = {.kind = CPU_BROADCAST, .base = pointer[0], .index = -1};
        a.displacement = 4 * (l * w->rows + row);
        cpu_code_load(w->code, of_a, w->is_packed ? a : in_row(row, CPU_BROADCAST, 4 * l));
        for (int v = 0; v < w->vectors; v++)
            cpu_code_multiply_add(w->code, row * w->vectors + v, of_a, first + v);
    }
}

static void loop(const writer *w, int count, int unrolled)
{
    size_t past = cpu_code_skip_if_zero(w->code, CALL, count), start = w->code->size;
    for (int l = 0; l < unrolled; l++)
        add_products(w, l);
    if (unrolled > 1) {
        cpu_code_prefetch(w->code, AHEAD);
        cpu_code_add_from(w->code, AHEAD, CALL, FIELD(ahead_step));
    }
    for (int row = 0; row < (w->is_packed ? 1 : w->rows); row += SHARE)
        cpu_code_add(w->code, pointer[row / SHARE], 4 * unrolled * (w->is_packed ? w->rows : 1));
    cpu_code_add(w->code, PACKED, unrolled * w->vectors * VECTOR_BYTES);
    cpu_code_count_down(w->code, CALL, count, start);
    cpu_code_land(w->code, past);
}

static void write_kernel(const writer *w)
{
    int sums = w->rows * w->vectors;
    point_at_rows(w, FIELD(start), FIELD(start_row));
    for (int i = 0; i < sums; i++)
        cpu_code_load(w->code, i, of_sum(w, i));
    if (w->is_packed)
        cpu_code_pointer(w->code, pointer[0], CALL, FIELD(a));
    else
        point_at_rows(w, FIELD(a), FIELD(a_row));
    cpu_code_pointer(w->code, PACKED, CALL, FIELD(b));
    cpu_code_pointer(w->code, AHEAD, CALL, FIELD(ahead));
    loop(w, FIELD(fours), UNROLLED);
    loop(w, FIELD(ones), 1);
    point_at_rows(w, FIELD(result), FIELD(result_row));
    for (int i = 0; i < sums; i++)
        cpu_code_store(w->code, of_sum(w, i), i);
    cpu_code_return(w->code);
}

/* ---- the kernels of the process ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static rv_microkernels kernels;
static int is_made;

/* Whether there was memory. */
static int make(void)
{
    enum { COUNT = sizeof kernels.entry / sizeof(rv_microkernel) };
    rv_microkernel *entry = &kernels.entry[0][0][0];
    cpu_code code = {.width = RV_TILE_WIDTH};
    size_t start[COUNT];
    for (int i = 0; i < COUNT; i++) {
        int both = i / RV_TILE_VECTORS;
        writer w = {&code, both / RV_TILE_ROWS, both % RV_TILE_ROWS + 1, i % RV_TILE_VECTORS + 1};
        start[i] = code.size;
        write_kernel(&w);
    }
    unsigned char *memory = cpu_code_ok(&code) ? cpu_code_publish(&code) : NULL;
    rv_free(code.bytes);
    for (int i = 0; memory && i < COUNT; i++) {
        unsigned char *at = memory + start[i];
        memcpy(&entry[i], &at, sizeof at); /* C has no cast from data to a function */
    }
    return memory != NULL;
}

rv_status rv_microkernels_get(rv_context *context, const rv_microkernels **out)
{
    pthread_mutex_lock(&lock);
    is_made = is_made || make();
    int ready = is_made;
    pthread_mutex_unlock(&lock);
    *out = ready ? &kernels : NULL;
    return ready ? RV_OK : rv_fail_memory(context);
}
