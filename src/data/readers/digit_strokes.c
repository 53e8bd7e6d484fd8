/* Control points of the digits, drawn by hand on a unit square.  A curve passes through its points
 * (Catmull-Rom), so that moving a point a little moves the line as a hand would. */
#include "data/readers/digit_strokes.h"

#define CURVE  RV_PEN_CURVE
#define CORNER RV_PEN_CORNER
#define UP     RV_PEN_UP

static const rv_pen_point zero_closed[] = {
    {0.60f, 0.01f, CURVE}, {0.28f, 0.10f, CURVE}, {0.07f, 0.45f, CURVE}, {0.16f, 0.84f, CURVE},
    {0.46f, 1.00f, CURVE}, {0.78f, 0.86f, CURVE}, {0.93f, 0.48f, CURVE}, {0.80f, 0.12f, CURVE},
    {0.50f, 0.02f, CURVE}, {0.34f, 0.09f, UP},
};

static const rv_pen_point zero_open[] = {
    {0.50f, 0.05f, CURVE}, {0.22f, 0.16f, CURVE}, {0.06f, 0.52f, CURVE},
    {0.18f, 0.88f, CURVE}, {0.50f, 1.00f, CURVE}, {0.82f, 0.82f, CURVE},
    {0.92f, 0.44f, CURVE}, {0.76f, 0.08f, CURVE}, {0.56f, 0.00f, UP},
};

static const rv_pen_point one_plain[] = {
    {0.50f, 0.00f, CURVE},
    {0.50f, 0.50f, CURVE},
    {0.50f, 1.00f, UP},
};

static const rv_pen_point one_flag[] = {
    {0.24f, 0.24f, CURVE}, {0.40f, 0.13f, CURVE}, {0.54f, 0.00f, CORNER},
    {0.53f, 0.50f, CURVE}, {0.52f, 1.00f, UP},
};

static const rv_pen_point one_foot[] = {
    {0.24f, 0.22f, CURVE}, {0.40f, 0.12f, CURVE}, {0.52f, 0.00f, CORNER}, {0.52f, 0.50f, CURVE},
    {0.52f, 0.98f, UP},    {0.18f, 1.00f, CURVE}, {0.52f, 0.99f, CURVE},  {0.86f, 0.98f, UP},
};

static const rv_pen_point two_plain[] = {
    {0.10f, 0.24f, CURVE},  {0.28f, 0.05f, CURVE}, {0.60f, 0.02f, CURVE},
    {0.82f, 0.22f, CURVE},  {0.70f, 0.52f, CURVE}, {0.38f, 0.80f, CURVE},
    {0.08f, 0.98f, CORNER}, {0.50f, 0.97f, CURVE}, {0.94f, 0.95f, UP},
};

static const rv_pen_point two_loop[] = {
    {0.12f, 0.22f, CURVE}, {0.34f, 0.02f, CURVE}, {0.68f, 0.04f, CURVE}, {0.80f, 0.28f, CURVE},
    {0.62f, 0.60f, CURVE}, {0.32f, 0.90f, CURVE}, {0.10f, 0.98f, CURVE}, {0.05f, 0.84f, CURVE},
    {0.22f, 0.77f, CURVE}, {0.46f, 0.90f, CURVE}, {0.72f, 1.00f, CURVE}, {0.98f, 0.90f, UP},
};

static const rv_pen_point three_round[] = {
    {0.12f, 0.14f, CURVE},  {0.38f, 0.00f, CURVE}, {0.70f, 0.07f, CURVE}, {0.74f, 0.29f, CURVE},
    {0.38f, 0.47f, CORNER}, {0.70f, 0.54f, CURVE}, {0.86f, 0.74f, CURVE}, {0.66f, 0.95f, CURVE},
    {0.36f, 1.00f, CURVE},  {0.08f, 0.88f, UP},
};

static const rv_pen_point three_flat[] = {
    {0.12f, 0.04f, CURVE},  {0.46f, 0.03f, CURVE}, {0.80f, 0.01f, CORNER}, {0.60f, 0.22f, CURVE},
    {0.40f, 0.40f, CORNER}, {0.70f, 0.48f, CURVE}, {0.86f, 0.70f, CURVE},  {0.68f, 0.94f, CURVE},
    {0.38f, 1.00f, CURVE},  {0.08f, 0.90f, UP},
};

static const rv_pen_point four_open[] = {
    {0.22f, 0.02f, CURVE}, {0.15f, 0.28f, CURVE}, {0.14f, 0.52f, CORNER}, {0.44f, 0.56f, CURVE},
    {0.90f, 0.47f, UP},    {0.80f, 0.00f, CURVE}, {0.73f, 0.45f, CURVE},  {0.66f, 1.00f, UP},
};

static const rv_pen_point four_closed[] = {
    {0.68f, 0.00f, CURVE}, {0.38f, 0.32f, CURVE}, {0.05f, 0.66f, CORNER}, {0.48f, 0.66f, CURVE},
    {0.96f, 0.64f, UP},    {0.68f, 0.00f, CURVE}, {0.67f, 0.50f, CURVE},  {0.66f, 1.00f, UP},
};

static const rv_pen_point five_single[] = {
    {0.88f, 0.02f, CURVE},  {0.58f, 0.02f, CURVE}, {0.26f, 0.03f, CORNER}, {0.22f, 0.22f, CURVE},
    {0.17f, 0.44f, CORNER}, {0.46f, 0.38f, CURVE}, {0.78f, 0.50f, CURVE},  {0.84f, 0.74f, CURVE},
    {0.62f, 0.96f, CURVE},  {0.32f, 1.00f, CURVE}, {0.08f, 0.88f, UP},
};

static const rv_pen_point five_hat[] = {
    {0.30f, 0.06f, CURVE}, {0.24f, 0.24f, CURVE}, {0.20f, 0.45f, CORNER}, {0.46f, 0.41f, CURVE},
    {0.72f, 0.53f, CURVE}, {0.76f, 0.76f, CURVE}, {0.54f, 0.97f, CURVE},  {0.26f, 1.00f, CURVE},
    {0.06f, 0.90f, UP},    {0.30f, 0.05f, CURVE}, {0.60f, 0.04f, CURVE},  {0.94f, 0.00f, UP},
};

static const rv_pen_point six_curved[] = {
    {0.72f, 0.00f, CURVE}, {0.40f, 0.18f, CURVE}, {0.17f, 0.50f, CURVE}, {0.15f, 0.80f, CURVE},
    {0.40f, 1.00f, CURVE}, {0.72f, 0.92f, CURVE}, {0.82f, 0.70f, CURVE}, {0.62f, 0.53f, CURVE},
    {0.34f, 0.60f, CURVE}, {0.17f, 0.80f, UP},
};

static const rv_pen_point six_straight[] = {
    {0.52f, 0.00f, CURVE}, {0.32f, 0.28f, CURVE}, {0.18f, 0.60f, CURVE},
    {0.24f, 0.90f, CURVE}, {0.50f, 1.00f, CURVE}, {0.76f, 0.86f, CURVE},
    {0.74f, 0.64f, CURVE}, {0.50f, 0.56f, CURVE}, {0.20f, 0.76f, UP},
};

static const rv_pen_point seven_plain[] = {
    {0.05f, 0.06f, CURVE}, {0.46f, 0.05f, CURVE}, {0.90f, 0.03f, CORNER},
    {0.66f, 0.48f, CURVE}, {0.44f, 1.00f, UP},
};

static const rv_pen_point seven_serif[] = {
    {0.06f, 0.22f, CURVE},  {0.08f, 0.06f, CORNER}, {0.46f, 0.06f, CURVE},
    {0.92f, 0.01f, CORNER}, {0.68f, 0.40f, CURVE},  {0.54f, 1.00f, UP},
};

static const rv_pen_point seven_crossed[] = {
    {0.06f, 0.06f, CURVE}, {0.48f, 0.06f, CURVE}, {0.90f, 0.02f, CORNER}, {0.62f, 0.46f, CURVE},
    {0.40f, 1.00f, UP},    {0.28f, 0.52f, CURVE}, {0.56f, 0.51f, CURVE},  {0.86f, 0.48f, UP},
};

static const rv_pen_point eight_single[] = {
    {0.80f, 0.14f, CURVE}, {0.52f, 0.00f, CURVE}, {0.22f, 0.10f, CURVE}, {0.24f, 0.33f, CURVE},
    {0.52f, 0.50f, CURVE}, {0.80f, 0.70f, CURVE}, {0.76f, 0.92f, CURVE}, {0.46f, 1.00f, CURVE},
    {0.16f, 0.90f, CURVE}, {0.20f, 0.68f, CURVE}, {0.48f, 0.50f, CURVE}, {0.76f, 0.30f, CURVE},
    {0.80f, 0.14f, UP},
};

static const rv_pen_point eight_rings[] = {
    {0.50f, 0.47f, CURVE}, {0.24f, 0.35f, CURVE}, {0.26f, 0.10f, CURVE}, {0.52f, 0.00f, CURVE},
    {0.76f, 0.12f, CURVE}, {0.76f, 0.34f, CURVE}, {0.50f, 0.47f, CURVE}, {0.20f, 0.62f, CURVE},
    {0.20f, 0.88f, CURVE}, {0.50f, 1.00f, CURVE}, {0.80f, 0.88f, CURVE}, {0.80f, 0.62f, CURVE},
    {0.50f, 0.47f, UP},
};

static const rv_pen_point nine_straight[] = {
    {0.80f, 0.16f, CURVE},  {0.54f, 0.00f, CURVE}, {0.24f, 0.12f, CURVE},
    {0.16f, 0.36f, CURVE},  {0.38f, 0.50f, CURVE}, {0.66f, 0.40f, CURVE},
    {0.80f, 0.14f, CORNER}, {0.76f, 0.55f, CURVE}, {0.68f, 1.00f, UP},
};

static const rv_pen_point nine_curled[] = {
    {0.78f, 0.18f, CURVE}, {0.56f, 0.00f, CURVE}, {0.26f, 0.10f, CURVE},  {0.16f, 0.32f, CURVE},
    {0.36f, 0.48f, CURVE}, {0.64f, 0.40f, CURVE}, {0.80f, 0.16f, CORNER}, {0.82f, 0.50f, CURVE},
    {0.74f, 0.84f, CURVE}, {0.48f, 1.00f, CURVE}, {0.18f, 0.92f, UP},
};

#define GLYPH(points, share, slant, narrow)                                                        \
    {                                                                                              \
        points, (int)(sizeof points / sizeof points[0]), share, slant, narrow                      \
    }

enum { VARIANTS_MOST = 3 };

static const rv_glyph glyphs[10][VARIANTS_MOST] = {
    {GLYPH(zero_closed, 0.6, 0, 0.85), GLYPH(zero_open, 0.4, 0, 0.8)},
    {GLYPH(one_plain, 0.7, 0.12, 0.6), GLYPH(one_flag, 0.2, 0, 0.8), GLYPH(one_foot, 0.1, 0, 0.7)},
    {GLYPH(two_plain, 0.55, 0, 0.9), GLYPH(two_loop, 0.45, 0, 0.95)},
    {GLYPH(three_round, 0.7, 0, 0.85), GLYPH(three_flat, 0.3, 0, 0.8)},
    {GLYPH(four_open, 0.65, 0, 0.8), GLYPH(four_closed, 0.35, 0, 0.85)},
    {GLYPH(five_single, 0.6, 0, 0.85), GLYPH(five_hat, 0.4, 0, 0.85)},
    {GLYPH(six_curved, 0.6, 0, 0.8), GLYPH(six_straight, 0.4, 0, 0.8)},
    {GLYPH(seven_plain, 0.5, 0, 0.8), GLYPH(seven_serif, 0.25, 0, 0.8),
     GLYPH(seven_crossed, 0.25, 0, 0.8)},
    {GLYPH(eight_single, 0.6, 0, 0.75), GLYPH(eight_rings, 0.4, 0, 0.75)},
    {GLYPH(nine_straight, 0.65, 0, 0.8), GLYPH(nine_curled, 0.35, 0, 0.8)},
};

const rv_glyph *rv_digit_glyph(int digit, double u)
{
    const rv_glyph *glyph = glyphs[digit];
    int variant = 0;
    while (variant + 1 < VARIANTS_MOST && glyph[variant + 1].count && u >= glyph[variant].share) {
        u -= glyph[variant].share;
        ++variant;
    }
    return &glyph[variant];
}
