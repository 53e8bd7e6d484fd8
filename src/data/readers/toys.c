/* Points of the plane, drawn from laws whose densities the eye knows: data sets for density models.
 * A point is a pure function of (set, seed, part, number).
 *
 *   moons            two half circles, noise 0.1                                  2 classes
 *   circles          radii 1.5 and 3, noise 0.24                                  2 classes
 *   spirals          two arms (Grathwohl et al. 2019, "FFJORD"), noise 0.1        2 classes
 *   checkerboard     8 of the 16 squares of [-4,4]^2, evenly: entropy log 32 = 3.4657359 nats
 *   eight-gaussians  around a circle, divided by 1.414: entropy 2.8318804 nats    8 classes
 *   banana           y ~ N(0, 2^2), x ~ N(y^2/4, 1) (Papamakarios et al. 2017, figure 1), as
 *                    (x, y):
 *                    entropy log(2 pi e) + log 2 = 3.5310242 nats
 *   energy-1 to -4   exp(-U(x)) / Z of Rezende & Mohamed 2015, table 1, 2 to 4 with a wall around
 *                    [-6,6]^2 (src/energies): entropies 2.6600125, 3.1896661, 3.1596158 and
 *                    3.4416613 nats */
#include "core/random.h"
#include "data/readers/reader.h"
#include "energies/energies.h"

#include <math.h>
#include <stdio.h>

enum { TRAIN = 50000, TEST = 10000 };

static const double pi = 3.14159265358979323846;

/* Draws a point of class `label`, from a stream of its own. */
typedef void (*toy_law)(rv_stream *s, int label, double point[2]);

typedef struct toy {
    const char *name;
    int classes; /* points take them in turn; 0: none */
    toy_law law;
    double entropy; /* nats; 0: not known, or that of its energy */
    int energy;     /* 1 to 4 of energies; 0: none of them */
} toy;

static void add_noise(rv_stream *s, double deviation, double point[2])
{
    point[0] += deviation * rv_stream_normal(s);
    point[1] += deviation * rv_stream_normal(s);
}

static void moons(rv_stream *s, int label, double point[2])
{
    double t = pi * rv_stream_uniform(s);
    point[0] = label ? 1 - cos(t) : cos(t);
    point[1] = label ? 0.5 - sin(t) : sin(t);
    add_noise(s, 0.1, point);
}

static void circles(rv_stream *s, int label, double point[2])
{
    double t = 2 * pi * rv_stream_uniform(s), radius = label ? 1.5 : 3;
    point[0] = radius * cos(t);
    point[1] = radius * sin(t);
    add_noise(s, 0.24, point);
}

static void spirals(rv_stream *s, int label, double point[2])
{
    double n = 3 * pi * sqrt(rv_stream_uniform(s)), sign = label ? -1 : 1;
    point[0] = sign * (0.5 * rv_stream_uniform(s) - n * cos(n)) / 3;
    point[1] = sign * (0.5 * rv_stream_uniform(s) + n * sin(n)) / 3;
    add_noise(s, 0.1, point);
}

static void checkerboard(rv_stream *s, int label, double point[2])
{
    uint32_t row = rv_stream_below(s, 4), half = rv_stream_below(s, 2);
    (void)label;
    point[0] = 2 * (2 * (double)half + (row & 1) + rv_stream_uniform(s)) - 4;
    point[1] = 2 * (row + rv_stream_uniform(s)) - 4;
}

static void eight_gaussians(rv_stream *s, int label, double point[2])
{
    double t = pi / 4 * label;
    point[0] = 4 * cos(t);
    point[1] = 4 * sin(t);
    add_noise(s, 0.5, point);
    point[0] /= 1.414;
    point[1] /= 1.414;
}

static void banana(rv_stream *s, int label, double point[2])
{
    (void)label;
    point[1] = 2 * rv_stream_normal(s);
    point[0] = point[1] * point[1] / 4 + rv_stream_normal(s);
}

static void energy_1(rv_stream *s, int label, double point[2])
{
    (void)label;
    energy_draw(1, s, point);
}

static void energy_2(rv_stream *s, int label, double point[2])
{
    (void)label;
    energy_draw(2, s, point);
}

static void energy_3(rv_stream *s, int label, double point[2])
{
    (void)label;
    energy_draw(3, s, point);
}

static void energy_4(rv_stream *s, int label, double point[2])
{
    (void)label;
    energy_draw(4, s, point);
}

/* ---- as data sets ---- */

static rv_status look(rv_context *context, const toy *t, rv_data_question question,
                      rv_data_files *files)
{
    files->path = rv_strdup("built in");
    files->count = question.part == RV_PART_TEST ? TEST : TRAIN;
    files->height = files->channels = 1;
    files->width = 2;
    files->are_points = 1;
    files->energy = t->energy;
    files->entropy = t->energy > 0 ? energy_entropy(t->energy) : t->entropy;
    files->class_count = t->classes;
    int labels = question.labels && t->classes > 0;
    if (labels)
        files->labels = rv_malloc((size_t)files->count * sizeof *files->labels);
    if (!files->path || (labels && !files->labels))
        return rv_fail_memory(context);
    for (int64_t i = 0; labels && i < files->count; ++i)
        files->labels[i] = (int32_t)(i % t->classes);
    return RV_OK;
}

static rv_status read(rv_context *context, const toy *t, rv_rows *rows)
{
    char site[64];
    rows->values = rv_malloc((size_t)(rows->count * rows->size) * sizeof *rows->values);
    if (!rows->values)
        return rv_fail_memory(context);
    snprintf(site, sizeof site, "data.%s.%s", t->name,
             rows->question.part == RV_PART_TEST ? "test" : "train");
    for (int64_t i = 0; i < rows->count; ++i) {
        double point[2];
        rv_stream stream = rv_stream_at(rows->question.seed, rv_site(site), rows->numbers[i], 0);
        t->law(&stream, t->classes ? (int)(rows->numbers[i] % (uint32_t)t->classes) : 0, point);
        rows->values[2 * i] = (float)point[0];
        rows->values[2 * i + 1] = (float)point[1];
    }
    return RV_OK;
}

/* A row of the table for a law: its functions know it by nothing but themselves. */
#define TOY(id, title, class_count, entropy, number)                                               \
    static const toy id##_toy = {title, class_count, id, entropy, number};                         \
    static rv_status look_##id(rv_context *context, const char *path, rv_data_question question,   \
                               rv_data_files *files)                                               \
    {                                                                                              \
        (void)path;                                                                                \
        return look(context, &id##_toy, question, files);                                          \
    }                                                                                              \
    static rv_status read_##id(rv_context *context, const rv_data_files *files, rv_rows *rows)     \
    {                                                                                              \
        (void)files;                                                                               \
        return read(context, &id##_toy, rows);                                                     \
    }                                                                                              \
    const rv_data_kind rv_##id##_kind = {.built_in = title, .look = look_##id, .read = read_##id};
TOY(moons, "moons", 2, 0, 0)
TOY(circles, "circles", 2, 0, 0)
TOY(spirals, "spirals", 2, 0, 0)
TOY(checkerboard, "checkerboard", 0, 3.4657359, 0)
TOY(eight_gaussians, "eight-gaussians", 8, 2.8318804, 0)
TOY(banana, "banana", 0, 3.5310242, 0)
TOY(energy_1, "energy-1", 0, 0, 1)
TOY(energy_2, "energy-2", 0, 0, 2)
TOY(energy_3, "energy-3", 0, 0, 3)
TOY(energy_4, "energy-4", 0, 0, 4)
