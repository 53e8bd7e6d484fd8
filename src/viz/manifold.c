/* Points in a latent space: the square grid of a manifold picture, evenly spaced values of a
 * traversal, the straight line of an interpolation. */
#include "reverie/viz.h"

/* Value i of `count` from low to high; both ends are exact. */
static double spaced(double low, double high, int count, int i)
{
    if (i == 0)
        return low;
    if (i == count - 1)
        return high;
    return low + (high - low) * i / (count - 1);
}

void rv_manifold_points(int n, double a, float *out)
{
    for (int row = 0; row < n; row++) {
        for (int column = 0; column < n; column++, out += 2) {
            out[0] = n == 1 ? 0 : (float)spaced(-a, a, n, column);
            out[1] = n == 1 ? 0 : (float)spaced(a, -a, n, row);
        }
    }
}

void rv_evenly_spaced(double low, double high, int count, float *out)
{
    for (int i = 0; i < count; i++)
        out[i] = (float)spaced(low, high, count, i);
}

void rv_interpolate(const float *from, const float *to, int size, int count, float *out)
{
    for (int i = 0; i < count; i++) {
        double alpha = spaced(0, 1, count, i);
        for (int j = 0; j < size; j++)
            *out++ = (float)((1 - alpha) * (double)from[j] + alpha * (double)to[j]);
    }
}
