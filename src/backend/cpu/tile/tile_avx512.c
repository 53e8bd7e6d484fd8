/* The tile instructions for AVX-512 (F, DQ, BW, VL). */
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")
#include "backend/cpu/tile/tile_tables.h"

#include <immintrin.h>
#include <sleef.h>

#define WIDTH           16
#define VECTOR_BYTES    64
#define TABLE           rv_tile_avx512
#define TABLE_NAME      "avx512"
#define SLEEF(function) Sleef_##function##f16_u10avx512f

typedef __m512 floats;
typedef int32_t ints __attribute__((vector_size(64), may_alias));
typedef uint32_t words __attribute__((vector_size(64), may_alias));
typedef uint64_t longs __attribute__((vector_size(64), may_alias));
typedef __mmask16 mask;

static inline floats broadcast(float value)
{
    return _mm512_set1_ps(value);
}

static inline mask less(floats a, floats b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}

static inline mask equal(floats a, floats b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ);
}

static inline mask is_nan(floats a)
{
    return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
}

static inline floats choose(mask condition, floats yes, floats no)
{
    return _mm512_mask_blend_ps(condition, no, yes);
}

/* As the instructions: b when either is NaN. */
static inline floats larger(floats a, floats b)
{
    return _mm512_max_ps(a, b);
}

static inline floats smaller(floats a, floats b)
{
    return _mm512_min_ps(a, b);
}

static inline floats multiply_add(floats a, floats b, floats c)
{
    return _mm512_fmadd_ps(a, b, c);
}

static inline void stream(float *to, floats value)
{
    _mm512_stream_ps(to, value);
}

static inline floats square_root(floats a)
{
    return _mm512_sqrt_ps(a);
}

static inline floats round_down(floats a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}

static inline ints truncate(floats a)
{
    return (ints)_mm512_cvttps_epi32(a);
}

static inline floats from_ints(ints a)
{
    return _mm512_cvtepi32_ps((__m512i)a);
}

/* a 2^n for whole n, rounded once where the result is subnormal. */
static inline floats scale(floats a, floats n)
{
    return _mm512_scalef_ps(a, n);
}

/* Products of the low 32 bits of each 64. */
static inline longs multiply_low(longs a, longs b)
{
    return (longs)_mm512_mul_epu32((__m512i)a, (__m512i)b);
}

static inline longs interleave_even(longs a, longs b)
{
    return (longs)_mm512_unpacklo_epi64((__m512i)a, (__m512i)b);
}

static inline longs interleave_odd(longs a, longs b)
{
    return (longs)_mm512_unpackhi_epi64((__m512i)a, (__m512i)b);
}

#include "backend/cpu/tile/tile_body.inc"
