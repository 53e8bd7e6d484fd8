/* Programs with convolutions as products of transforms, and what their listing tells of them. */
#ifndef TESTS_CONV_SETTING_H
#define TESTS_CONV_SETTING_H

#include "check.h"

#include "reverie/program.h"

/* How convolutions are computed; on the reference backend where isa is NULL. */
typedef struct setting {
    const char *isa;
    int threads;
    rv_conv_policy policy;
    const char *algorithm; /* "toom-cook 2x2": taken instead of the model's choice; or NULL */
} setting;

static const setting reference_setting = {NULL, 1, RV_CONV_AUTO, NULL};

static inline setting transformed(const char *isa, int threads)
{
    return (setting){isa, threads, RV_CONV_TRANSFORM, NULL};
}

static inline rv_context *context_for(const setting *s)
{
    rv_context *context = rv_context_new();
    rv_context_set_backend(context, s->isa ? "cpu" : "reference");
    if (s->isa)
        rv_context_set_isa(context, s->isa);
    rv_context_set_threads(context, s->threads);
    rv_context_set_conv(context, s->policy);
    check_ok(context);
    return context;
}

/* Lines of the listing that have `part`. */
static inline int rows_of(rv_program *program, const char *part)
{
    int rows = 0;
    for (const char *line = rv_program_text(program, 0); line && *line;) {
        const char *end = strchr(line, '\n'), *found = strstr(line, part);
        rows += found && (!end || found < end);
        line = end ? end + 1 : NULL;
    }
    return rows;
}

#define TRANSFORM_ROW "conv_transform"
#define DIRECT_ROW    "  conv  "

/* A program and what it lives in. */
typedef struct compiled {
    rv_context *context;
    rv_graph *graph;
    rv_program *program;
} compiled;

static inline void compiled_free(compiled *made)
{
    rv_program_free(made->program);
    rv_graph_free(made->graph);
    rv_context_free(made->context);
}

#endif
