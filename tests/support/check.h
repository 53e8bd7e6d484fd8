/* What the tests share: a context that must hold no error, random arrays, and comparisons that
 * print both values. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/memory.h"
#include "core/random.h"
#include "reverie/core.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void check_ok(rv_context *context)
{
    if (rv_error_status(context) != RV_OK)
        fail_msg("unexpected error: %s", rv_error_message(context));
}

static inline void check_near(double got, double expected, double tolerance, const char *what)
{
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("%s: got %.12g, expected %.12g, tolerance %.3g", what, got, expected, tolerance);
}

/* Expects a latched error of that status whose message contains `part`; clears it. */
static inline void check_error(rv_context *context, rv_status status, const char *part)
{
    if (rv_error_status(context) != status || !strstr(rv_error_message(context), part))
        fail_msg("got status %d (%s), expected status %d and \"%s\"", rv_error_status(context),
                 rv_error_message(context), status, part);
    rv_error_clear(context);
}

static inline double *random_array(uint64_t seed, int64_t count, double low, double high)
{
    rv_stream stream = rv_stream_at(seed, rv_site("test"), 0, 0);
    double *values = malloc((size_t)count * sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < count; i++)
        values[i] = low + (high - low) * rv_stream_uniform(&stream);
    return values;
}

/* The same as floats; frees `values`. */
static inline float *narrowed(double *values, int64_t count)
{
    float *floats = malloc((size_t)count * sizeof *floats);
    assert_non_null(floats);
    for (int64_t i = 0; i < count; i++)
        floats[i] = (float)values[i];
    free(values);
    return floats;
}

#endif
