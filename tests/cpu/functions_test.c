/* The functions of native kernels: against double precision on numbers of every size, bit by bit
 * against the tiles, alone and with a shared exponential, anywhere in a row, in any company. */
#include "exact.h"
#include "isa.h"
#include "width.h"

#include "backend/cpu/jit/native.h"

enum { BLOCK = 4096, STRIDE = 499 }; /* of the 2^32 floats; a prime */

/* The text of a kernel of one window, its ops and stores, in full. */
enum { E = CPU_EXP_MINUS_MAGNITUDE, WINDOW = CPU_INPUT_WINDOW, NONE = -1 };

static const struct function {
    const char *name;
    rv_op op;
    double (*exact)(double);
    double worst; /* allowed, in units of the last place; as in tile_test.c */
} functions[] = {{"exp", RV_OP_exp, exp, 2},
                 {"expm1", RV_OP_expm1, expm1, 3},
                 {"tanh", RV_OP_tanh, tanh, 4},
                 {"sigmoid", RV_OP_sigmoid, sigmoid, 4},
                 {"softplus", RV_OP_softplus, softplus, 4}};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

typedef struct set {
    cpu_jit kernels;
    const rv_tile_table *tile;
    int alone[FUNCTIONS], part, behind[FUNCTIONS], together; /* numbers of kernels */
} set;

/* ---- kernels ---- */

static int find(cpu_jit *kernels, const int16_t *word, size_t bytes)
{
    int number = cpu_jit_find(kernels, (cpu_jit_text){word, (int)(bytes / sizeof *word)});
    assert_true(number >= 0);
    return number;
}

static void make_kernels(set *s)
{
    cpu_jit *k = &s->kernels;
    const int16_t part[] = {1, WINDOW, 1, E, 0, NONE, NONE, 1, 0, 0};
    const int16_t together[] = {
        1, WINDOW, 3,    E, 0, NONE, NONE, RV_OP_softplus, 0, 1, NONE, RV_OP_sigmoid,
        0, 1,      NONE, 2, 1, 2,    0};
    s->part = find(k, part, sizeof part);
    s->together = find(k, together, sizeof together);
    for (int i = 0; i < FUNCTIONS; i++) {
        int16_t op = (int16_t)functions[i].op;
        const int16_t plain[] = {1, WINDOW, 1, op, 0, NONE, NONE, 1, 0, 0};
        const int16_t joined[] = {1, WINDOW, 2, E, 0, NONE, NONE, op, 0, 1, NONE, 1, 1, 0};
        const int16_t behind[] = {2, WINDOW, WINDOW, 1, op, 0, 1, NONE, 1, 0, 0};
        int has_part = cpu_native_part(op) == E;
        s->alone[i] = has_part ? find(k, joined, sizeof joined) : find(k, plain, sizeof plain);
        s->behind[i] = has_part ? find(k, behind, sizeof behind) : -1;
    }
    assert_true(cpu_jit_publish(k));
}

static void call(const set *s, int kernel, int64_t n, int count, float *const *at)
{
    int64_t table[CPU_TABLE_POINTERS + 6] = {[CPU_TABLE_BYTES] = 4 * n, [CPU_TABLE_ROWS] = 1};
    for (int i = 0; i < count; i++)
        table[CPU_TABLE_POINTERS + i] = (int64_t)(uintptr_t)at[i];
    cpu_jit_entry(&s->kernels, kernel)(table);
}

/* ---- comparing ---- */

static void check_bits(const char *name, const char *way, const float *x, const float *got,
                       const float *expected, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (as_bits(got[i]) != as_bits(expected[i]) && !(isnan(got[i]) && isnan(expected[i])))
            fail_msg("%s %s of %.9g (%08x): got %.9g (%08x), expected %.9g (%08x)", name, way,
                     (double)x[i], as_bits(x[i]), (double)got[i], as_bits(got[i]),
                     (double)expected[i], as_bits(expected[i]));
}

static double worst_error(const struct function *f, const float *x, const float *y)
{
    double worst = 0;
    for (int i = 0; i < BLOCK; i++) {
        double exact = f->exact((double)x[i]), error = ulps(y[i], exact);
        if (error > f->worst)
            fail_msg("%s(%.9g) = %.9g, expected %.9g: %.3g ulp", f->name, (double)x[i],
                     (double)y[i], exact, error);
        worst = fmax(worst, error);
    }
    return worst;
}

/* The block `values` in every way, for each function. */
static void check_block(const set *s, float *x, double *worst)
{
    static _Alignas(64) float y[BLOCK], e[BLOCK], plus[BLOCK], sigma[BLOCK], expected[BLOCK];
    call(s, s->part, BLOCK, 2, (float *[]){x, e});
    call(s, s->together, BLOCK, 3, (float *[]){x, plus, sigma});
    for (int i = 0; i < FUNCTIONS; i++) {
        const struct function *f = &functions[i];
        s->tile->op[f->op](expected, x, NULL, NULL, BLOCK);
        call(s, s->alone[i], BLOCK, 2, (float *[]){x, y});
        check_bits(f->name, "alone", x, y, expected, BLOCK);
        worst[i] = fmax(worst[i], worst_error(f, x, y));
        if (s->behind[i] < 0)
            continue;
        call(s, s->behind[i], BLOCK, 3, (float *[]){x, e, y});
        check_bits(f->name, "with exp(-|x|) from memory", x, y, expected, BLOCK);
        check_bits(f->name, "with a shared exp(-|x|)", x, f->op == RV_OP_softplus ? plus : sigma,
                   expected, BLOCK);
    }
}

/* ---- the tests ---- */

static void open_set(void **state, set *s)
{
    *s = (set){.tile = tile_of_width(state)};
    s->kernels.code.width = s->tile->width;
    make_kernels(s);
}

static void test_every_size_of_number(void **state)
{
    static _Alignas(64) float x[BLOCK];
    double worst[FUNCTIONS] = {0};
    set s;
    open_set(state, &s);
    for (uint64_t bits = 0, done = 0; !done;) {
        for (int i = 0; i < BLOCK; i++, bits += STRIDE)
            x[i] = as_float((uint32_t)bits);
        done = bits > UINT32_MAX;
        check_block(&s, x, worst);
    }
    for (int i = 0; i < FUNCTIONS; i++)
        print_message("  %-8s %-8s worst %.2f ulp\n", s.tile->name, functions[i].name, worst[i]);
    cpu_jit_free(&s.kernels);
}

/* Numbers at which something changes, each with its neighbours. */
static void test_edges(void **state)
{
    static const float edge[] = {0,       FLT_MIN,     1e-45f,     FLT_MAX,    INFINITY, NAN,
                                 1,       0.34657359f, 0.6931472f, 17.5f,      18,       87.33655f,
                                 88.376f, 88.72284f,   89,         103.27893f, 103.972f, 104};
    static _Alignas(64) float x[BLOCK];
    double worst[FUNCTIONS] = {0};
    set s;
    open_set(state, &s);
    for (int i = 0; i < BLOCK; i++) {
        uint32_t sign = i % 2 ? 0x80000000u : 0;
        uint32_t bits = as_bits(edge[(size_t)i / 2 % (sizeof edge / sizeof *edge)]);
        x[i] = as_float(sign ^ (bits + (uint32_t)(i / 64) - BLOCK / 128));
    }
    check_block(&s, x, worst);
    cpu_jit_free(&s.kernels);
}

/* The result of a number does not depend on its place in the row or on the row's length. */
static void test_any_place(void **state)
{
    float x[80], y[80], all[80];
    set s;
    open_set(state, &s);
    for (int i = 0; i < 80; i++)
        x[i] = (float)(i - 40) * 0.37f;
    for (int i = 0; i < FUNCTIONS; i++) {
        call(&s, s.alone[i], 80, 2, (float *[]){x, all});
        for (int from = 0; from < 20; from++)
            for (int n = 1; n <= 40; n++) {
                call(&s, s.alone[i], n, 2, (float *[]){x + from, y});
                check_bits(functions[i].name, "elsewhere", x + from, y, all + from, n);
            }
    }
    cpu_jit_free(&s.kernels);
}

/* ---- programs ---- */

enum { MOST = 3000, CROWD = 14, OUTPUTS = 3 };

typedef struct values {
    float of[OUTPUTS][MOST]; /* softplus, sigmoid, their product with x */
} values;

static void run(const char *isa, int threads, const float *x, int64_t n, int first, int outputs,
                int is_crowded, values *got)
{
    rv_context *context = rv_context_new();
    rv_context_set_backend(context, "cpu");
    rv_context_set_threads(context, threads);
    assert_int_equal(rv_context_set_isa(context, isa), RV_OK);
    rv_graph *graph = rv_graph_new(context);
    rv_expr input = rv_input(graph, "x", RV_F32, rv_shape1(n)), output[OUTPUTS + 1];
    rv_expr crowd[CROWD], sum = rv_softplus(rv_neg(rv_scale(input, 0.5)));
    rv_program *program;
    output[0] = rv_softplus(input);
    for (int i = 0; i < CROWD && is_crowded; i++) /* too many values for the registers */
        crowd[i] = rv_exp(rv_scale(input, 0.01 * (i + 1)));
    output[1] = rv_sigmoid(input);
    output[2] = rv_mul(input, output[1]);
    for (int i = 0; i < CROWD && is_crowded; i++)
        sum = rv_add(rv_mul(sum, crowd[i]), output[1]);
    output[first + outputs] = sum;
    rv_compile(graph, output + first, outputs + is_crowded, NULL, &program);
    check_ok(context);
    rv_bind(program, "x", x, (size_t)n);
    assert_int_equal(rv_run(program), RV_OK);
    for (int i = 0; i < outputs; i++)
        rv_read(program, i, got->of[first + i], (size_t)n);
    rv_program_free(program);
    rv_graph_free(graph);
    rv_context_free(context);
}

/* A result does not depend on what else a program computes, nor on the number of threads. */
static void test_any_company(void **state)
{
    static float x[MOST];
    static values alone, together;
    static const int64_t sizes[] = {1, 5, 16, 37, 784, MOST};
    const char *isa = skip_without(state);
    for (int i = 0; i < MOST; i++)
        x[i] = i % 100 == 7 ? NAN : (float)(i % 401 - 200) * 0.6f;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int64_t n = sizes[s];
        for (int i = 0; i < OUTPUTS; i++)
            run(isa, 1, x, n, i, 1, 0, &alone);
        for (int threads = 1; threads <= 3; threads++)
            for (int is_crowded = 0; is_crowded < 2; is_crowded++) {
                run(isa, threads, x, n, 0, OUTPUTS, is_crowded, &together);
                for (int i = 0; i < OUTPUTS; i++)
                    check_bits(isa, is_crowded ? "in a crowd" : "together", x, together.of[i],
                               alone.of[i], n);
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH_WIDTH(test_every_size_of_number),
        EACH_WIDTH(test_edges),
        EACH_WIDTH(test_any_place),
        EACH_ISA(test_any_company),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
