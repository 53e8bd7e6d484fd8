/* Digits from pen strokes.  A writer's hand has a warp of the plane, a slant, a rotation, a width,
 * a pen and a place; the stroke becomes short segments, and the brightness of a pixel is the part
 * that the pen covers.  As in MNIST (LeCun et al. 1998), the digit is fitted into a box of about 20
 * x 20 pixels and centred by its ink in 28 x 28.
 *
 * Only additions, products, quotients and square roots are used, which round the same way on every
 * machine, so that a seed gives the same bytes everywhere. */
#include "data/readers/digits.h"

#include "core/random.h"
#include "data/readers/digit_strokes.h"

#include <math.h>
#include <string.h>

enum { SIDE = RV_DIGITS_SIDE, LATTICE = 3, SEGMENTS_A_SPAN = 7, PATH_MOST = 160 };

typedef struct point {
    float x, y;
} point;

typedef struct path_point {
    point at;
    float radius; /* of the pen, in pixels */
    int lifted;   /* the pen is up before this point */
} path_point;

typedef struct path {
    path_point point[PATH_MOST];
    int count;
} path;

typedef struct hand {
    point push[LATTICE][LATTICE]; /* the warp: displacements of a lattice over the square */
    float cosine, sine, slant, width;
    float radius, taper; /* of the pen: in pixels; its change along the digit */
    float box;           /* the longer side of the digit, ink included, in pixels */
    point shift;         /* from the centre, in pixels */
} hand;

/* About N(0, 1), within +-3: a sum of three uniforms, bounded so that no digit is deformed. */
static float bell(rv_stream *stream)
{
    double sum = 0;
    for (int i = 0; i < 3; ++i)
        sum += rv_stream_uniform(stream);
    return (float)(2 * sum - 3);
}

static float clamp(float value, float least, float most)
{
    return value < least ? least : value > most ? most : value;
}

static hand draw_hand(rv_stream *stream, const rv_glyph *glyph)
{
    hand h;
    for (int row = 0; row < LATTICE; ++row)
        for (int column = 0; column < LATTICE; ++column) {
            h.push[row][column].x = 0.070f * bell(stream);
            h.push[row][column].y = 0.055f * bell(stream);
        }
    float t = 0.045f * bell(stream); /* half the angle, as its tangent */
    h.cosine = (1 - t * t) / (1 + t * t);
    h.sine = 2 * t / (1 + t * t);
    h.slant = (float)glyph->slant + 0.14f + 0.18f * bell(stream);
    h.width = (float)glyph->narrow * clamp(1 + 0.13f * bell(stream), 0.7f, 1.35f);
    h.radius = clamp(1.25f + 0.33f * bell(stream), 0.7f, 2.2f);
    h.taper = 0.12f * bell(stream);
    h.box = clamp(19.6f + 0.7f * bell(stream), 17.5f, 21.0f);
    h.shift.x = 0.45f * bell(stream);
    h.shift.y = 0.45f * bell(stream);
    return h;
}

/* The lattice's displacement at `p`, bilinear between its nodes at 0, 1/2 and 1. */
static point push_at(const hand *h, point p)
{
    float x = clamp(p.x, 0, 1) * (LATTICE - 1), y = clamp(p.y, 0, 1) * (LATTICE - 1);
    int column = x < 1 ? 0 : 1, row = y < 1 ? 0 : 1;
    float u = x - (float)column, v = y - (float)row;
    const point *above = &h->push[row][column], *below = &h->push[row + 1][column];
    return (point){
        (1 - v) * ((1 - u) * above[0].x + u * above[1].x) +
            v * ((1 - u) * below[0].x + u * below[1].x),
        (1 - v) * ((1 - u) * above[0].y + u * above[1].y) +
            v * ((1 - u) * below[0].y + u * below[1].y),
    };
}

/* A control point in this hand, in units of the digit's height, relative to its middle. */
static point place(const hand *h, point p)
{
    point push = push_at(h, p);
    float x = (p.x + push.x - 0.5f) * h->width, y = p.y + push.y - 0.5f;
    x -= h->slant * y;
    return (point){h->cosine * x - h->sine * y, h->sine * x + h->cosine * y};
}

static void path_add(path *line, point at, int lifted)
{
    if (line->count < PATH_MOST)
        line->point[line->count++] = (path_point){.at = at, .lifted = lifted};
}

/* The uniform Catmull-Rom curve from b to c, without its beginning.  a and d are the neighbours. */
static void add_span(path *line, point a, point b, point c, point d)
{
    float dx = c.x - b.x, dy = c.y - b.y;
    int steps = 1 + (int)(13 * sqrtf(dx * dx + dy * dy));
    steps = steps > SEGMENTS_A_SPAN ? SEGMENTS_A_SPAN : steps;
    for (int i = 1; i <= steps; ++i) {
        float t = (float)i / (float)steps, s = t * t, r = s * t;
        float wa = -0.5f * r + s - 0.5f * t, wb = 1.5f * r - 2.5f * s + 1;
        float wc = -1.5f * r + 2 * s + 0.5f * t, wd = 0.5f * r - 0.5f * s;
        path_add(line,
                 (point){wa * a.x + wb * b.x + wc * c.x + wd * d.x,
                         wa * a.y + wb * b.y + wc * c.y + wd * d.y},
                 0);
    }
}

/* The strokes of the glyph in this hand, flattened. */
static void flatten(const rv_glyph *glyph, const hand *h, rv_stream *stream, path *line)
{
    point at[RV_GLYPH_POINTS_MOST], drift = {0, 0};
    for (int i = 0; i < glyph->count; ++i) {
        point p = {glyph->point[i].x + drift.x, glyph->point[i].y + drift.y};
        p.x += 0.012f * bell(stream);
        p.y += 0.012f * bell(stream);
        at[i] = place(h, p);
        if (glyph->point[i].pen == RV_PEN_UP) /* the next stroke begins a little off */
            drift = (point){0.025f * bell(stream), 0.025f * bell(stream)};
    }
    for (int i = 0; i < glyph->count; ++i) {
        int begins = i == 0 || glyph->point[i - 1].pen == RV_PEN_UP;
        if (begins) {
            path_add(line, at[i], 1);
            continue;
        }
        int corner_before = glyph->point[i - 1].pen == RV_PEN_CORNER || i == 1 ||
                            glyph->point[i - 2].pen == RV_PEN_UP;
        int corner_after = glyph->point[i].pen != RV_PEN_CURVE;
        add_span(line, at[corner_before ? i - 1 : i - 2], at[i - 1], at[i],
                 at[corner_after ? i : i + 1]);
    }
}

/* Scales the path to the hand's box, and moves its centre of ink to the middle of the image. */
static void fit(path *line, const hand *h)
{
    point least = line->point[0].at, most = least;
    for (int i = 1; i < line->count; ++i) {
        point p = line->point[i].at;
        least = (point){fminf(least.x, p.x), fminf(least.y, p.y)};
        most = (point){fmaxf(most.x, p.x), fmaxf(most.y, p.y)};
    }
    float reach = 2 * h->radius, side = fmaxf(most.x - least.x, most.y - least.y);
    float scale = (h->box - reach) / side;
    float length = 0, x = 0, y = 0;
    for (int i = 1; i < line->count; ++i) {
        point a = line->point[i - 1].at, b = line->point[i].at;
        float dx = b.x - a.x, dy = b.y - a.y;
        float weight = line->point[i].lifted ? 0 : sqrtf(dx * dx + dy * dy);
        length += weight;
        x += weight * 0.5f * (a.x + b.x);
        y += weight * 0.5f * (a.y + b.y);
    }
    point move = {0.5f * SIDE + h->shift.x - scale * x / length,
                  0.5f * SIDE + h->shift.y - scale * y / length};
    float margin = 1.2f * h->radius + 1.5f; /* no ink touches the border */
    move.x = clamp(move.x, margin - scale * least.x, SIDE - margin - scale * most.x);
    move.y = clamp(move.y, margin - scale * least.y, SIDE - margin - scale * most.y);
    for (int i = 0; i < line->count; ++i) {
        path_point *p = &line->point[i];
        float along = (float)i / (float)line->count - 0.5f;
        p->at = (point){scale * p->at.x + move.x, scale * p->at.y + move.y};
        p->radius = h->radius * (1 + h->taper * along);
    }
}

/* Lowers `distance` (from each pixel's centre to the edge of the ink, negative inside) by the ink
 * of one segment.  Only pixels that the segment can touch are visited. */
static void ink_segment(float distance[SIDE][SIDE], path_point from, path_point to)
{
    point a = from.at, b = to.at;
    float radius = 0.5f * (from.radius + to.radius), reach = radius + 1;
    float dx = b.x - a.x, dy = b.y - a.y, squared = dx * dx + dy * dy;
    float inverse = squared > 0 ? 1 / squared : 0;
    int left = (int)fmaxf(fminf(a.x, b.x) - reach, 0);
    int right = (int)fminf(fmaxf(a.x, b.x) + reach, SIDE - 1);
    int top = (int)fmaxf(fminf(a.y, b.y) - reach, 0);
    int bottom = (int)fminf(fmaxf(a.y, b.y) + reach, SIDE - 1);
    for (int row = top; row <= bottom; ++row) {
        float py = (float)row + 0.5f - a.y;
        for (int column = left; column <= right; ++column) {
            float px = (float)column + 0.5f - a.x;
            float t = (px * dx + py * dy) * inverse;
            t = t < 0 ? 0 : t > 1 ? 1 : t;
            float ex = px - t * dx, ey = py - t * dy;
            float edge = sqrtf(ex * ex + ey * ey) - radius;
            distance[row][column] = edge < distance[row][column] ? edge : distance[row][column];
        }
    }
}

static void render(const path *line, uint8_t image[RV_DIGITS_SIZE])
{
    float distance[SIDE][SIDE];
    for (int i = 0; i < RV_DIGITS_SIZE; ++i)
        (&distance[0][0])[i] = 2;
    for (int i = 1; i < line->count; ++i)
        if (!line->point[i].lifted)
            ink_segment(distance, line->point[i - 1], line->point[i]);
    for (int i = 0; i < RV_DIGITS_SIZE; ++i) { /* the soft edge is 1.4 pixels wide */
        float covered = clamp(0.5f - (&distance[0][0])[i] / 1.4f, 0, 1);
        image[i] = (uint8_t)(covered * 255 + 0.5f);
    }
}

static uint64_t site_of(const char *what, rv_digits_set set)
{
    return rv_site(what) + (uint64_t)set;
}

void rv_digits_labels(uint64_t seed, rv_digits_set set, int64_t count, int32_t *labels)
{
    uint64_t site = site_of("data.digits.labels", set);
    for (int64_t first = 0; first < count; first += 10) {
        rv_stream stream = rv_stream_at(seed, site, (uint32_t)(first / 10), 0);
        int32_t ten[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
        for (uint32_t i = 9; i > 0; --i) {
            uint32_t j = rv_stream_below(&stream, i + 1);
            int32_t swap = ten[i];
            ten[i] = ten[j];
            ten[j] = swap;
        }
        int64_t some = count - first < 10 ? count - first : 10;
        memcpy(labels + first, ten, (size_t)some * sizeof *labels);
    }
}

void rv_digits_draw(uint64_t seed, rv_digits_set set, uint32_t number, int32_t label,
                    uint8_t image[RV_DIGITS_SIZE])
{
    rv_stream stream = rv_stream_at(seed, site_of("data.digits.strokes", set), number, 0);
    const rv_glyph *glyph = rv_digit_glyph(label, rv_stream_uniform(&stream));
    hand h = draw_hand(&stream, glyph);
    path line = {.count = 0};
    flatten(glyph, &h, &stream, &line);
    fit(&line, &h);
    render(&line, image);
}
