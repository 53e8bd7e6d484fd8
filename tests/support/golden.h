/* Golden arrays: text files, a line an array ("name rank sizes... values..."), made by
 * tests/golden/make_nn.py with PyTorch in double precision. */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

#include "check.h"
#include "core/text.h"
#include "reverie/graph.h"
#include "reverie/program.h"

typedef struct golden {
    char *text; /* the file; golden_free frees it */
} golden;

static inline golden golden_open(const char *path)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%s/tests/golden/%s", REVERIE_SOURCE_DIR, path);
    FILE *file = fopen(whole, "rb");
    if (!file)
        fail_msg("%s cannot be opened", whole);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    golden g = {calloc((size_t)size + 1, 1)};
    assert_non_null(g.text);
    assert_int_equal(fread(g.text, 1, (size_t)size, file), size);
    fclose(file);
    return g;
}

static inline void golden_free(golden *g)
{
    free(g->text);
    g->text = NULL;
}

/* What follows the name on its line; NULL when there is no such line. */
static inline const char *golden_find(const golden *g, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = g->text; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, length) == 0 && line[length] == ' ')
            return line + length;
    }
    return NULL;
}

/* An array by name: the caller frees the values.  A missing one fails the test. */
static inline double *golden_read(const golden *g, const char *name, rv_shape *shape)
{
    const char *at = golden_find(g, name);
    char *end;
    if (!at)
        fail_msg("there is no golden array %s", name);
    shape->rank = (int)strtol(at, &end, 10);
    for (int i = 0; i < shape->rank; i++)
        shape->dim[i] = strtoll(end, &end, 10);
    int64_t size = rv_shape_size(*shape);
    double *values = malloc((size_t)size * sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < size; i++)
        values[i] = rv_text_number(end, &end);
    return values;
}

/* A golden array as a parameter of that name and its value in a graph. */
static inline rv_expr golden_leaf(const golden *g, rv_graph *graph, const char *name)
{
    rv_shape shape;
    rv_context *context = rv_graph_context(graph);
    double *values = golden_read(g, name, &shape);
    rv_param *param = rv_param_get(context, name, shape, rv_initial_constant(0), RV_WEIGHT);
    rv_param_write_double(param, values, (size_t)rv_shape_size(shape));
    free(values);
    return rv_param_value(graph, param);
}

/* A context on the reference backend and a graph, beside the golden arrays of a file. */
typedef struct golden_bench {
    golden g;
    rv_context *context;
    rv_graph *graph;
} golden_bench;

static inline int golden_set_up(void **state, const char *path)
{
    static golden_bench b;
    b.g = golden_open(path);
    b.context = rv_context_new();
    rv_context_set_backend(b.context, "reference");
    b.graph = rv_graph_new(b.context);
    *state = &b;
    return 0;
}

static inline int golden_tear_down(void **state)
{
    golden_bench *b = *state;
    rv_graph_free(b->graph);
    rv_context_free(b->context);
    golden_free(&b->g);
    return 0;
}

/* Compares `count` values with a golden array, relative to 1 + its size. */
static inline void golden_compare(const golden *g, const char *name, const double *got,
                                  rv_shape shape, double tolerance)
{
    rv_shape wanted;
    char text[2][96];
    double *expected = golden_read(g, name, &wanted);
    if (!rv_shape_equal(shape, wanted))
        fail_msg("%s: got shape %s, expected %s", name, rv_shape_text(shape, text[0]),
                 rv_shape_text(wanted, text[1]));
    for (int64_t i = 0; i < rv_shape_size(wanted); i++)
        if (!(fabs(got[i] - expected[i]) <= tolerance * (1 + fabs(expected[i]))))
            fail_msg("%s[%d]: got %.17g, expected %.17g", name, (int)i, got[i], expected[i]);
    free(expected);
}

/* Output number `output` of a program that has run, compared. */
static inline void golden_check(const golden *g, const char *name, rv_program *program, int output,
                                rv_expr expression, double tolerance)
{
    rv_shape shape = rv_expr_shape(expression);
    size_t size = (size_t)rv_shape_size(shape);
    double *got = malloc(size * sizeof *got);
    assert_int_equal(rv_read_double(program, output, got, size), RV_OK);
    golden_compare(g, name, got, shape, tolerance);
    free(got);
}

#endif
