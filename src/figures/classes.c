/* The pictures of a model with a class and z as latents: images of one class, every class at the
 * same z, and the style of an image in every class. */
#include "figures/figures.h"

#include "core/memory.h"

#include <string.h>

static rv_status check(rv_experiment *run, const char *what_needs)
{
    const rv_model_kind *kind = run->model->kind;
    if (rv_model_kind_has(kind, RV_CLASS_DECODER))
        return RV_OK;
    return rv_fail(run->context, RV_BAD_USAGE,
                   "model `%s` does not decode by class, which %s; train m2, m1-m2 or adgm",
                   kind->name, what_needs);
}

rv_image *rv_experiment_class_samples(rv_experiment *run, int count, uint64_t seed, int of_class)
{
    rv_image *image = NULL;
    if (!rv_model_is_given_class(run->model) && check(run, "samples of one class need") != RV_OK)
        return NULL;
    float *images = run_floats(run, count * rv_data_width(run->model->sizes));
    int32_t *classes = rv_malloc((size_t)count * sizeof *classes);
    rv_status status = images && classes ? RV_OK : rv_fail_memory(run->context);
    for (int i = 0; status == RV_OK && i < count; i++)
        classes[i] = of_class;
    if (status == RV_OK)
        status = rv_view_generate_classes(run->model, seed, classes, count, images);
    if (status == RV_OK)
        image = run_grid(run, images, count, 8);
    rv_free(classes);
    rv_free(images);
    return image;
}

rv_image *rv_experiment_classes_image(rv_experiment *run, int columns, uint64_t seed)
{
    int count = run->model->sizes.classes * columns;
    int64_t width = check(run, "a figure of classes needs") == RV_OK
                        ? run->model->kind->latent_width(run->model)
                        : 0;
    if (width == 0)
        return NULL;
    int32_t *classes = NULL;
    float *z = run_floats(run, count * width);
    rv_status status =
        z ? rv_view_prior(run->model, seed, columns, z) : rv_error_status(run->context);
    for (int i = columns; status == RV_OK && i < count; i++)
        memcpy(z + i * width, z + i % columns * width, (size_t)width * sizeof *z);
    if (status == RV_OK)
        status = run_same_class(run, count, columns, &classes);
    return run_decoded(run, status, z, classes, count, columns);
}

/* Row i: the image, and its z decoded in each class. */
static rv_status fill_styles(rv_experiment *run, const float *images, int rows, const float *mean,
                             float *out)
{
    const rv_model *model = run->model;
    int classes = model->sizes.classes, count = rows * classes;
    int64_t width = model->kind->latent_width(model), pixels = rv_data_width(model->sizes);
    float *z = run_floats(run, count * width), *decoded = run_floats(run, count * pixels);
    rv_status status = z && decoded ? RV_OK : rv_error_status(run->context);
    for (int i = 0; status == RV_OK && i < count; i++)
        memcpy(z + i * width, mean + i / classes * width, (size_t)width * sizeof *z);
    if (status == RV_OK) /* the classes in rotation */
        status = rv_view_decode(run->model, z, count, decoded);
    for (int i = 0; status == RV_OK && i < rows; i++) {
        float *row = out + (int64_t)i * (classes + 1) * pixels;
        memcpy(row, images + i * pixels, (size_t)pixels * sizeof *row);
        memcpy(row + pixels, decoded + (int64_t)i * classes * pixels,
               (size_t)(classes * pixels) * sizeof *row);
    }
    rv_free(z);
    rv_free(decoded);
    return status;
}

rv_image *rv_experiment_style_image(rv_experiment *run, rv_split split, int rows)
{
    rv_image *image = NULL;
    rv_source *source =
        check(run, "a figure of styles needs") == RV_OK ? rv_experiment_source(run, split) : NULL;
    if (!source)
        return NULL;
    if (rows > rv_source_describe(source)->count)
        rows = (int)rv_source_describe(source)->count;
    const rv_model *model = run->model;
    int64_t pixels = rv_data_width(model->sizes);
    int columns = model->sizes.classes + 1;
    float *images = run_floats(run, rows * pixels);
    float *mean = run_floats(run, rows * model->kind->latent_width(model));
    float *grid = run_floats(run, rows * columns * pixels);
    rv_status status = images && mean && grid ? RV_OK : rv_error_status(run->context);
    if (status == RV_OK)
        status = rv_source_fetch_range(source, 0, rows, 0, images, NULL);
    if (status == RV_OK)
        status = rv_view_encode(run->model, images, rows, mean, NULL);
    if (status == RV_OK)
        status = fill_styles(run, images, rows, mean, grid);
    if (status == RV_OK)
        image = run_grid(run, grid, rows * columns, columns);
    rv_free(images);
    rv_free(mean);
    rv_free(grid);
    return image;
}

rv_status run_likeliest(rv_experiment *run, const float *images, int64_t count, int32_t **classes)
{
    rv_model *model = run->model;
    int all = model->sizes.classes;
    *classes = NULL;
    if (!rv_model_has(model, RV_CLASS_DECODER))
        return RV_OK;
    float *logits = rv_malloc((size_t)(count * all) * sizeof *logits);
    int32_t *found = rv_malloc((size_t)count * sizeof *found);
    rv_status status = logits && found ? rv_view_classify(model, images, count, logits)
                                       : rv_fail_memory(run->context);
    for (int64_t i = 0; status == RV_OK && i < count; i++) {
        const float *row = logits + i * all;
        found[i] = 0;
        for (int k = 1; k < all; k++)
            found[i] = row[k] > row[found[i]] ? k : found[i];
    }
    rv_free(logits);
    if (status == RV_OK)
        *classes = found;
    else
        rv_free(found);
    return status;
}
