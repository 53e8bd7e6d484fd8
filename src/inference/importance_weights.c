/* Importance weights of one image, streamed.
 *
 * Burda, Grosse & Salakhutdinov 2016, "Importance Weighted Autoencoders", equation 8.
 * Kong 1992, "A note on importance sampling using standardized weights": effective sample size.
 * Vehtari, Simpson, Gelman, Yao & Gabry 2024, "Pareto smoothed importance sampling": k-hat.
 * Zhang & Stephens 2009, "A new and efficient estimation method for the generalized Pareto
 * distribution". */
#include "inference/importance_weights.h"

#include <math.h>
#include <stdlib.h>

enum { TAIL_LEAST = 5 }; /* a shorter tail gives no estimate */

int weights_tail(int64_t draws)
{
    double k = (double)draws;
    return (int)ceil(fmin(0.2 * k, 3 * sqrt(k)));
}

void weights_begin(weights *w, int64_t draws, float *heap)
{
    *w = (weights){.largest = -INFINITY, .tail = weights_tail(draws) + 1, .heap = heap};
}

/* ---- the largest ones: a heap whose root is the least of them ---- */

static void sift_up(float *heap, int at)
{
    float value = heap[at];
    for (int above = (at - 1) / 2; at > 0 && heap[above] > value; above = (at - 1) / 2) {
        heap[at] = heap[above];
        at = above;
    }
    heap[at] = value;
}

static void sift_down(float *heap, int count)
{
    float value = heap[0];
    int at = 0;
    for (int below = 1; below < count; below = 2 * at + 1) {
        if (below + 1 < count && heap[below + 1] < heap[below])
            below++;
        if (heap[below] >= value)
            break;
        heap[at] = heap[below];
        at = below;
    }
    heap[at] = value;
}

static void keep(weights *w, float log_weight)
{
    if (w->kept < w->tail) {
        w->heap[w->kept] = log_weight;
        sift_up(w->heap, w->kept++);
    } else if (log_weight > w->heap[0]) {
        w->heap[0] = log_weight;
        sift_down(w->heap, w->kept);
    }
}

/* ---- sums ---- */

void weights_add(weights *w, float log_weight)
{
    double l = (double)log_weight;
    w->count++;
    w->log_sum += l;
    keep(w, log_weight);
    if (l > w->largest) {
        double fall = exp(w->largest - l); /* 0 for the first */
        w->sum = w->sum * fall + 1;
        w->square = w->square * fall * fall + 1;
        w->largest = l;
    } else if (l > -INFINITY) {
        double weight = exp(l - w->largest);
        w->sum += weight;
        w->square += weight * weight;
    }
}

/* ---- k-hat ---- */

/* The log-likelihood of exceedances at theta = -k/sigma with the best k for theta, for each
 * point. */
static double profile(const double *x, int count, double theta)
{
    double k = 0;
    for (int i = 0; i < count; i++)
        k += log1p(-theta * x[i]);
    k /= count;
    return log(-theta / k) - k - 1;
}

/* The mean of theta over a grid, weighted by likelihood (Zhang & Stephens 2009, equations 6-8). */
static double mean_theta(const double *x, int count)
{
    enum { POINTS_LEAST = 30, PRIOR = 3 };
    int points = POINTS_LEAST + (int)floor(sqrt(count));
    double quartile = x[(int)floor(count / 4.0 + 0.5) - 1], best = -INFINITY;
    double sum = 0, weighted = 0;
    for (int j = 1; j <= points; j++) {
        double theta = 1 / x[count - 1] + (1 - sqrt(points / (j - 0.5))) / (PRIOR * quartile);
        double l = count * profile(x, count, theta);
        if (l > best) {
            double fall = exp(best - l);
            sum *= fall;
            weighted *= fall;
            best = l;
        }
        sum += exp(l - best);
        weighted += exp(l - best) * theta;
    }
    return weighted / sum;
}

double pareto_shape(const double *x, int count)
{
    const double prior = 10; /* exceedances, with k = 0.5 */
    double k = 0;
    if (!(x[(int)floor(count / 4.0 + 0.5) - 1] > 1e-300 * x[count - 1]))
        return INFINITY;
    double theta = mean_theta(x, count);
    for (int i = 0; i < count; i++)
        k += log1p(-theta * x[i]);
    k /= count;
    return (count * k + prior * 0.5) / (count + prior);
}

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* For the tail: the largest M, above the next one.  Weights equal to that one, as with the few
 * values of a discrete latent, are not part of the tail. */
static double khat(weights *w, double *work)
{
    const double rounding = 1e-6; /* of log w, in single precision */
    int count = 0;
    if (w->kept - 1 < TAIL_LEAST || w->kept < w->tail)
        return NAN;
    qsort(w->heap, (size_t)w->kept, sizeof *w->heap, ascending);
    double cut = (double)w->heap[0], level = exp(cut - w->largest);
    if (w->largest - cut <= rounding * (1 + fabs(w->largest)))
        return 0; /* all are equal */
    for (int i = 1; i < w->kept; i++)
        if ((double)w->heap[i] > cut)
            work[count++] = exp((double)w->heap[i] - w->largest) - level;
    return count < TAIL_LEAST ? NAN : pareto_shape(work, count);
}

rv_importance_example weights_example(weights *w, double *work)
{
    rv_importance_example example = {.bound = -INFINITY, .elbo = -INFINITY, .khat = NAN};
    double count = (double)w->count;
    if (!(w->largest > -INFINITY))
        return example;
    example.bound = w->largest + log(w->sum / count);
    example.elbo = w->log_sum / count;
    example.effective = w->sum * w->sum / w->square;
    example.khat = khat(w, work);
    return example;
}
