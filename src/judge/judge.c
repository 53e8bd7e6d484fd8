/* Judging a run without a likelihood: its samples beside real images, in the features of a
 * classifier; its encoder by the nearest neighbour of an encoding. */
#include "figures/figures.h"

#include "core/memory.h"
#include "core/shell.h"
#include "reverie/io.h"
#include "reverie/judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SLICE = 1024, COLUMNS = 8 };

/* Rows that are ours. */
typedef struct table {
    float *values; /* [count,width] */
    int64_t count, width;
} table;

typedef struct judge {
    rv_experiment *run;
    rv_context *context;
    const rv_judge_config *config;
    rv_judgement *out;
    rv_classifier *classifier;
    table images;                      /* generated, pixels */
    table made, real, train, held_out; /* features; real is empty for the training split, held_out
                                            for the others: see real_of and held_out_of */
    int64_t *nearest;                  /* [made.count] the nearest training image, for pictures */
    double *distance;                  /* [made.count] and how far it is */
} judge;

rv_judge_config rv_judge_defaults(void)
{
    return (rv_judge_config){.split = RV_SPLIT_TEST, .count = 10000, .seed = 1};
}

static rv_status new_table(rv_context *context, int64_t count, int64_t width, table *out)
{
    *out = (table){rv_malloc((size_t)(count * width) * sizeof(float)), count, width};
    return out->values ? RV_OK : rv_fail_memory(context);
}

static rv_rows rows_of(const table *t)
{
    return (rv_rows){t->values, t->count, t->width};
}

static const table *real_of(const judge *j)
{
    return j->config->split == RV_SPLIT_TRAIN ? &j->train : &j->real;
}

static const table *held_out_of(const judge *j)
{
    return j->config->split == RV_SPLIT_TRAIN ? &j->held_out : &j->real;
}

/* ---- what is judged ---- */

static rv_status check_finite(const judge *j)
{
    char word[RV_SHELL_PATH];
    for (int64_t i = 0; i < j->images.count * j->images.width; i++)
        if (!isfinite(j->images.values[i]))
            return rv_fail(j->context, RV_NOT_FINITE,
                           "%s: sample %lld holds a value that is not finite; look at `reverie "
                           "figure %s curves`, and take an earlier --checkpoint",
                           j->run->folder, (long long)(i / j->images.width),
                           rv_shell_path(j->run->folder, word));
    return RV_OK;
}

static rv_status draw(judge *j)
{
    rv_model *model = j->run->model;
    int64_t count = j->config->count;
    table z;
    if (!rv_model_has(model, RV_DECODER))
        return rv_fail(j->context, RV_BAD_USAGE,
                       "model `%s` makes no images to judge; images of a file are judged with "
                       "--images FILE.npy",
                       model->kind->name);
    rv_notify(j->context, RV_LOG_INFO, "drawing %lld samples", (long long)count);
    rv_status status = new_table(j->context, count, model->kind->latent_width(model), &z);
    if (status == RV_OK)
        status = new_table(j->context, count, rv_data_width(model->sizes), &j->images);
    if (status == RV_OK)
        status = rv_view_prior(model, j->config->seed, count, z.values);
    if (status == RV_OK)
        status = rv_view_decode(model, z.values, count, j->images.values);
    rv_free(z.values);
    return status == RV_OK ? check_finite(j) : status;
}

static rv_status read_file(judge *j)
{
    rv_images images;
    rv_data_sizes sizes = rv_experiment_sizes(j->run);
    rv_status status = rv_images_load(j->context, j->config->images, sizes, &images);
    if (status != RV_OK)
        return status;
    int64_t most = j->config->count, count = most > 0 && most < images.count ? most : images.count;
    status = new_table(j->context, count, rv_data_width(sizes), &j->images);
    if (status == RV_OK)
        memcpy(j->images.values, images.values,
               (size_t)(count * j->images.width) * sizeof *images.values);
    rv_io_free(images.values);
    return status;
}

/* ---- features ---- */

static rv_status look_at(judge *j, table *features)
{
    rv_notify(j->context, RV_LOG_INFO, "features of %lld images", (long long)j->images.count);
    rv_status status = new_table(j->context, j->images.count,
                                 rv_classifier_feature_width(j->classifier), features);
    if (status != RV_OK)
        return status;
    return rv_classifier_features(j->classifier, j->images.values, j->images.count,
                                  features->values);
}

static rv_status look_at_split(judge *j, rv_split split, table *features)
{
    rv_source *source = rv_experiment_source(j->run, split);
    table slice = {0};
    if (!source)
        return rv_error_status(j->context);
    int64_t count = rv_source_describe(source)->count;
    rv_notify(j->context, RV_LOG_INFO, "features of %lld images of the %s split", (long long)count,
              rv_split_name(split));
    rv_status status =
        new_table(j->context, count, rv_classifier_feature_width(j->classifier), features);
    if (status == RV_OK)
        status = new_table(j->context, SLICE, rv_source_describe(source)->size, &slice);
    for (int64_t first = 0; status == RV_OK && first < count; first += SLICE) {
        int64_t n = count - first < SLICE ? count - first : SLICE;
        status = rv_source_fetch_range(source, first, n, 0, slice.values, NULL);
        if (status == RV_OK)
            status = rv_classifier_features(j->classifier, slice.values, n,
                                            features->values + first * features->width);
    }
    rv_free(slice.values);
    return status;
}

/* ---- the values ---- */

static rv_status measure_classes(judge *j)
{
    rv_judgement *out = j->out;
    int classes = out->classes = rv_classifier_classes(j->classifier);
    int64_t count = j->images.count;
    int32_t *labels = rv_malloc((size_t)count * sizeof *labels);
    table p;
    rv_status status = new_table(j->context, count, classes, &p);
    out->class_shares = rv_calloc((size_t)classes, sizeof *out->class_shares);
    out->class_names = rv_calloc((size_t)classes, sizeof *out->class_names);
    for (int k = 0; out->class_names && k < classes; k++)
        snprintf(out->class_names[k], sizeof *out->class_names, "%s",
                 rv_classifier_class(j->classifier, k));
    if (!labels || !out->class_shares || !out->class_names)
        status = rv_fail_memory(j->context);
    if (status == RV_OK)
        status = rv_classifier_probabilities(j->classifier, j->images.values, count, p.values);
    for (int64_t i = 0; status == RV_OK && i < count; i++) {
        const float *row = p.values + i * classes;
        labels[i] = rv_classifier_likeliest(j->classifier, row);
        out->confidence += (double)row[labels[i]] / (double)count;
    }
    if (status == RV_OK)
        status = rv_class_histogram(j->context, labels, count, classes, out->class_shares);
    if (status == RV_OK)
        out->class_entropy = rv_entropy(out->class_shares, classes);
    rv_free(labels);
    rv_free(p.values);
    return status;
}

/* Which rows: the `count` rows of part `part` when `parts` times as many are chosen evenly over the
 * table.  Sets are often sorted by how they were collected: the first rows would not do. */
typedef struct choice {
    int64_t count;
    int part, parts;
} choice;

static rv_status choose(rv_context *context, const table *from, choice c, table *out)
{
    int64_t wanted = c.count * c.parts;
    int64_t *chosen = rv_malloc((size_t)wanted * sizeof *chosen);
    rv_status status = new_table(context, c.count, from->width, out);
    if (!chosen)
        status = rv_fail_memory(context);
    if (status == RV_OK)
        rv_pick_evenly(from->count, (int)wanted, chosen);
    for (int64_t i = 0; status == RV_OK && i < c.count; i++)
        memcpy(out->values + i * from->width,
               from->values + chosen[i * c.parts + c.part] * from->width,
               (size_t)from->width * sizeof *out->values);
    rv_free(chosen);
    return status;
}

static int64_t least_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Sets of one size throughout: the distance is biased by the size. */
static rv_status compare(judge *j)
{
    rv_judgement *out = j->out;
    table made = {0}, real = {0}, other = {0};
    int parts = j->config->split == RV_SPLIT_TRAIN ? 2 : 1; /* both real sets from one split */
    int64_t n = least_of(j->made.count, least_of(real_of(j)->count, j->train.count) / parts);
    out->compared = n;
    out->real = real_of(j)->count;
    if (n <= RV_COVERAGE_NEIGHBOURS)
        return rv_fail(
            j->context, RV_BAD_USAGE,
            "%lld images can be compared, and %d are needed: %lld are judged, and of the "
            "real ones there are %lld, of training %lld",
            (long long)n, RV_COVERAGE_NEIGHBOURS + 1, (long long)j->made.count,
            (long long)real_of(j)->count, (long long)j->train.count);
    rv_notify(j->context, RV_LOG_INFO, "comparing %lld images with as many real ones",
              (long long)n);
    rv_status status = choose(j->context, &j->made, (choice){n, 0, 1}, &made);
    if (status == RV_OK)
        status = choose(j->context, real_of(j), (choice){n, 0, parts}, &real);
    if (status == RV_OK)
        status = choose(j->context, &j->train, (choice){n, parts - 1, parts}, &other);
    if (status == RV_OK)
        status =
            rv_frechet_distance(j->context, rows_of(&real), rows_of(&made), &out->frechet_distance);
    if (status == RV_OK)
        status =
            rv_frechet_distance(j->context, rows_of(&real), rows_of(&other), &out->frechet_floor);
    if (status == RV_OK)
        status = rv_coverage_scores(j->context, rows_of(&real), rows_of(&made),
                                    RV_COVERAGE_NEIGHBOURS, &out->scores);
    rv_free(made.values);
    rv_free(real.values);
    rv_free(other.values);
    return status;
}

static rv_status measure_nearest(judge *j)
{
    rv_notify(j->context, RV_LOG_INFO, "nearest neighbours among %lld training images",
              (long long)j->train.count);
    return rv_memorisation_measure(j->context, rows_of(&j->train), rows_of(held_out_of(j)),
                                   rows_of(&j->made), &j->out->nearest);
}

/* ---- pictures ---- */

/* The `count` generated images nearest to a training image, nearest first. */
static void find_nearest(const judge *j, int count, int64_t *chosen)
{
    for (int n = 0; n < count; n++) {
        int64_t best = -1;
        for (int64_t i = 0; i < j->made.count; i++) {
            int taken = 0;
            for (int k = 0; k < n; k++)
                taken |= chosen[k] == i;
            if (!taken && (best < 0 || j->distance[i] < j->distance[best]))
                best = i;
        }
        chosen[n] = best;
    }
}

/* Rows of up to 8 generated images, below each its training image. */
static rv_status lay_out(judge *j, const int64_t *chosen, int count)
{
    rv_grid_config grid = rv_grid_defaults();
    rv_source *train = rv_experiment_source(j->run, RV_SPLIT_TRAIN);
    int64_t width = j->images.width;
    int columns = count < COLUMNS ? count : COLUMNS, lines = 2 * ((count + columns - 1) / columns);
    float *cells = rv_malloc((size_t)(lines * columns * width) * sizeof *cells);
    rv_status status = cells ? RV_OK : rv_fail_memory(j->context);
    for (int64_t i = 0; cells && i < lines * columns * width; i++)
        cells[i] = j->run->model->sizes.low; /* cells of the last row without an image are black */
    for (int i = 0; status == RV_OK && i < count; i++) {
        float *cell = cells + (2 * (i / columns) * columns + i % columns) * width;
        memcpy(cell, j->images.values + chosen[i] * width, (size_t)width * sizeof *cell);
        status = rv_source_fetch(train, &j->nearest[chosen[i]], 1, 0, cell + columns * width, NULL);
    }
    grid.columns = columns;
    if (status == RV_OK)
        j->out->pictures = rv_grid(j->context, run_batch(j->run, cells, lines * columns), &grid);
    rv_free(cells);
    return status == RV_OK && !j->out->pictures ? rv_error_status(j->context) : status;
}

static rv_status draw_nearest(judge *j)
{
    int count = (int)least_of(j->config->pictures, j->made.count);
    if (count <= 0)
        return RV_OK;
    int64_t *chosen = rv_malloc((size_t)count * sizeof *chosen);
    j->nearest = rv_malloc((size_t)j->made.count * sizeof *j->nearest);
    j->distance = rv_malloc((size_t)j->made.count * sizeof *j->distance);
    rv_status status = chosen && j->nearest && j->distance
                           ? rv_nearest_rows(j->context, rows_of(&j->made), rows_of(&j->train), 1,
                                             j->nearest, j->distance)
                           : rv_fail_memory(j->context);
    if (status == RV_OK) {
        find_nearest(j, count, chosen);
        status = lay_out(j, chosen, count);
    }
    rv_free(chosen);
    return status;
}

/* ---- samples ---- */

static rv_status open_classifier(judge *j)
{
    const rv_experiment *run = j->run;
    rv_experiment_place place = {j->config->classifier, run->directories, run->directory_count};
    return rv_classifier_open(j->context, &place, "last", rv_experiment_sizes(j->run),
                              run->settings->data.name, &j->classifier);
}

static rv_status look_at_real(judge *j)
{
    rv_split split = j->config->split;
    rv_status status = look_at_split(j, RV_SPLIT_TRAIN, &j->train);
    if (status != RV_OK)
        return status;
    if (split == RV_SPLIT_TRAIN)
        return look_at_split(j, run_held_out(j->run), &j->held_out);
    return look_at_split(j, split, &j->real);
}

/* The files are looked at before the long parts begin. */
static rv_status judge_images(judge *j)
{
    rv_split split = j->config->split;
    rv_status status = open_classifier(j);
    if (status == RV_OK &&
        (!rv_experiment_source(j->run, RV_SPLIT_TRAIN) || !rv_experiment_source(j->run, split)))
        status = rv_error_status(j->context);
    if (status == RV_OK && !j->config->images && j->run->settings->data.pixels != RV_PIXELS_GRAY)
        rv_notify(j->context, RV_LOG_WARNING,
                  "the real images are of %s pixels, and the samples are means: they differ "
                  "whatever the model",
                  rv_pixels_name(j->run->settings->data.pixels));
    if (status == RV_OK)
        status = j->config->images ? read_file(j) : draw(j);
    j->out->images = j->images.count;
    if (status == RV_OK)
        status = look_at(j, &j->made);
    if (status == RV_OK)
        status = measure_classes(j);
    if (status == RV_OK)
        status = look_at_real(j);
    if (status == RV_OK)
        status = compare(j);
    if (status == RV_OK)
        status = measure_nearest(j);
    return status == RV_OK ? draw_nearest(j) : status;
}

/* ---- encodings ---- */

/* What of the encoder: z itself, or the features that its last layer makes z of. */
typedef enum encoding { CODES, FEATURES } encoding;

static rv_status encode_codes(judge *j, rv_split split, int64_t count, table *out)
{
    table deviations = {0};
    int64_t width = j->run->model->kind->latent_width(j->run->model);
    rv_status status = new_table(j->context, count, width, out);
    if (status == RV_OK)
        status = new_table(j->context, count, width, &deviations);
    if (status == RV_OK)
        status = rv_experiment_encode(j->run, split, count, out->values, deviations.values);
    rv_free(deviations.values);
    return status;
}

static rv_status encode_features(judge *j, rv_source *source, int64_t count, table *out)
{
    enum { AT_ONCE = 6000 };
    rv_model *model = j->run->model;
    table images = {0};
    int64_t width = rv_view_feature_width(model);
    rv_status status =
        width > 0 ? new_table(j->context, count, width, out) : rv_error_status(j->context);
    if (status == RV_OK)
        status = new_table(j->context, count < AT_ONCE ? count : AT_ONCE,
                           rv_data_width(model->sizes), &images);
    for (int64_t first = 0; status == RV_OK && first < count; first += AT_ONCE) {
        int64_t n = count - first < AT_ONCE ? count - first : AT_ONCE;
        status = rv_source_fetch_range(source, first, n, 0, images.values, NULL);
        if (status == RV_OK)
            status = rv_view_features(model, images.values, n, out->values + first * width);
    }
    rv_free(images.values);
    return status;
}

/* The encodings of a split with their labels, in memory of ours. */
static rv_status encode_split(judge *j, rv_split split, encoding what, table *out, int32_t **labels)
{
    rv_source *source = rv_experiment_source(j->run, split);
    if (!source)
        return rv_error_status(j->context);
    const rv_source_info *info = rv_source_describe(source);
    if (info->class_count == 0)
        return rv_fail(j->context, RV_BAD_USAGE,
                       "the images of `%s` have no labels: encodings cannot be judged by them",
                       info->name);
    rv_notify(j->context, RV_LOG_INFO, "%s of %lld images of the %s split",
              what == CODES ? "encodings" : "the encoder's features", (long long)info->count,
              rv_split_name(split));
    *labels = rv_malloc((size_t)info->count * sizeof **labels);
    rv_status status = *labels ? RV_OK : rv_fail_memory(j->context);
    if (status == RV_OK)
        status = what == CODES ? encode_codes(j, split, info->count, out)
                               : encode_features(j, source, info->count, out);
    for (int64_t i = 0; status == RV_OK && i < info->count; i++)
        (*labels)[i] = rv_source_label(source, i);
    return status;
}

/* Donahue et al. 2017, section 4.2: the class of the nearest training image. */
static rv_status judge_encodings(judge *j, encoding what, double *accuracy)
{
    table train = {0}, real = {0};
    int32_t *train_labels = NULL, *real_labels = NULL;
    rv_status status = encode_split(j, RV_SPLIT_TRAIN, what, &train, &train_labels);
    if (status == RV_OK)
        status = encode_split(j, j->config->split, what, &real, &real_labels);
    if (status == RV_OK)
        status = rv_nearest_accuracy(j->context, (rv_labelled_rows){rows_of(&train), train_labels},
                                     (rv_labelled_rows){rows_of(&real), real_labels}, accuracy);
    rv_free(train.values);
    rv_free(real.values);
    rv_free(train_labels);
    rv_free(real_labels);
    return status;
}

static rv_status judge_encoder(judge *j)
{
    if (j->config->split == RV_SPLIT_TRAIN)
        return rv_fail(j->context, RV_BAD_USAGE,
                       "the encoder is judged by the nearest training image, which of the "
                       "training split is the image itself; choose test or validation");
    rv_status status = judge_encodings(j, CODES, &j->out->nearest_neighbour_codes);
    if (status == RV_OK && rv_model_has(j->run->model, RV_FEATURES))
        status = judge_encodings(j, FEATURES, &j->out->nearest_neighbour_features);
    return status;
}

/* ---- all of it ---- */

static void close_judge(judge *j)
{
    rv_classifier_free(j->classifier);
    rv_free(j->images.values);
    rv_free(j->made.values);
    rv_free(j->real.values);
    rv_free(j->train.values);
    rv_free(j->held_out.values);
    rv_free(j->nearest);
    rv_free(j->distance);
}

static rv_status check_config(const judge *j, int has_encoder)
{
    const rv_judge_config *config = j->config;
    if (!config->classifier && (config->images || !has_encoder))
        return rv_fail(j->context, RV_BAD_USAGE,
                       "images are judged in the features of a classifier: train one with "
                       "`reverie train classifier-cnn --run runs/judge`, then evaluate with "
                       "--classifier runs/judge");
    if (!config->images && config->classifier && config->count < 1)
        return rv_fail(j->context, RV_BAD_USAGE, "%lld samples cannot be judged",
                       (long long)config->count);
    return RV_OK;
}

rv_status rv_experiment_judge(rv_experiment *run, const rv_judge_config *config, rv_judgement **out)
{
    judge j = {.run = run, .context = run->context, .config = config};
    const rv_model_kind *kind = run->model->kind;
    int has_encoder = rv_model_kind_has(kind, RV_ENCODER) &&
                      !rv_model_kind_has(kind, RV_EVALUATION) && !config->images;
    *out = NULL;
    rv_status status = check_config(&j, has_encoder);
    if (status != RV_OK)
        return status;
    j.out = rv_calloc(1, sizeof *j.out);
    if (!j.out)
        return rv_fail_memory(run->context);
    j.out->split = config->split;
    j.out->nearest_neighbour_codes = j.out->nearest_neighbour_features = NAN;
    if (config->classifier)
        status = judge_images(&j);
    if (status == RV_OK && has_encoder)
        status = judge_encoder(&j);
    close_judge(&j);
    if (status != RV_OK) {
        rv_judgement_free(j.out);
        return status;
    }
    *out = j.out;
    return RV_OK;
}

void rv_judgement_free(rv_judgement *judgement)
{
    if (!judgement)
        return;
    rv_free(judgement->class_shares);
    rv_free(judgement->class_names);
    rv_image_free(judgement->pictures);
    rv_free(judgement);
}
