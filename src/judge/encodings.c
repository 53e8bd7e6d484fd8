/* Judges an encoder by the classes of nearest neighbours among its encodings. */
#include "judge/encodings.h"

#include "core/memory.h"

rv_status table_new(rv_context *context, int64_t count, int64_t width, table *out)
{
    *out = (table){rv_malloc((size_t)(count * width) * sizeof(float)), count, width};
    return out->values ? RV_OK : rv_fail_memory(context);
}

rv_rows rows_of(const table *t)
{
    return (rv_rows){t->values, t->count, t->width};
}

/* The kind of encoding: z itself, or the features (the input of the encoder's last layer). */
typedef enum encoding { CODES, FEATURES } encoding;

static rv_status encode_codes(rv_experiment *run, rv_split split, int64_t count, table *out)
{
    int64_t width = run->model->kind->latent_width(run->model);
    rv_status status = table_new(run->context, count, width, out);
    return status == RV_OK ? rv_experiment_encode(run, split, count, out->values, NULL) : status;
}

static rv_status encode_features(rv_experiment *run, rv_source *source, int64_t count, table *out)
{
    enum { AT_ONCE = 6000 };
    rv_model *model = run->model;
    table images = {0};
    int64_t width = rv_view_feature_width(model);
    rv_status status =
        width > 0 ? table_new(run->context, count, width, out) : rv_error_status(run->context);
    if (status == RV_OK)
        status = table_new(run->context, count < AT_ONCE ? count : AT_ONCE,
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

/* The encodings of a split with their labels, in memory that the caller frees. */
static rv_status encode_split(rv_experiment *run, rv_split split, encoding what, table *out,
                              int32_t **labels)
{
    rv_source *source = rv_experiment_source(run, split);
    if (!source)
        return rv_error_status(run->context);
    const rv_source_info *info = rv_source_describe(source);
    if (info->class_count == 0)
        return rv_fail(run->context, RV_BAD_USAGE,
                       "the images of `%s` have no labels: encodings cannot be judged by them",
                       info->name);
    rv_notify(run->context, RV_LOG_INFO, "%s of %lld images of the %s split",
              what == CODES ? "encodings" : "the encoder's features", (long long)info->count,
              rv_split_name(split));
    *labels = rv_malloc((size_t)info->count * sizeof **labels);
    rv_status status = *labels ? RV_OK : rv_fail_memory(run->context);
    if (status == RV_OK)
        status = what == CODES ? encode_codes(run, split, info->count, out)
                               : encode_features(run, source, info->count, out);
    for (int64_t i = 0; status == RV_OK && i < info->count; i++)
        (*labels)[i] = rv_source_label(source, i);
    return status;
}

/* Donahue et al. 2017, section 4.2: the class of the nearest training image. */
static rv_status add_accuracy(rv_experiment *run, rv_split split, encoding what, rv_value *row)
{
    table train = {0}, real = {0};
    int32_t *train_labels = NULL, *real_labels = NULL;
    rv_status status = encode_split(run, RV_SPLIT_TRAIN, what, &train, &train_labels);
    if (status == RV_OK)
        status = encode_split(run, split, what, &real, &real_labels);
    if (status == RV_OK)
        status =
            rv_nearest_accuracy(run->context, (rv_labelled_rows){rows_of(&train), train_labels},
                                (rv_labelled_rows){rows_of(&real), real_labels}, &row->value);
    rv_free(train.values);
    rv_free(real.values);
    rv_free(train_labels);
    rv_free(real_labels);
    return status;
}

rv_status judge_encodings(rv_experiment *run, rv_split split, rv_values *values)
{
    if (split == RV_SPLIT_TRAIN)
        return rv_fail(run->context, RV_BAD_USAGE,
                       "the encoder is judged by the nearest training image, which of the "
                       "training split is the image itself; choose test or validation");
    rv_value *row = rv_values_add(values, "nearest_neighbour_codes", 0, RV_UNIT_SHARE,
                                  "share whose nearest training encoding z has their class");
    rv_status status = add_accuracy(run, split, CODES, row);
    if (status != RV_OK || !rv_model_has(run->model, RV_FEATURES))
        return status;
    row = rv_values_add(values, "nearest_neighbour_features", 0, RV_UNIT_SHARE,
                        "the same for the features from which the encoder makes z");
    return add_accuracy(run, split, FEATURES, row);
}
