/* The arithmetic peak: the widest multiply-add loop of the machine on the cores used. */
#include "reverie/program.h"

#include <math.h>
#include <time.h>

enum { CHAINS = 12, ROUNDS = 400000 };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* One loop a width; the chains are independent, so that latency does not show. */
#define LOOP(name, flags, bytes)                                                                   \
    typedef float name##_vector __attribute__((vector_size(bytes)));                               \
    __attribute__((target(flags), optimize("fp-contract=fast"))) static float name##_loop(float a) \
    {                                                                                              \
        name##_vector x[CHAINS], m, c;                                                             \
        for (int i = 0; i < bytes / 4; i++) {                                                      \
            m[i] = a;                                                                              \
            c[i] = 1 - a;                                                                          \
        }                                                                                          \
        for (int k = 0; k < CHAINS; k++)                                                           \
            x[k] = m + (float)k;                                                                   \
        for (int round = 0; round < ROUNDS; round++)                                               \
            for (int k = 0; k < CHAINS; k++)                                                       \
                x[k] = x[k] * m + c;                                                               \
        float sum = 0;                                                                             \
        for (int k = 0; k < CHAINS; k++)                                                           \
            sum += x[k][0];                                                                        \
        return sum;                                                                                \
    }
#if defined(__x86_64__)
LOOP(avx512, "avx512f,fma", 64)
LOOP(avx2, "avx2,fma", 32)
LOOP(baseline, "sse2", 16)
#endif

typedef float (*peak_loop)(float);

static peak_loop widest(int *lanes)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) {
        *lanes = 16;
        return avx512_loop;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        *lanes = 8;
        return avx2_loop;
    }
    *lanes = 4;
    return baseline_loop;
#else
    *lanes = 0;
    return NULL;
#endif
}

double rv_peak_gflops(int threads)
{
    int lanes;
    peak_loop loop = widest(&lanes);
    double best = INFINITY;
    volatile float sink = 0;
    for (int attempt = 0; loop && attempt < 5; attempt++) {
        double before = now();
#pragma omp parallel for num_threads(threads) schedule(static, 1)
        for (int t = 0; t < threads; t++)
            sink = loop(0.999f);
        best = fmin(best, now() - before);
    }
    (void)sink;
    return loop ? 2.0 * lanes * CHAINS * ROUNDS * threads / best * 1e-9 : NAN;
}
