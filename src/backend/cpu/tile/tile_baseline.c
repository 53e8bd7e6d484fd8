/* The tile instructions for any x86-64 (SSE2). */
#include "backend/cpu/tile/tile_tables.h"

#include <emmintrin.h>
#include <sleef.h>

#define WIDTH           4
#define VECTOR_BYTES    16
#define TABLE           rv_tile_baseline
#define TABLE_NAME      "baseline"
#define SLEEF(function) Sleef_##function##f4_u10sse2

typedef __m128 floats;
typedef int32_t ints __attribute__((vector_size(16), may_alias));
typedef uint32_t words __attribute__((vector_size(16), may_alias));
typedef uint64_t longs __attribute__((vector_size(16), may_alias));
typedef __m128 mask; /* lanes of all ones or all zeros */

static inline floats broadcast(float value)
{
    return _mm_set1_ps(value);
}

static inline mask less(floats a, floats b)
{
    return _mm_cmplt_ps(a, b);
}

static inline mask equal(floats a, floats b)
{
    return _mm_cmpeq_ps(a, b);
}

static inline mask is_nan(floats a)
{
    return _mm_cmpunord_ps(a, a);
}

static inline floats choose(mask condition, floats yes, floats no)
{
    return _mm_or_ps(_mm_and_ps(condition, yes), _mm_andnot_ps(condition, no));
}

/* As the instructions: b when either is NaN. */
static inline floats larger(floats a, floats b)
{
    return _mm_max_ps(a, b);
}

static inline floats smaller(floats a, floats b)
{
    return _mm_min_ps(a, b);
}

/* Two roundings: there is no fused instruction here. */
static inline floats multiply_add(floats a, floats b, floats c)
{
    return a * b + c;
}

static inline void stream(float *to, floats value)
{
    _mm_stream_ps(to, value);
}

static inline floats square_root(floats a)
{
    return _mm_sqrt_ps(a);
}

static inline ints truncate(floats a)
{
    return (ints)_mm_cvttps_epi32(a);
}

static inline floats from_ints(ints a)
{
    return _mm_cvtepi32_ps((__m128i)a);
}

/* From 2^23 on (and for NaN) every float is its own floor; below, truncation fits an int. */
static inline floats round_down(floats a)
{
    const floats sign = broadcast(-0.0f);
    mask has_fraction = less(_mm_andnot_ps(sign, a), broadcast(0x1p23f));
    floats whole = from_ints(truncate(a));
    whole -= _mm_and_ps(less(a, whole), broadcast(1));
    return choose(has_fraction, _mm_or_ps(whole, _mm_and_ps(sign, a)), a);
}

/* a 2^n for whole n in [-252, 254], in two factors so that neither overflows. */
static inline floats scale(floats a, floats n)
{
    ints whole = truncate(n), half = whole >> 1;
    floats first = (floats)((words)(half + 127) << 23);
    floats second = (floats)((words)(whole - half + 127) << 23);
    return a * first * second;
}

/* Products of the low 32 bits of each 64. */
static inline longs multiply_low(longs a, longs b)
{
    return (longs)_mm_mul_epu32((__m128i)a, (__m128i)b);
}

static inline longs interleave_even(longs a, longs b)
{
    return (longs)_mm_unpacklo_epi64((__m128i)a, (__m128i)b);
}

static inline longs interleave_odd(longs a, longs b)
{
    return (longs)_mm_unpackhi_epi64((__m128i)a, (__m128i)b);
}

#include "backend/cpu/tile/tile_body.inc"
