/* Judges a run without a likelihood: compares its samples with real images, in the features of a
 * classifier, and its encoder by the nearest neighbour of an encoding. */
#include "judge/encodings.h"

#include "core/memory.h"
#include "reverie/io.h"

#include <math.h>
#include <string.h>

enum { SLICE = 1024, COLUMNS = 8 };

typedef struct judge {
    rv_experiment *run;
    rv_context *context;
    const rv_judge_config *config;
    rv_judgement *out;
    rv_classifier *classifier;
    table images;                      /* generated, pixels */
    table made, real, train, held_out; /* features; real is empty for the training split, held_out
                                            for the others: see real_of and held_out_of */
    int64_t *nearest; /* [made.count] the index of the nearest training image, for pictures */
    double *distance; /* [made.count] its distance */
} judge;

rv_judge_config rv_judge_defaults(void)
{
    return (rv_judge_config){.split = RV_SPLIT_TEST, .count = 10000, .seed = 1};
}

static const table *real_of(const judge *j)
{
    return j->config->split == RV_SPLIT_TRAIN ? &j->train : &j->real;
}

static const table *held_out_of(const judge *j)
{
    return j->config->split == RV_SPLIT_TRAIN ? &j->held_out : &j->real;
}

/* ---- the judged images ---- */

static rv_status check_finite(const judge *j)
{
    for (int64_t i = 0; i < j->images.count * j->images.width; i++)
        if (!isfinite(j->images.values[i]))
            return rv_fail(j->context, RV_NOT_FINITE,
                           "%s: sample %lld holds a value that is not finite; look at the curves "
                           "of its training, and take an earlier checkpoint",
                           j->run->folder, (long long)(i / j->images.width));
    return RV_OK;
}

static rv_status draw(judge *j)
{
    rv_model *model = j->run->model;
    int64_t count = j->config->count;
    if (!rv_model_has(model, RV_DECODER) && !rv_model_has(model, RV_SAMPLER))
        return rv_fail(j->context, RV_BAD_USAGE,
                       "model `%s` makes no images to judge; images of a file can be judged",
                       model->kind->name);
    rv_notify(j->context, RV_LOG_INFO, "drawing %lld samples", (long long)count);
    rv_status status = table_new(j->context, count, rv_data_width(model->sizes), &j->images);
    if (status == RV_OK)
        status = rv_view_generate(model, j->config->seed, count, j->images.values);
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
    status = table_new(j->context, count, rv_data_width(sizes), &j->images);
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
    rv_status status = table_new(j->context, j->images.count,
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
        table_new(j->context, count, rv_classifier_feature_width(j->classifier), features);
    if (status == RV_OK)
        status = table_new(j->context, SLICE, rv_source_describe(source)->size, &slice);
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

/* The classes in lines of five, with the classifier's names. */
static void add_shares(judge *j, const double *shares, int classes)
{
    rv_values *values = &j->out->images;
    for (int first = 0; first < classes; first += 5) {
        const char *line = "";
        for (int k = first; k < classes && k < first + 5; k++)
            line = rv_values_text(values, "%s %.31s: %.3f", line,
                                  rv_classifier_class(j->classifier, k), shares[k]);
        rv_values_line(values, "  %-18s%s", first == 0 ? "class_shares" : "", line);
    }
}

static void add_classes(judge *j, const double *shares, double confidence)
{
    rv_values *values = &j->out->images;
    int classes = rv_classifier_classes(j->classifier);
    double most = log((double)classes);
    rv_values_add(
        values, "class_entropy", rv_entropy(shares, classes), RV_UNIT_NONE,
        rv_values_text(values, "of the classes the classifier sees, nats; at most %.4f", most));
    rv_values_fact(values, "class_entropy_most", most);
    rv_values_numbers(values, "class_shares", shares, classes);
    rv_values_add(values, "confidence", confidence, RV_UNIT_SHARE,
                  "mean probability of the likeliest class");
    add_shares(j, shares, classes);
}

static rv_status measure_classes(judge *j)
{
    int classes = rv_classifier_classes(j->classifier);
    int64_t count = j->images.count;
    double confidence = 0, *shares = rv_calloc((size_t)classes, sizeof *shares);
    int32_t *labels = rv_malloc((size_t)count * sizeof *labels);
    table p;
    rv_status status = table_new(j->context, count, classes, &p);
    if (!labels || !shares)
        status = rv_fail_memory(j->context);
    if (status == RV_OK)
        status = rv_classifier_probabilities(j->classifier, j->images.values, count, p.values);
    for (int64_t i = 0; status == RV_OK && i < count; i++) {
        const float *row = p.values + i * classes;
        labels[i] = rv_classifier_likeliest(j->classifier, row);
        confidence += (double)row[labels[i]] / (double)count;
    }
    if (status == RV_OK)
        status = rv_class_histogram(j->context, labels, count, classes, shares);
    if (status == RV_OK)
        add_classes(j, shares, confidence);
    rv_free(labels);
    rv_free(shares);
    rv_free(p.values);
    return status;
}

/* A selection: the `count` rows of part `part` when `parts` times as many are chosen evenly over
 * the table.  Data sets are often sorted: the first rows would be a biased sample. */
typedef struct choice {
    int64_t count;
    int part, parts;
} choice;

static rv_status choose(rv_context *context, const table *from, choice c, table *out)
{
    int64_t wanted = c.count * c.parts;
    int64_t *chosen = rv_malloc((size_t)wanted * sizeof *chosen);
    rv_status status = table_new(context, c.count, from->width, out);
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

/* A distance depends on the number of images, and on their selection. */
static void add_which(judge *j, int64_t n)
{
    rv_values *values = &j->out->images;
    int64_t judged = j->images.count, real = real_of(j)->count;
    const char *of_judged = "", *of_real = "";
    if (n < judged)
        of_judged = rv_values_text(values, "compared are %lld of the %lld images judged",
                                   (long long)n, (long long)judged);
    if (n < real)
        of_real = rv_values_text(values, "%s %lld of the %lld real images of %s",
                                 n < judged ? ", and" : "compared with are", (long long)n,
                                 (long long)real, rv_split_name(j->config->split));
    if (n < judged || n < real)
        rv_values_line(values, "  %s%s, spread evenly over the set", of_judged, of_real);
}

/* Three sets of one size: the distance is biased by the size. */
static rv_status measure_distances(judge *j, rv_rows made, rv_rows real, rv_rows other)
{
    double distance, floor;
    rv_coverage scores;
    rv_values *values = &j->out->images;
    rv_status status = rv_frechet_distance(j->context, real, made, &distance);
    if (status == RV_OK)
        status = rv_frechet_distance(j->context, real, other, &floor);
    if (status == RV_OK)
        status = rv_coverage_scores(j->context, real, made, RV_COVERAGE_NEIGHBOURS, &scores);
    if (status != RV_OK)
        return status;
    rv_values_add(values, "frechet_distance", distance, RV_UNIT_NONE,
                  rv_values_text(values, "Frechet, %lld images to as many of %s; 0 is best",
                                 (long long)made.count, rv_split_name(j->config->split)));
    rv_values_add(values, "frechet_floor", floor, RV_UNIT_NONE,
                  "the same of as many other real images: what can be reached");
    add_which(j, made.count);
    rv_values_add(values, "precision", scores.precision, RV_UNIT_SHARE,
                  "share of images that are like real ones");
    rv_values_add(values, "recall", scores.recall, RV_UNIT_SHARE,
                  "share of real images that are like these");
    rv_values_add(values, "density", scores.density, RV_UNIT_NONE,
                  "how many real images each is like; about 1, more where they are copies of real "
                  "ones");
    rv_values_add(values, "coverage", scores.coverage, RV_UNIT_SHARE,
                  "share of real images with one of these near");
    return RV_OK;
}

static rv_status compare(judge *j)
{
    table made = {0}, real = {0}, other = {0};
    int parts = j->config->split == RV_SPLIT_TRAIN ? 2 : 1; /* both real sets from one split */
    int64_t n = least_of(j->made.count, least_of(real_of(j)->count, j->train.count) / parts);
    rv_values_count(&j->out->images, "compared", n);
    rv_values_count(&j->out->images, "real_images", real_of(j)->count);
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
        status = measure_distances(j, rows_of(&made), rows_of(&real), rows_of(&other));
    rv_free(made.values);
    rv_free(real.values);
    rv_free(other.values);
    return status;
}

static rv_status measure_nearest(judge *j)
{
    rv_memorisation found;
    rv_values *values = &j->out->images;
    rv_split split = j->config->split;
    rv_notify(j->context, RV_LOG_INFO, "nearest neighbours among %lld training images",
              (long long)j->train.count);
    rv_status status = rv_memorisation_measure(j->context, rows_of(&j->train),
                                               rows_of(held_out_of(j)), rows_of(&j->made), &found);
    if (status != RV_OK)
        return status;
    rv_values_add(
        values, "nearest_median", found.generated_median, RV_UNIT_NONE,
        rv_values_text(values, "distance to the nearest training image, median; %.4f from %s",
                       found.held_out_median,
                       split == RV_SPLIT_TRAIN ? "held-out images" : rv_split_name(split)));
    rv_values_fact(values, "nearest_held_out_median", found.held_out_median);
    rv_values_fact(values, "nearest_limit", found.near_limit);
    rv_values_add(values, "nearest_share", found.near_share, RV_UNIT_SHARE,
                  "share nearer than 99% of real ones; copies when far above 0.01");
    rv_values_add(values, "nearest_odds", found.nearer_odds, RV_UNIT_SHARE,
                  "chance to be nearer than a real one; copies when far above 0.5");
    return RV_OK;
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
    rv_source *train = rv_experiment_source(j->run, RV_SPLIT_TRAIN);
    int64_t width = j->images.width;
    int columns = count < COLUMNS ? count : COLUMNS, lines = 2 * ((count + columns - 1) / columns);
    float *cells = rv_malloc((size_t)(lines * columns * width) * sizeof *cells);
    rv_status status = cells ? RV_OK : rv_fail_memory(j->context);
    for (int64_t i = 0; cells && i < lines * columns * width; i++)
        cells[i] = j->run->model->sizes.low; /* empty cells of the last row are black */
    for (int i = 0; status == RV_OK && i < count; i++) {
        float *cell = cells + (2 * (i / columns) * columns + i % columns) * width;
        memcpy(cell, j->images.values + chosen[i] * width, (size_t)width * sizeof *cell);
        status = rv_source_fetch(train, &j->nearest[chosen[i]], 1, 0, cell + columns * width, NULL);
    }
    if (status == RV_OK)
        j->out->pictures = run_grid(j->run, cells, lines * columns, columns);
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
        return look_at_split(j, run_held_out(j->run->settings), &j->held_out);
    return look_at_split(j, split, &j->real);
}

/* Opens the files before the long computations begin. */
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
    rv_value *head = rv_values_line(&j->out->images, "%lld images; features of the classifier %s",
                                    (long long)j->images.count, j->config->classifier);
    head->name_width = 18;
    head->number_width = 9;
    rv_values_count(&j->out->images, "images", j->images.count);
    rv_values_word(&j->out->images, "classifier", j->config->classifier);
    if (status == RV_OK)
        status = look_at(j, &j->made);
    if (status == RV_OK)
        status = look_at_real(j);
    if (status == RV_OK)
        status = compare(j);
    if (status == RV_OK)
        status = measure_classes(j);
    if (status == RV_OK)
        status = measure_nearest(j);
    return status == RV_OK ? draw_nearest(j) : status;
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
                       "images are judged in the features of a classifier: train one, and "
                       "name its run");
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
    j.out->encodings = j.out->images = rv_values_of(run->context);
    rv_values_word(&j.out->encodings, "split", rv_split_name(config->split));
    rv_value *head = rv_values_line(&j.out->encodings, "%s split", rv_split_name(config->split));
    head->name_width = 26;
    head->number_width = 6;
    if (config->classifier)
        status = judge_images(&j);
    if (status == RV_OK && has_encoder)
        status = judge_encodings(run, config->split, &j.out->encodings);
    if (status == RV_OK)
        status = rv_error_status(run->context);
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
    rv_values_free(&judgement->encodings);
    rv_values_free(&judgement->images);
    rv_image_free(judgement->pictures);
    rv_free(judgement);
}
