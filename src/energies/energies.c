/* The energies of Rezende & Mohamed 2015, "Variational Inference with Normalizing Flows", table 1.
 *
 *   w1 = sin(2 pi z1 / 4)   w2 = 3 exp(-((z1 - 1) / 0.6)^2 / 2)   w3 = 3 sigmoid((z1 - 1) / 0.3)
 *   g(x) = exp(-x^2 / 2)
 *   U1 = ((|z| - 2) / 0.4)^2 / 2 - log(g((z1 - 2) / 0.6) + g((z1 + 2) / 0.6))
 *   U2 = ((z2 - w1) / 0.4)^2 / 2
 *   U3 = -log(g((z2 - w1) / 0.35) + g((z2 - w1 + w2) / 0.35))
 *   U4 = -log(g((z2 - w1) / 0.4) + g((z2 - w1 + w3) / 0.35))
 *
 * Unlike the paper's, U2 to U4 have a wall, sum_i max(|z_i| - 6, 0)^2: without it they do not grow
 * along z1, and exp(-U) has no finite integral.
 *
 * A draw takes z1 and z2 from a law whose density is nowhere below a multiple of exp(-U), and is
 * kept with the probability that makes it exp(-U): 0.44 for U1, above 0.99 for the others. */
#include "energies/energies.h"

#include <math.h>

static const double pi = 3.14159265358979323846, wall = 6;

/* By the midpoint rule, whose error is below the last digit: tests/flows/energy_test.c. */
static const double log_z[ENERGIES + 1] = {0, 1.87750162611, 2.62531830087, 3.18493408881,
                                           3.25392696029};
static const double entropy[ENERGIES + 1] = {0, 2.66001253593, 3.18966608777, 3.15961581635,
                                             3.44166132642};

double energy_log_z(int which)
{
    return log_z[which];
}

double energy_entropy(int which)
{
    return entropy[which];
}

/* ---- the energies ---- */

static double half_square(double x)
{
    return 0.5 * x * x;
}

/* -log(exp(-a) + exp(-b)) */
static double either(double a, double b)
{
    return fmin(a, b) - log1p(exp(-fabs(a - b)));
}

/* The middle of the lower branch of energy 2, and of the upper ones of 3 and 4. */
static double w1(double x)
{
    return sin(pi * x / 2);
}

/* How far the second branch of energies 3 and 4 is below the first. */
static double gap(int which, double x)
{
    return which == 3 ? 3 * exp(-half_square((x - 1) / 0.6)) : 3 / (1 + exp(-(x - 1) / 0.3));
}

/* The width of the first branch of energies 2 to 4; the second's is 0.35. */
static double width(int which)
{
    return which == 3 ? 0.35 : 0.4;
}

static double beyond(double x, double limit)
{
    double past = fmax(fabs(x) - limit, 0);
    return past * past;
}

double energy_at(int which, const double z[2])
{
    if (which == 1)
        return half_square((hypot(z[0], z[1]) - 2) / 0.4) +
               either(half_square((z[0] - 2) / 0.6), half_square((z[0] + 2) / 0.6));
    double off = z[1] - w1(z[0]), walls = beyond(z[0], wall) + beyond(z[1], wall);
    double first = half_square(off / width(which));
    if (which == 2)
        return first + walls;
    return either(first, half_square((off + gap(which, z[0])) / 0.35)) + walls;
}

/* ---- draws ---- */

/* Of the density exp(-beyond(x, limit) / (2 deviation^2)): even, with half Normals as tails. */
static double draw_flat(rv_stream *s, double limit, double deviation)
{
    double tails = sqrt(2 * pi) * deviation, u = rv_stream_uniform(s) * (2 * limit + tails);
    if (u < 2 * limit)
        return u - limit;
    double past = deviation * rv_stream_normal(s);
    return past < 0 ? past - limit : past + limit;
}

static int is_kept(rv_stream *s, double log_probability)
{
    return log(rv_stream_uniform(s)) <= log_probability;
}

/* z1 has the density of the two Normals that U1 has; |z| is at least |z2|, so that the ring's
 * exp(-((|z| - 2) / 0.4)^2 / 2) is compared with the same of |z2| where that is above 2, else 1. */
static void draw_ring(rv_stream *s, double z[2])
{
    double ring, most;
    do {
        double side = rv_stream_below(s, 2) ? 2 : -2;
        z[0] = side + 0.6 * rv_stream_normal(s);
        z[1] = draw_flat(s, 2, 0.4);
        ring = half_square((hypot(z[0], z[1]) - 2) / 0.4);
        most = beyond(z[1], 2) / (2 * 0.4 * 0.4);
    } while (!is_kept(s, most - ring));
}

/* z1 has its wall's density; z2 is on one of the branches, each as often as it is wide, and meets
 * its own wall. */
static void draw_branch(int which, rv_stream *s, double z[2])
{
    double first = width(which), share = which == 2 ? 1 : first / (first + 0.35);
    do {
        z[0] = draw_flat(s, wall, sqrt(0.5));
        int is_first = rv_stream_uniform(s) < share;
        double middle = w1(z[0]) - (is_first ? 0 : gap(which, z[0]));
        z[1] = middle + (is_first ? first : 0.35) * rv_stream_normal(s);
    } while (!is_kept(s, -beyond(z[1], wall)));
}

void energy_draw(int which, rv_stream *stream, double z[2])
{
    if (which == 1)
        draw_ring(stream, z);
    else
        draw_branch(which, stream, z);
}
