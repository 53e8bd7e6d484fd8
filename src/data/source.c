/* Opening one split of a data set, and fetching its images as floats. */
#include "data/source.h"

#include "core/fork.h"
#include "core/text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

rv_data_config rv_data_defaults(void)
{
    return (rv_data_config){
        .name = "digits", .seed = 1, .pixels = RV_PIXELS_GRAY, .range = RV_RANGE_UNIT, .batch = 64};
}

const char *rv_split_name(rv_split split)
{
    switch (split) {
    case RV_SPLIT_TRAIN: return "train";
    case RV_SPLIT_VALIDATION: return "validation";
    case RV_SPLIT_TEST: return "test";
    }
    return "unknown";
}

const char *rv_pixels_name(rv_pixels pixels)
{
    switch (pixels) {
    case RV_PIXELS_GRAY: return "gray";
    case RV_PIXELS_STATIC: return "static";
    case RV_PIXELS_DYNAMIC: return "dynamic";
    case RV_PIXELS_THRESHOLD: return "threshold";
    }
    return "unknown";
}

const char *rv_range_name(rv_range range)
{
    switch (range) {
    case RV_RANGE_UNIT: return "[0,1]";
    case RV_RANGE_SIGNED: return "[-1,1]";
    }
    return "unknown";
}

/* A place, what was asked of it, and what is there. */
typedef struct found_data {
    rv_data_place place;
    rv_data_question question;
    rv_data_files files;
} found_data;

static rv_status check_normalize(rv_context *context, const rv_data_config *config)
{
    const rv_data_numbers *numbers = &config->normalize;
    if (numbers->count == 0)
        return RV_OK;
    if (numbers->count != 2 || !isfinite(numbers->value[0]) || !isfinite(numbers->value[1]) ||
        numbers->value[1] <= 0)
        return rv_fail(context, RV_BAD_USAGE,
                       "data.normalize takes two numbers, a mean and a deviation above zero, "
                       "as in [0.1307, 0.3081]");
    if (config->range != RV_RANGE_UNIT)
        return rv_fail(context, RV_BAD_USAGE,
                       "data.normalize and data.range=[-1,1] exclude each other: choose one");
    if (config->pixels != RV_PIXELS_GRAY)
        return rv_fail(context, RV_BAD_USAGE,
                       "data.normalize needs data.pixels=gray, not %s: normalised binary pixels "
                       "are no longer 0 and 1",
                       rv_pixels_name(config->pixels));
    return RV_OK;
}

/* Both make real numbers of grey pixels. */
static rv_status check_dequantise(rv_context *context, const rv_data_config *config)
{
    const char *what = config->dequantise ? "data.dequantise" : "data.logit";
    if (!config->dequantise && config->logit == 0)
        return RV_OK;
    /* below 1e-12 the logit of white is not far from infinite */
    if (!(config->logit == 0 || (config->logit >= 1e-12 && config->logit < 0.5)))
        return rv_fail(context, RV_BAD_USAGE,
                       "data.logit=%g: it is 0, or from 1e-12 to below 0.5, as 1e-6",
                       config->logit);
    if (config->pixels != RV_PIXELS_GRAY || config->range != RV_RANGE_UNIT ||
        config->normalize.count > 0)
        return rv_fail(context, RV_BAD_USAGE,
                       "%s takes gray pixels in [0,1]: leave data.pixels, data.range and "
                       "data.normalize as they are",
                       what);
    return RV_OK;
}

static rv_status check_range_of_values(rv_context *context, const rv_data_config *config)
{
    const rv_data_numbers *values = &config->values;
    if (values->count == 0 || (values->count == 2 && isfinite(values->value[0]) &&
                               isfinite(values->value[1]) && values->value[0] < values->value[1]))
        return RV_OK;
    return rv_fail(context, RV_BAD_USAGE,
                   "data.values takes two numbers, what black and white are in the file, the lower "
                   "first, as in [0,255] or [-1,1]");
}

static rv_status check_config(rv_context *context, const rv_data_config *config, rv_split split)
{
    if (!config->name || !config->name[0])
        return rv_fail(context, RV_BAD_USAGE, "data.name is empty; data.name=digits always works");
    if (strcmp(rv_split_name(split), "unknown") == 0)
        return rv_fail(context, RV_BAD_USAGE, "split %d is not train, validation or test",
                       (int)split);
    if (strcmp(rv_pixels_name(config->pixels), "unknown") == 0)
        return rv_fail(context, RV_BAD_USAGE,
                       "data.pixels is not one of gray, static, dynamic, threshold");
    if (strcmp(rv_range_name(config->range), "unknown") == 0)
        return rv_fail(context, RV_BAD_USAGE, "data.range is not one of [0,1], [-1,1]");
    if (config->limit < 0)
        return rv_fail(context, RV_BAD_USAGE, "data.limit=%lld is below zero (0 keeps all)",
                       (long long)config->limit);
    if (config->validation < 0)
        return rv_fail(context, RV_BAD_USAGE, "data.validation=%lld is below zero (0 is none)",
                       (long long)config->validation);
    if (config->batch < 1)
        return rv_fail(context, RV_BAD_USAGE, "data.batch=%lld is below 1",
                       (long long)config->batch);
    if (config->labels < 0 || config->labelled_batch < 0)
        return rv_fail(context, RV_BAD_USAGE,
                       "data.labels=%lld, data.labelled_batch=%lld: neither may be below zero",
                       (long long)config->labels, (long long)config->labelled_batch);
    rv_status status = check_range_of_values(context, config);
    if (status == RV_OK)
        status = check_dequantise(context, config);
    return status == RV_OK ? check_normalize(context, config) : status;
}

/* A setting that fits values of [least,most], of three digits: rounded outwards. */
static void say_remedy(float least, float most, char text[96])
{
    double size = fmax(fabs((double)least), fabs((double)most));
    double unit = pow(10, floor(log10(fmax(size, (double)FLT_MIN))) - 2);
    if (least >= 0 && most > 1 && most <= 255)
        snprintf(text, 96, "if they are 0 to 255: data.values=[0,255]");
    else if (least >= -1 && most <= 1)
        snprintf(text, 96, "if they are in [-1,1]: data.values=[-1,1]");
    else
        rv_text_format(text, 96, "say what black and white are: data.values=[%.9g,%.9g]",
                       unit * floor((double)least / unit), unit * ceil((double)most / unit));
}

static void range_of(const rv_rows *rows, float *least, float *most)
{
    *least = INFINITY;
    *most = -INFINITY;
    for (int64_t i = 0; i < rows->count * rows->size; ++i) {
        *least = fminf(*least, rows->values[i]);
        *most = fmaxf(*most, rows->values[i]);
    }
}

/* Values outside [low,high].  What the message advises must fit the other splits, too: all rows of
 * the file are read. */
static rv_status fail_range(rv_context *context, const found_data *found, const rv_source *source,
                            float low, float high)
{
    char remedy[96];
    float least, most;
    const rv_data_files *files = &found->files;
    rv_rows all = {.question = found->question, .count = files->count, .size = source->info.size};
    uint32_t *numbers = rv_malloc((size_t)all.count * sizeof *numbers);
    for (int64_t i = 0; numbers && i < all.count; ++i)
        numbers[i] = (uint32_t)i;
    all.numbers = numbers;
    rv_status status =
        numbers ? found->place.kind->read(context, files, &all) : rv_fail_memory(context);
    if (status == RV_OK) {
        range_of(&all, &least, &most);
        say_remedy(least, most, remedy);
        status =
            rv_fail(context, RV_BAD_FILE,
                    "%s: holds values from %.9g to %.9g, where black is %g and white %g; %s",
                    source->path, (double)least, (double)most, (double)low, (double)high, remedy);
    }
    rv_rows_free(&all);
    rv_free(numbers);
    return status;
}

static rv_status check_finite(rv_context *context, const rv_source *source)
{
    int64_t count = source->info.count * source->info.size;
    for (int64_t i = 0; source->rows.values && i < count; ++i)
        if (!isfinite(source->rows.values[i]))
            return rv_fail(context, RV_BAD_FILE, "%s: %s %lld holds a value that is not finite",
                           source->path, source->info.are_points ? "point" : "image",
                           (long long)source->numbers[i / source->info.size]);
    return RV_OK;
}

/* Floats have no natural range: data.values gives black and white, default [0,1].  Values slightly
 * outside by rounding are accepted. */
static rv_status check_values(rv_context *context, const rv_data_config *config,
                              const found_data *found, rv_source *source)
{
    int given = config->values.count == 2;
    float low = given ? (float)config->values.value[0] : 0;
    float high = given ? (float)config->values.value[1] : 1;
    float least, most, slack = 1e-4f * (high - low);
    int64_t count = source->info.count * source->info.size;
    if (source->rows.values && config->dequantise)
        return rv_fail(context, RV_BAD_USAGE,
                       "data.dequantise is for images of bytes; %s holds floats or integers",
                       source->path);
    if (!source->rows.values && given)
        return rv_fail(
            context, RV_BAD_USAGE,
            "data.values is for an .npy file of floats or integers; the pixels of %s are "
            "bytes, 0 to 255",
            source->path);
    if (!source->rows.values)
        return RV_OK;
    rv_status status = check_finite(context, source);
    if (status != RV_OK)
        return status;
    range_of(&source->rows, &least, &most);
    if (least < low - slack || most > high + slack)
        return fail_range(context, found, source, low, high);
    for (int64_t i = 0; i < count; ++i)
        source->rows.values[i] = fminf(fmaxf((source->rows.values[i] - low) / (high - low), 0), 1);
    return RV_OK;
}

/* Points are taken as they are: what is of pixels cannot be asked for. */
static rv_status check_points(rv_context *context, const rv_data_config *config,
                              const rv_source *source)
{
    if (config->pixels == RV_PIXELS_GRAY && config->range == RV_RANGE_UNIT &&
        config->normalize.count == 0 && config->values.count == 0 && !config->dequantise &&
        config->logit == 0)
        return check_finite(context, source);
    return rv_fail(context, RV_BAD_USAGE,
                   "data.name=%s: data.pixels, data.range, data.normalize, data.values, "
                   "data.dequantise and data.logit are of images, and these "
                   "are points of the plane: leave them out",
                   config->name);
}

static rv_status describe(rv_context *context, const rv_data_config *config,
                          const rv_data_files *files, rv_source *source)
{
    rv_source_info *info = &source->info;
    source->name = rv_strdup(config->name);
    source->path = rv_strdup(files->path);
    if (!source->name || !source->path)
        return rv_fail_memory(context);
    info->name = source->name;
    info->path = source->path;
    info->pixels = config->pixels;
    info->range = config->range;
    info->height = files->height;
    info->width = files->width;
    info->channels = files->channels;
    info->are_points = files->are_points;
    info->energy = files->energy;
    info->entropy = files->entropy;
    info->dequantised = config->dequantise;
    info->logit = config->logit;
    info->size = (int64_t)files->height * files->width * files->channels;
    info->seed = config->seed;
    info->batch = config->batch;
    info->labels = config->labels;
    info->labelled_batch = config->labelled_batch;
    return RV_OK;
}

/* The classes are those of the training images; a set with only test images has its own classes. */
static rv_status find_classes(rv_context *context, const rv_data_config *config,
                              const rv_data_place *place, const rv_data_files *files,
                              rv_source *source)
{
    rv_data_files training = {0};
    rv_data_question question = {RV_PART_TRAIN, 1, config->seed};
    if (source->info.split != RV_SPLIT_TEST || !files->labels || place->kind->built_in)
        return rv_data_classes_find(context, config, files, source);
    rv_status status = rv_data_look(context, place, question, &training);
    if (status != RV_OK && training.absent) {
        rv_error_clear(context);
        status = RV_OK;
    }
    if (status == RV_OK)
        status = rv_data_classes_find(context, config, training.labels ? &training : files, source);
    rv_data_files_free(&training);
    return status;
}

static rv_status read_images(rv_context *context, const rv_data_place *place,
                             const rv_data_files *files, rv_data_question question,
                             rv_source *source)
{
    source->rows = (rv_rows){.question = question,
                             .count = source->info.count,
                             .size = source->info.size,
                             .numbers = source->numbers,
                             .labels = source->labels,
                             .class_label = source->class_label};
    return place->kind->read(context, files, &source->rows);
}

static rv_status fill_source(rv_context *context, const rv_data_config *config, rv_source *source)
{
    rv_part part = source->info.split == RV_SPLIT_TEST ? RV_PART_TEST : RV_PART_TRAIN;
    found_data found = {.question = {part, 1, config->seed}};
    rv_data_place *place = &found.place;
    rv_data_files *files = &found.files;
    rv_status status = rv_data_find(context, config, place);
    if (status == RV_OK)
        status = rv_data_look(context, place, found.question, files);
    if (status == RV_OK && config->values.count > 0 && !place->kind->built_in)
        files->are_points = 0; /* pixels, which have a black and a white */
    if (status == RV_OK)
        status = describe(context, config, files, source);
    if (status == RV_OK)
        status = find_classes(context, config, place, files, source);
    if (status == RV_OK)
        status = rv_data_select(context, config, files, source);
    if (status == RV_OK)
        status = rv_data_classes_number(context, source);
    if (status == RV_OK)
        status = read_images(context, place, files, found.question, source);
    if (status == RV_OK)
        status = files->are_points ? check_points(context, config, source)
                                   : check_values(context, config, &found, source);
    if (status == RV_OK)
        status = rv_data_say_missing(context, config, files, source);
    if (status == RV_OK) {
        rv_data_say_constant(context, source);
        rv_data_fingerprint(source);
    }
    source->rule = rv_pixel_rule_make(config, part == RV_PART_TEST ? "test" : "train");
    source->info.low = source->rule.black;
    source->info.high = source->rule.white;
    source->place = place->path;
    source->info.place = place->path;
    rv_data_files_free(files);
    return status;
}

rv_status rv_source_open(rv_context *context, const rv_data_config *config, rv_split split,
                         rv_source **source)
{
    *source = NULL;
    if (check_config(context, config, split) != RV_OK)
        return RV_BAD_USAGE;
    rv_source *made = rv_calloc(1, sizeof *made);
    if (!made || pthread_mutex_init(&made->lock, NULL) != 0) {
        rv_free(made);
        return rv_fail_memory(context);
    }
    made->context = context;
    made->generation = rv_fork_generation();
    made->info.split = split;
    rv_status status = fill_source(context, config, made);
    if (status == RV_OK)
        *source = made;
    else
        rv_source_free(made);
    return status;
}

void rv_source_free(rv_source *source)
{
    if (!source)
        return;
    rv_source_renew(source);
    pthread_mutex_destroy(&source->lock);
    rv_free(source->name);
    rv_free(source->path);
    rv_free(source->place);
    rv_data_classes_free(source);
    rv_rows_free(&source->rows);
    rv_free(source->labels);
    rv_free(source->numbers);
    rv_free(source);
}

const rv_source_info *rv_source_describe(const rv_source *source)
{
    return &source->info;
}

int32_t rv_source_label(const rv_source *source, int64_t index)
{
    if (!source->labels || index < 0 || index >= source->info.count)
        return -1;
    return source->labels[index];
}

/* An incomplete row is made again. */
void rv_source_renew(rv_source *source)
{
    if (source->generation == rv_fork_generation())
        return;
    pthread_mutex_init(&source->lock, NULL);
    source->generation = rv_fork_generation();
}

/* Makes the row unless it exists: the flag is checked again under the lock. */
static void ensure_row(rv_source *source, int64_t index)
{
    const rv_rows *rows = &source->rows;
    if (!rows->made || atomic_load_explicit(&rows->made[index], memory_order_acquire))
        return;
    rv_source_renew(source);
    pthread_mutex_lock(&source->lock);
    if (!atomic_load_explicit(&rows->made[index], memory_order_relaxed)) {
        rows->make(rows, index, rows->bytes + index * rows->size);
        atomic_store_explicit(&rows->made[index], 1, memory_order_release);
    }
    pthread_mutex_unlock(&source->lock);
}

void rv_source_rows(rv_source *source, const int64_t *indices, int64_t count, int64_t epoch,
                    float *images, int32_t *labels)
{
    const rv_rows *rows = &source->rows;
    int64_t size = rows->size;
    int64_t draw = source->info.split == RV_SPLIT_TRAIN ? epoch : RV_DRAWN_ONCE;
    for (int64_t i = 0; i < count; ++i) {
        int64_t at = indices[i];
        ensure_row(source, at);
        if (rows->bytes)
            rv_pixels_from_bytes(&source->rule, rows->bytes + at * size, size, rows->numbers[at],
                                 draw, images + i * size);
        else
            rv_pixels_from_values(&source->rule, rows->values + at * size, size, rows->numbers[at],
                                  draw, images + i * size);
        if (labels)
            labels[i] = source->labels ? source->labels[at] : -1;
    }
}

static rv_status check_count(rv_context *context, int64_t count)
{
    if (count >= 0)
        return RV_OK;
    return rv_fail(context, RV_BAD_USAGE, "%lld images: the number is below zero",
                   (long long)count);
}

rv_status rv_source_check(rv_context *context, const rv_source *source, const int64_t *indices,
                          int64_t count)
{
    if (check_count(context, count) != RV_OK)
        return RV_BAD_USAGE;
    for (int64_t i = 0; i < count; ++i)
        if (indices[i] < 0 || indices[i] >= source->info.count)
            return rv_fail(context, RV_BAD_USAGE,
                           "image %lld is outside the %s split of %s, which has %lld",
                           (long long)indices[i], rv_split_name(source->info.split), source->name,
                           (long long)source->info.count);
    return RV_OK;
}

rv_status rv_source_fetch(rv_source *source, const int64_t *indices, int64_t count, int64_t epoch,
                          float *images, int32_t *labels)
{
    if (epoch < 0)
        return rv_fail(source->context, RV_BAD_USAGE, "epoch %lld is below zero", (long long)epoch);
    rv_status status = rv_source_check(source->context, source, indices, count);
    if (status == RV_OK)
        rv_source_rows(source, indices, count, epoch, images, labels);
    return status;
}

rv_status rv_source_fetch_range(rv_source *source, int64_t first, int64_t count, int64_t epoch,
                                float *images, int32_t *labels)
{
    if (check_count(source->context, count) != RV_OK)
        return RV_BAD_USAGE;
    for (int64_t i = 0; i < count; ++i) {
        int64_t index = first + i;
        rv_status status = rv_source_fetch(source, &index, 1, epoch, images + i * source->info.size,
                                           labels ? labels + i : NULL);
        if (status != RV_OK)
            return status;
    }
    return RV_OK;
}
