/* Functions in double precision, and the distance of a float from them. */
#ifndef TESTS_EXACT_H
#define TESTS_EXACT_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float as_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t as_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* |got - exact| in units of the last place of the nearest float; huge when one is NaN alone. */
static inline double ulps(float got, double exact)
{
    if (isnan(got) || isnan(exact))
        return isnan(got) && isnan(exact) ? 0 : 1e9;
    if (isinf(got) || isinf(exact) || fabs(exact) > FLT_MAX) {
        double limit = ldexp(1, 128), bounded = isinf(got) ? copysign(limit, got) : got;
        exact = fabs(exact) > limit ? copysign(limit, exact) : exact;
        return fabs(bounded - exact) / ldexp(1, 104);
    }
    int exponent = exact == 0 ? -149 : (int)fmax(ilogb(exact) - 23, -149);
    return fabs(got - exact) / ldexp(1, exponent);
}

static inline double sigmoid(double x)
{
    return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}

static inline double softplus(double x)
{
    return isnan(x) ? x : fmax(x, 0) + log1p(exp(-fabs(x)));
}

#endif
