/* Precision, recall (Kynkaanniemi et al. 2019), density and coverage (Naeem et al. 2020), from the
 * balls that reach the k-th neighbour of each row in its own set.  Where the papers' code compares
 * single-precision distances, pairs near a radius are decided in double precision here. */
#include "core/arena.h"
#include "metrics/distances.h"
#include "metrics/neighbours.h"

/* One of the two sets with its balls. */
typedef struct balls {
    rv_rows rows;
    double *squared; /* [count] squared radii */
    float *limit;    /* [count] the same, rounded up */
    uint8_t *inside; /* [count] whether the row is in a ball of the other set */
} balls;

typedef struct count {
    rv_arena memory; /* of the arrays */
    balls real, fake;
    uint8_t *covered; /* [N] whether the real row's ball holds a fake row */
    int64_t pairs;    /* (real ball, fake row in it) */
} count;

/* NND_k of every row within its set. */
static rv_status find_radii(rv_context *context, rv_arena *memory, balls *b, int k)
{
    size_t rows = (size_t)b->rows.count, neighbours = rows * (size_t)k;
    int64_t *index = rv_arena_alloc(memory, neighbours * sizeof *index);
    double *squared = rv_arena_alloc(memory, neighbours * sizeof *squared);
    b->squared = rv_arena_alloc(memory, rows * sizeof *b->squared);
    b->limit = rv_arena_alloc(memory, rows * sizeof *b->limit);
    b->inside = rv_arena_alloc(memory, rows);
    int have = index && squared && b->squared && b->limit && b->inside;
    rv_status status = have ? neighbours_find(context, b->rows, b->rows, 1, k, index, squared)
                            : rv_fail_memory(context);
    for (size_t i = 0; status == RV_OK && i < rows; i++) {
        b->squared[i] = squared[i * (size_t)k + (size_t)k - 1];
        b->limit[i] = distance_limit(b->squared[i]);
    }
    return status;
}

/* Whether row j of the strip is within a squared radius of the query. */
static int within(const strip *s, int64_t j, double squared)
{
    if ((double)strip_upper(s, j) <= squared)
        return 1;
    if ((double)strip_lower(s, j) > squared)
        return 0;
    return strip_exact(s, j) <= squared;
}

static void count_pair(count *c, const strip *s, int64_t j)
{
    int64_t real = s->query, fake = s->first + j;
    if (within(s, j, c->real.squared[real])) {
        c->pairs++;
        c->covered[real] = 1;
        c->fake.inside[fake] = 1;
    }
    if (!c->real.inside[real] && within(s, j, c->fake.squared[fake]))
        c->real.inside[real] = 1;
}

static void visit(void *user, const strip *s)
{
    enum { GROUP = 16 }; /* compared at once */
    count *c = user;
    const float *fake = c->fake.limit + s->first;
    float real = c->real.limit[s->query];
    for (int64_t start = 0; start < s->count; start += GROUP) {
        int64_t stop = start + GROUP < s->count ? start + GROUP : s->count;
        int near = stop - start < GROUP;
        for (int j = 0; stop - start == GROUP && j < GROUP; j++) {
            float lower = strip_lower(s, start + j);
            near += !(lower > real) | !(lower > fake[start + j]);
        }
        for (int64_t j = start; near && j < stop; j++)
            count_pair(c, s, j);
    }
}

static double share(const uint8_t *marks, int64_t rows)
{
    int64_t marked = 0;
    for (int64_t i = 0; i < rows; i++)
        marked += marks[i];
    return (double)marked / (double)rows;
}

static rv_status measure(rv_context *context, count *c, int k, rv_coverage *scores)
{
    int64_t n = c->real.rows.count, m = c->fake.rows.count;
    c->covered = rv_arena_alloc(&c->memory, (size_t)n);
    rv_status status =
        c->covered ? find_radii(context, &c->memory, &c->real, k) : rv_fail_memory(context);
    if (status == RV_OK)
        status = find_radii(context, &c->memory, &c->fake, k);
    if (status == RV_OK)
        status = distances_walk(context, c->real.rows, c->fake.rows, visit, c);
    if (status != RV_OK)
        return status;
    /* precision = 1/M sum_j 1[Y_j in some B(X_i)],  recall = 1/N sum_i 1[X_i in some B(Y_j)] */
    scores->precision = share(c->fake.inside, m);
    scores->recall = share(c->real.inside, n);
    /* density = 1/(kM) sum_j sum_i 1[Y_j in B(X_i)],  coverage = 1/N sum_i 1[some Y_j in B(X_i)] */
    scores->density = (double)c->pairs / ((double)k * (double)m);
    scores->coverage = share(c->covered, n);
    return RV_OK;
}

rv_status rv_coverage_scores(rv_context *context, rv_rows real, rv_rows fake, int k,
                             rv_coverage *scores)
{
    rv_status status = rows_check_pair(context, real, "real", fake, "fake");
    if (status != RV_OK)
        return status;
    if (k < 1 || k >= real.count || k >= fake.count)
        return rv_fail(
            context, RV_BAD_USAGE,
            "neighbour %d is asked of %lld real and %lld fake rows: k must be at least 1 "
            "and less than both",
            k, (long long)real.count, (long long)fake.count);
    count c = {.real.rows = real, .fake.rows = fake};
    status = measure(context, &c, k, scores);
    rv_arena_free(&c.memory);
    return status;
}
