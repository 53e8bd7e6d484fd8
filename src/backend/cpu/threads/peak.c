/* The arithmetic peak: the widest multiply-add loop of the machine on the cores used. */
#include "core/clock.h"
#include "core/memory.h"
#include "reverie/backend.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Enough independent chains to hide the latency of a multiply-add. */
enum { CHAINS = 12, ROUNDS = 400000 };

typedef float (*peak_loop)(float);

#if defined(__x86_64__)
#define LOOP(name, flags, vector, lanes, set, multiply_add)                                        \
    __attribute__((target(flags))) static float name##_loop(float a)                               \
    {                                                                                              \
        vector x[CHAINS], m = set(a), c = set(1 - a);                                              \
        float out[lanes];                                                                          \
        for (int k = 0; k < CHAINS; k++)                                                           \
            x[k] = set((float)k);                                                                  \
        for (int round = 0; round < ROUNDS; round++) {                                             \
            _Pragma("GCC unroll 12") for (int k = 0; k < CHAINS; k++) x[k] = multiply_add;         \
        }                                                                                          \
        float sum = 0;                                                                             \
        for (int k = 0; k < CHAINS; k++) {                                                         \
            __builtin_memcpy(out, &x[k], sizeof out);                                              \
            sum += out[0];                                                                         \
        }                                                                                          \
        return sum;                                                                                \
    }
LOOP(avx512, "avx512f", __m512, 16, _mm512_set1_ps, _mm512_fmadd_ps(x[k], m, c))
LOOP(avx2, "avx2,fma", __m256, 8, _mm256_set1_ps, _mm256_fmadd_ps(x[k], m, c))
LOOP(baseline, "sse2", __m128, 4, _mm_set1_ps, _mm_add_ps(_mm_mul_ps(x[k], m), c))
#endif

static peak_loop widest(int *lanes)
{
    *lanes = 0;
#if defined(__x86_64__)
    int avx512 = __builtin_cpu_supports("avx512f"), fma = __builtin_cpu_supports("fma");
    *lanes = avx512 ? 16 : fma ? 8 : 4;
    return avx512 ? avx512_loop : fma ? avx2_loop : baseline_loop;
#else
    return NULL;
#endif
}

/* Own threads: OpenMP's threads do not return in the child of a fork. */
typedef struct load {
    peak_loop loop;
    atomic_int go; /* 1: begin; -1: do not begin, since threads are missing */
} load;

static void *run_loop(void *opaque)
{
    load *l = opaque;
    volatile float sink = 0;
    while (atomic_load(&l->go) == 0)
        sched_yield();
    if (atomic_load(&l->go) > 0)
        sink = l->loop(0.999f);
    (void)sink;
    return NULL;
}

/* Seconds of the loop in all threads at the same time; NaN when the threads cannot be made. */
static double take(peak_loop loop, int threads)
{
    load l = {.loop = loop};
    int made = 0;
    pthread_t *thread = rv_malloc((size_t)threads * sizeof *thread);
    while (thread && made < threads && pthread_create(&thread[made], NULL, run_loop, &l) == 0)
        made++;
    double before = rv_seconds();
    atomic_store(&l.go, made == threads ? 1 : -1);
    for (int i = 0; i < made; i++)
        pthread_join(thread[i], NULL);
    double taken = made == threads ? rv_seconds() - before : NAN;
    rv_free(thread);
    return taken;
}

double rv_peak_gflops(int threads)
{
    int lanes;
    peak_loop loop = widest(&lanes);
    double best = INFINITY;
    for (int attempt = 0; loop && attempt < 5; attempt++) {
        double taken = take(loop, threads);
        if (isnan(taken))
            return NAN;
        best = fmin(best, taken);
    }
    return loop ? 2.0 * lanes * CHAINS * ROUNDS * threads / best * 1e-9 : NAN;
}
