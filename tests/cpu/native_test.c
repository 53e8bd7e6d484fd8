/* Native kernels against plain loops, bit by bit (but for the bits of a NaN), in both widths. */
#include "exact.h"
#include "width.h"

#include "backend/cpu/jit/native.h"

enum { MOST = 64, ROWS = 3, GUARD = 0x7f7f0001 }; /* GUARD: a finite float nobody computes */

/* What a kernel computes, before it is written as a text. */
typedef struct recipe {
    int inputs, ops, stores, folds;
    int kind[MOST], op[MOST][4], store[MOST], fold[MOST][2];
} recipe;

/* The memory of one call: inputs, then stores, then folds. */
typedef struct call {
    int rows, columns, entries;
    int64_t pitch[3 * MOST]; /* floats from row to row */
    float *at[3 * MOST];
} call;

/* ---- making recipes ---- */

static int add_input(recipe *r, int kind)
{
    r->kind[r->inputs] = kind;
    return r->inputs++;
}

/* Operands of all ops are given as inputs, or as -1 - op for results: only at the end is it known
 * how many inputs there are. */
static int add_op(recipe *r, int op, const int *operand, int arity)
{
    int part = cpu_native_part(op), *word;
    if (part >= 0)
        part = add_op(r, part, operand, 1);
    word = r->op[r->ops];
    word[0] = op;
    word[1] = word[2] = word[3] = INT16_MAX; /* none */
    for (int j = 0; j < arity; j++)
        word[1 + j] = operand[j];
    if (cpu_native_part(op) >= 0)
        word[1 + arity] = part;
    return -1 - r->ops++;
}

static void add_store(recipe *r, int result)
{
    r->store[r->stores++] = -1 - result;
}

static void add_fold(recipe *r, int takes_max, int operand)
{
    r->fold[r->folds][0] = takes_max;
    r->fold[r->folds++][1] = operand;
}

static int operand_number(const recipe *r, int operand)
{
    return operand == INT16_MAX ? -1 : operand < 0 ? r->inputs - 1 - operand : operand;
}

/* The recipe as a text, in `word`. */
static cpu_jit_text text_of(const recipe *r, int16_t *word)
{
    int n = 0;
    word[n++] = (int16_t)r->inputs;
    for (int i = 0; i < r->inputs; i++)
        word[n++] = (int16_t)r->kind[i];
    word[n++] = (int16_t)r->ops;
    for (int i = 0; i < r->ops; i++) {
        word[n++] = (int16_t)r->op[i][0];
        for (int j = 1; j < 4; j++)
            word[n++] = (int16_t)operand_number(r, r->op[i][j]);
    }
    word[n++] = (int16_t)r->stores;
    for (int i = 0; i < r->stores; i++)
        word[n++] = (int16_t)r->store[i];
    word[n++] = (int16_t)r->folds;
    for (int i = 0; i < r->folds; i++) {
        word[n++] = (int16_t)r->fold[i][0];
        word[n++] = (int16_t)operand_number(r, r->fold[i][1]);
    }
    return (cpu_jit_text){word, n};
}

/* ---- what it should give ---- */

static float extreme(int takes_max, float a, float b)
{
    if (isnan(a) || isnan(b))
        return NAN;
    return takes_max ? (a > b ? a : b) : (a < b ? a : b);
}

static const rv_tile_table *tile; /* of the width that is tested */

/* Functions give the same bits as on tiles. */
static float function_of(rv_op op, float a)
{
    _Alignas(64) float x[16], y[16];
    for (int i = 0; i < 16; i++)
        x[i] = a;
    tile->op[op](y, x, NULL, NULL, 16);
    return y[0];
}

static float expected_of(int op, float a, float b, float c)
{
    switch (op) {
    case RV_OP_exp:
    case RV_OP_expm1:
    case RV_OP_tanh:
    case RV_OP_sigmoid:
    case RV_OP_softplus: return function_of((rv_op)op, a);
    case CPU_EXP_MINUS_MAGNITUDE: return function_of(RV_OP_exp, as_float(as_bits(a) | 0x80000000u));
    case RV_OP_add: return a + b;
    case RV_OP_sub: return a - b;
    case RV_OP_mul: return a * b;
    case RV_OP_div: return a / b;
    case RV_OP_maximum: return extreme(1, a, b);
    case RV_OP_minimum: return extreme(0, a, b);
    case RV_OP_less: return (float)(a < b);
    case RV_OP_equal: return (float)(a == b);
    case RV_OP_select: return a != 0 ? b : c;
    case RV_OP_neg: return as_float(as_bits(a) ^ 0x80000000u);
    case RV_OP_abs: return fabsf(a);
    case RV_OP_sqrt: return sqrtf(a);
    case RV_OP_rsqrt: return 1 / sqrtf(a);
    case RV_OP_recip: return 1 / a;
    case RV_OP_floor: return floorf(a);
    case RV_OP_uniform: return ((float)(as_bits(a) >> 9) + 0.5f) * 0x1p-23f;
    case RV_OP_cast: return a;
    default: fail_msg("op %s has no plain loop here", rv_op_table[op].name);
    }
    return 0;
}

/* Into the memory of `c`, one element after another. */
static void run_plainly(const recipe *r, const call *c, int row, int column)
{
    float value[2 * MOST + 1] = {0};
    for (int i = 0; i < r->inputs; i++)
        value[i] = c->at[i][row * c->pitch[i] + (r->kind[i] == CPU_INPUT_WINDOW ? column : 0)];
    for (int i = 0; i < r->ops; i++) {
        float operand[3] = {0};
        for (int j = 0; j < 3; j++)
            if (r->op[i][1 + j] != INT16_MAX)
                operand[j] = value[operand_number(r, r->op[i][1 + j])];
        value[r->inputs + i] = expected_of(r->op[i][0], operand[0], operand[1], operand[2]);
    }
    for (int i = 0; i < r->stores; i++) {
        int entry = r->inputs + i;
        c->at[entry][row * c->pitch[entry] + column] = value[r->inputs + r->store[i]];
    }
    for (int i = 0; i < r->folds; i++) {
        float *into = &c->at[r->inputs + r->stores + i][column];
        float term = value[operand_number(r, r->fold[i][1])];
        *into = r->fold[i][0] ? extreme(1, *into, term) : *into + term;
    }
}

/* ---- memory ---- */

static float any_value(rv_stream *stream)
{
    static const float special[] = {0.0f, -0.0f,   INFINITY, -INFINITY, NAN,    1e-41f,
                                    1.0f, -1e-41f, 1e-38f,   3e38f,     -3e38f, 8388609.0f};
    if (rv_stream_below(stream, 4) == 0)
        return special[rv_stream_below(stream, 12)];
    return (float)(8 * rv_stream_uniform(stream) - 4);
}

static int64_t whole_vectors(int columns, int width)
{
    return (columns + width - 1) / width * width;
}

/* Windows and stores have rows further apart than they are long; scalars a float for each row. */
static void fill(const recipe *r, call *c, rv_stream *stream)
{
    c->entries = r->inputs + r->stores + r->folds;
    for (int i = 0; i < c->entries; i++) {
        int is_scalar = i < r->inputs && r->kind[i] == CPU_INPUT_SCALAR;
        int is_fold = i >= r->inputs + r->stores;
        int64_t pitch = is_scalar ? 1 : whole_vectors(c->columns, 16) + 16 + 3 * (i % 3);
        int64_t count = pitch * c->rows;
        c->pitch[i] = is_fold ? 0 : pitch;
        c->at[i] = malloc((size_t)count * sizeof(float));
        for (int64_t e = 0; e < count; e++)
            c->at[i][e] = i < r->inputs ? any_value(stream) : as_float(GUARD);
        for (int e = 0; e < c->columns && is_fold; e++)
            c->at[i][e] = r->fold[i - r->inputs - r->stores][0] ? -INFINITY : 0;
    }
}

/* The inputs are shared, the results are its own. */
static void copy_results(const recipe *r, const call *c, call *copy)
{
    *copy = *c;
    for (int i = r->inputs; i < c->entries; i++) {
        size_t bytes =
            (size_t)(whole_vectors(c->columns, 16) + 16 + 3 * (i % 3)) * (size_t)c->rows * 4;
        copy->at[i] = malloc(bytes);
        memcpy(copy->at[i], c->at[i], bytes);
    }
}

static void release(const recipe *r, call *c, call *copy)
{
    for (int i = 0; i < c->entries; i++) {
        free(c->at[i]);
        if (i >= r->inputs)
            free(copy->at[i]);
    }
}

static void run_natively(cpu_jit_fn kernel, const call *c)
{
    int64_t table[CPU_TABLE_POINTERS + 6 * MOST];
    table[CPU_TABLE_BYTES] = 4 * c->columns;
    table[CPU_TABLE_ROWS] = c->rows;
    for (int i = 0; i < c->entries; i++) {
        table[CPU_TABLE_POINTERS + i] = (int64_t)(uintptr_t)c->at[i];
        table[CPU_TABLE_POINTERS + c->entries + i] = 4 * c->pitch[i];
    }
    kernel(table);
}

/* ---- comparing ---- */

static int same(float a, float b)
{
    return as_bits(a) == as_bits(b) || (isnan(a) && isnan(b));
}

/* Returns how many of the results are finite. */
static int64_t compare(const recipe *r, const call *got, const call *expected, const char *what,
                       int width)
{
    int64_t finite = 0;
    for (int i = r->inputs; i < got->entries; i++) {
        int rows = i < r->inputs + r->stores ? got->rows : 1;
        for (int row = 0; row < rows; row++)
            for (int64_t e = 0; e < got->columns; e++) {
                float a = got->at[i][row * got->pitch[i] + e];
                float b = expected->at[i][row * got->pitch[i] + e];
                finite += isfinite(b) != 0;
                if (!same(a, b))
                    fail_msg("%s, width %d, result %d, row %d of %d, column %d of %d: got %.9g "
                             "(%08x), expected %.9g (%08x)",
                             what, width, i - r->inputs, row, got->rows, (int)e, got->columns,
                             (double)a, as_bits(a), (double)b, as_bits(b));
            }
        for (int row = 0; row < rows; row++)
            for (int64_t e = whole_vectors(got->columns, width); e < got->pitch[i]; e++)
                if (as_bits(got->at[i][row * got->pitch[i] + e]) != GUARD)
                    fail_msg("%s, width %d: written past the end at %d, %d columns", what, width,
                             (int)e, got->columns);
    }
    return finite;
}

static int64_t check(const recipe *r, int width, rv_stream *stream, const char *what)
{
    static const int columns[] = {16, 48, 5, 1, 37};
    cpu_jit kernels = {.code.width = width};
    int16_t word[12 * MOST];
    int64_t finite = 0;
    assert_int_equal(cpu_jit_find(&kernels, text_of(r, word)), 0);
    if (!cpu_jit_publish(&kernels))
        fail_msg("%s: no code of width %d", what, width);
    for (int rows = 1; rows <= ROWS; rows += ROWS - 1)
        for (int i = 0; i < 5; i++) {
            call c = {.rows = rows, .columns = columns[i]}, plain;
            fill(r, &c, stream);
            copy_results(r, &c, &plain);
            run_natively(cpu_jit_entry(&kernels, 0), &c);
            for (int row = 0; row < rows; row++)
                for (int column = 0; column < c.columns; column++)
                    run_plainly(r, &plain, row, column);
            finite += compare(r, &c, &plain, what, width);
            release(r, &c, &plain);
        }
    cpu_jit_free(&kernels);
    return finite;
}

/* ---- the tests ---- */

static int width_of(void **state)
{
    tile = tile_of_width(state);
    return tile->width;
}

enum { WINDOW, SCALAR, RESULT, WAYS };

/* Each operand a window, a scalar, or a result that waits in a register; with room for pointers and
 * scalars in registers, or none left. */
static void check_op(rv_op op, int ways, int is_crowded, int width)
{
    rv_stream stream = rv_stream_at((uint64_t)op, rv_site("native"), (uint32_t)ways, 0);
    recipe r = {0};
    char what[64];
    int operand[3], arity = op == RV_OP_uniform || op == RV_OP_cast ? 1 : rv_op_table[op].arity;
    for (int i = 0; is_crowded && i < 20; i++)
        add_input(&r, i < 6 ? CPU_INPUT_WINDOW : CPU_INPUT_SCALAR);
    snprintf(what, sizeof what, "%s%s, operands", rv_op_table[op].name,
             is_crowded ? " (crowded)" : "");
    for (int j = 0; j < arity; j++, ways /= WAYS) {
        int way = ways % WAYS;
        strcat(what, way == WINDOW ? " window" : way == SCALAR ? " scalar" : " register");
        operand[j] = add_input(&r, way == SCALAR ? CPU_INPUT_SCALAR : CPU_INPUT_WINDOW);
        if (way == RESULT)
            operand[j] = add_op(&r, RV_OP_cast, &operand[j], 1);
    }
    add_store(&r, add_op(&r, op, operand, arity));
    int64_t finite = check(&r, width, &stream, what);
    assert_true(finite > 50);
}

static void test_every_op(void **state)
{
    int width = width_of(state), tested = 0;
    for (rv_op op = 0; op < RV_OP_COUNT; op++) {
        if (!cpu_native_has(op) && op != RV_OP_cast)
            continue;
        int ways = 1;
        for (int j = 0; j < (op == RV_OP_uniform ? 1 : rv_op_table[op].arity); j++)
            ways *= WAYS;
        for (int i = 0; i < ways; i++)
            for (int is_crowded = 0; is_crowded < 2; is_crowded++)
                check_op(op, i, is_crowded, width);
        tested++;
    }
    assert_in_range(tested, 21, RV_OP_COUNT);
}

static int any_operand(const recipe *r, rv_stream *stream)
{
    int recent = r->ops < 5 ? r->ops : 5;
    if (recent > 0 && rv_stream_below(stream, 2))
        return -r->ops + (int)rv_stream_below(stream, (uint32_t)recent);
    return (int)rv_stream_below(stream, (uint32_t)r->inputs);
}

/* A chain of ops on 18 scalars and 9 windows, with 6 stores and a fold of each kind. */
static void make_chain(recipe *r, rv_stream *stream)
{
    static const rv_op known[] = {RV_OP_add,     RV_OP_sub,     RV_OP_mul,     RV_OP_add,
                                  RV_OP_maximum, RV_OP_minimum, RV_OP_less,    RV_OP_select,
                                  RV_OP_neg,     RV_OP_abs,     RV_OP_select,  RV_OP_floor,
                                  RV_OP_div,     RV_OP_equal,   RV_OP_uniform, RV_OP_exp,
                                  RV_OP_tanh,    RV_OP_sigmoid, RV_OP_softplus};
    for (int i = 0; i < 27; i++)
        add_input(r, i % 3 == 0 ? CPU_INPUT_WINDOW : CPU_INPUT_SCALAR);
    while (r->ops < 40) {
        rv_op op = known[rv_stream_below(stream, sizeof known / sizeof *known)];
        int operand[3];
        for (int j = 0; j < 3; j++)
            operand[j] = any_operand(r, stream);
        if (op == RV_OP_uniform) /* not of a NaN, whose bits are free */
            operand[0] = add_op(r, RV_OP_less, operand, 2);
        int result = add_op(r, op, operand, op == RV_OP_uniform ? 1 : rv_op_table[op].arity);
        if (r->ops >= 7 * (r->stores + 1) || r->ops >= 40)
            add_store(r, result);
    }
    add_fold(r, 0, -r->ops);
    add_fold(r, 1, -r->ops + 1);
}

static void test_long_chains(void **state)
{
    int width = width_of(state);
    int64_t finite = 0;
    for (uint32_t seed = 0; seed < 150; seed++) {
        rv_stream stream = rv_stream_at(seed, rv_site("native chain"), 0, 0);
        recipe r = {0};
        char what[32];
        make_chain(&r, &stream);
        snprintf(what, sizeof what, "chain %u", seed);
        finite += check(&r, width, &stream, what);
    }
    if (finite < 150 * 500) /* of about 2600 a chain */
        fail_msg("only %lld results are finite", (long long)finite);
}

/* Folds of an input as it is, with no op; of a scalar; of a result. */
static void test_folds(void **state)
{
    int width = width_of(state);
    rv_stream stream = rv_stream_at(3, rv_site("native fold"), 0, 0);
    for (int takes_max = 0; takes_max < 2; takes_max++) {
        for (int kind = CPU_INPUT_WINDOW; kind <= CPU_INPUT_SCALAR; kind++) {
            recipe r = {0};
            add_fold(&r, takes_max, add_input(&r, kind));
            check(&r, width, &stream, takes_max ? "max of an input" : "sum of an input");
        }
        recipe r = {0};
        int operand[2] = {add_input(&r, CPU_INPUT_WINDOW), add_input(&r, CPU_INPUT_SCALAR)};
        add_fold(&r, takes_max, add_op(&r, RV_OP_mul, operand, 2));
        add_fold(&r, !takes_max, operand[0]);
        check(&r, width, &stream, "two folds");
    }
}

/* A NaN in the first, a middle or the last row stays in its column. */
static void test_folds_keep_nan(void **state)
{
    int width = width_of(state);
    for (int takes_max = 0; takes_max < 2; takes_max++)
        for (int bad = 0; bad < 5; bad++) {
            cpu_jit kernels = {.code.width = width};
            float rows[5][16], into[16];
            int16_t word[64];
            recipe r = {0};
            add_fold(&r, takes_max, add_input(&r, CPU_INPUT_WINDOW));
            assert_int_equal(cpu_jit_find(&kernels, text_of(&r, word)), 0);
            assert_true(cpu_jit_publish(&kernels));
            for (int e = 0; e < 16; e++) {
                into[e] = takes_max ? -INFINITY : 0;
                for (int row = 0; row < 5; row++)
                    rows[row][e] = row == bad && e == 9 ? NAN : (float)(row * e);
            }
            run_natively(cpu_jit_entry(&kernels, 0), &(call){.rows = 5,
                                                             .columns = 16,
                                                             .entries = 2,
                                                             .pitch = {16, 0},
                                                             .at = {rows[0], into}});
            for (int e = 0; e < 16; e++)
                if (e == 9 ? !isnan(into[e]) : into[e] != (float)(takes_max ? 4 * e : 10 * e))
                    fail_msg("NaN in row %d: column %d is %g", bad, e, (double)into[e]);
            cpu_jit_free(&kernels);
        }
}

/* ---- kernels are told apart by their texts ---- */

static void chain_of_seed(recipe *r, uint32_t seed)
{
    rv_stream stream = rv_stream_at(seed, rv_site("native chain"), 0, 0);
    memset(r, 0, sizeof *r);
    make_chain(r, &stream);
}

static void test_equal_texts_share_a_kernel(void **state)
{
    int width = width_of(state);
    cpu_jit kernels = {.code.width = width};
    int16_t word[12 * MOST];
    recipe r;
    for (int round = 0; round < 2; round++)
        for (int seed = 0; seed < 70; seed++) { /* more than the first room for kernels */
            chain_of_seed(&r, (uint32_t)seed);
            assert_int_equal(cpu_jit_find(&kernels, text_of(&r, word)), seed);
        }
    size_t code = kernels.code.size;
    chain_of_seed(&r, 5);
    cpu_jit_text text = text_of(&r, word);
    assert_int_equal(cpu_jit_find(&kernels, text), 5);
    assert_int_equal(kernels.code.size, code);
    word[text.count - 4] ^= 1; /* what the first fold takes: sum or maximum */
    assert_int_equal(cpu_jit_find(&kernels, text), 70);
    r.stores--; /* a shorter text */
    assert_int_equal(cpu_jit_find(&kernels, text_of(&r, word)), 71);
    cpu_jit_free(&kernels);
}

/* ---- memory runs out ---- */

/* Makes some kernels, some long; 0 when it was told that memory is out. */
static int make_kernels(cpu_jit *kernels, int count)
{
    int16_t word[12 * MOST];
    recipe r;
    int number = 0;
    for (int i = 0; i < count && number >= 0; i++) {
        chain_of_seed(&r, (uint32_t)i);
        number = cpu_jit_find(kernels, text_of(&r, word));
        if (number >= 0)
            assert_int_equal(number, i);
    }
    return number >= 0 && cpu_jit_publish(kernels);
}

static void test_memory_runs_out(void **state)
{
    int width = width_of(state);
    int64_t live = rv_memory_counted().live;
    for (int persistent = 0; persistent < 2; persistent++) {
        int refused = 0;
        for (uint64_t after = 1;; after++) {
            cpu_jit kernels = {.code.width = width};
            rv_memory_fail_after(after, persistent);
            int made = make_kernels(&kernels, 40);
            rv_memory_fail_after(0, 0);
            cpu_jit_free(&kernels);
            assert_int_equal(rv_memory_counted().live, live);
            if (made)
                break;
            refused++;
        }
        assert_in_range(refused, 40, 200); /* two allocations a kernel, and what grows */
    }
}

/* A kernel refused for want of memory can be asked for again. */
static void test_a_refused_kernel_can_be_made_later(void **state)
{
    int width = width_of(state);
    cpu_jit kernels = {.code.width = width};
    int16_t word[12 * MOST];
    recipe r;
    chain_of_seed(&r, 0);
    cpu_jit_text text = text_of(&r, word);
    for (uint64_t after = 1; after <= 3; after++) { /* the list, the text, the registers */
        rv_memory_fail_after(after == 1 ? 1 : after - 1, 0);
        assert_int_equal(cpu_jit_find(&kernels, text), -1);
        rv_memory_fail_after(0, 0);
    }
    assert_int_equal(cpu_jit_find(&kernels, text), 0);
    assert_true(cpu_jit_publish(&kernels));
    cpu_jit_free(&kernels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH_WIDTH(test_every_op),
        EACH_WIDTH(test_long_chains),
        EACH_WIDTH(test_folds),
        EACH_WIDTH(test_folds_keep_nan),
        EACH_WIDTH(test_equal_texts_share_a_kernel),
        EACH_WIDTH(test_memory_runs_out),
        EACH_WIDTH(test_a_refused_kernel_can_be_made_later),
    };
    return cmocka_run_group_tests_name("cpu native kernels", tests, NULL, NULL);
}
