/* The tile instructions for AVX2 with FMA. */
#pragma GCC target("avx2,fma")
#include "backend/cpu/tile/tile_tables.h"

#include <immintrin.h>
#include <sleef.h>

#define WIDTH           8
#define VECTOR_BYTES    32
#define TABLE           rv_tile_avx2
#define TABLE_NAME      "avx2"
#define SLEEF(function) Sleef_##function##f8_u10avx2

typedef __m256 floats;
typedef int32_t ints __attribute__((vector_size(32), may_alias));
typedef uint32_t words __attribute__((vector_size(32), may_alias));
typedef uint64_t longs __attribute__((vector_size(32), may_alias));
typedef __m256 mask; /* lanes of all ones or all zeros */

static inline floats broadcast(float value)
{
    return _mm256_set1_ps(value);
}

static inline mask less(floats a, floats b)
{
    return _mm256_cmp_ps(a, b, _CMP_LT_OQ);
}

static inline mask equal(floats a, floats b)
{
    return _mm256_cmp_ps(a, b, _CMP_EQ_OQ);
}

static inline mask is_nan(floats a)
{
    return _mm256_cmp_ps(a, a, _CMP_UNORD_Q);
}

static inline floats choose(mask condition, floats yes, floats no)
{
    return _mm256_blendv_ps(no, yes, condition);
}

/* As the instructions: b when either is NaN. */
static inline floats larger(floats a, floats b)
{
    return _mm256_max_ps(a, b);
}

static inline floats smaller(floats a, floats b)
{
    return _mm256_min_ps(a, b);
}

static inline floats multiply_add(floats a, floats b, floats c)
{
    return _mm256_fmadd_ps(a, b, c);
}

static inline void stream(float *to, floats value)
{
    _mm256_stream_ps(to, value);
}

static inline floats square_root(floats a)
{
    return _mm256_sqrt_ps(a);
}

static inline floats round_down(floats a)
{
    return _mm256_floor_ps(a);
}

static inline ints truncate(floats a)
{
    return (ints)_mm256_cvttps_epi32(a);
}

static inline floats from_ints(ints a)
{
    return _mm256_cvtepi32_ps((__m256i)a);
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
    return (longs)_mm256_mul_epu32((__m256i)a, (__m256i)b);
}

static inline longs interleave_even(longs a, longs b)
{
    return (longs)_mm256_unpacklo_epi64((__m256i)a, (__m256i)b);
}

static inline longs interleave_odd(longs a, longs b)
{
    return (longs)_mm256_unpackhi_epi64((__m256i)a, (__m256i)b);
}

#include "backend/cpu/tile/tile_body.inc"
