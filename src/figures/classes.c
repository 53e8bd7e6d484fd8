/* The pictures of a model whose latents are a class and z: images of one class, every class at the
 * same z, and the style of an image in every class. */
#include "figures/figures.h"

#include "core/memory.h"

#include <string.h>

/* What is decoded: z [count,Z], the class of each, and the images [count,D]. */
typedef struct decoding {
    int count;
    float *z, *images;
    int32_t *classes;
} decoding;

static void release(decoding *d)
{
    rv_free(d->z);
    rv_free(d->images);
    rv_free(d->classes);
}

static rv_status reserve(rv_experiment *run, int count, decoding *d)
{
    const rv_model *model = run->model;
    size_t rows = (size_t)count;
    d->count = count;
    d->z = rv_malloc(rows * (size_t)model->kind->latent_width(model) * sizeof *d->z);
    d->images = rv_malloc(rows * (size_t)rv_data_width(model->sizes) * sizeof *d->images);
    d->classes = rv_malloc(rows * sizeof *d->classes);
    return d->z && d->images && d->classes ? RV_OK : rv_fail_memory(run->context);
}

static rv_status check(rv_experiment *run, const char *verb)
{
    const rv_model_kind *kind = run->model->kind;
    if (rv_model_kind_has(kind, RV_CLASS_DECODER))
        return RV_OK;
    return rv_fail(run->context, RV_BAD_USAGE,
                   "model `%s` does not decode by class, which `%s` needs; train m2, m1-m2 or adgm",
                   kind->name, verb);
}

/* The decoded images as a grid. */
static rv_image *draw(rv_experiment *run, decoding *d, int columns)
{
    if (rv_view_decode_classes(run->model, d->z, d->classes, d->count, d->images) != RV_OK)
        return NULL;
    return run_grid(run, d->images, d->count, columns);
}

rv_image *rv_experiment_class_samples(rv_experiment *run, int count, uint64_t seed, int of_class)
{
    decoding d = {0};
    rv_image *image = NULL;
    rv_status status = check(run, "sample --class");
    if (status == RV_OK)
        status = reserve(run, count, &d);
    if (status == RV_OK)
        status = rv_view_prior(run->model, seed, count, d.z);
    for (int i = 0; status == RV_OK && i < count; i++)
        d.classes[i] = of_class;
    if (status == RV_OK)
        image = draw(run, &d, 8);
    release(&d);
    return image;
}

rv_image *rv_experiment_classes_image(rv_experiment *run, int columns, uint64_t seed)
{
    decoding d = {0};
    rv_image *image = NULL;
    int classes = run->model->sizes.classes;
    int64_t width =
        check(run, "figure classes") == RV_OK ? run->model->kind->latent_width(run->model) : 0;
    if (width == 0)
        return NULL;
    rv_status status = reserve(run, classes * columns, &d);
    if (status == RV_OK)
        status = rv_view_prior(run->model, seed, columns, d.z);
    for (int i = 0; status == RV_OK && i < d.count; i++) {
        if (i >= columns)
            memcpy(d.z + i * width, d.z + i % columns * width, (size_t)width * sizeof *d.z);
        d.classes[i] = i / columns;
    }
    if (status == RV_OK)
        image = draw(run, &d, columns);
    release(&d);
    return image;
}

/* Row i: the image, and its z decoded in each class. */
static rv_status fill_styles(rv_experiment *run, const float *images, int rows, const float *mean,
                             float *out)
{
    decoding d;
    const rv_model *model = run->model;
    int classes = model->sizes.classes;
    int64_t width = model->kind->latent_width(model), pixels = rv_data_width(model->sizes);
    rv_status status = reserve(run, rows * classes, &d);
    for (int i = 0; status == RV_OK && i < d.count; i++) {
        memcpy(d.z + i * width, mean + i / classes * width, (size_t)width * sizeof *d.z);
        d.classes[i] = i % classes;
    }
    if (status == RV_OK)
        status = rv_view_decode_classes(run->model, d.z, d.classes, d.count, d.images);
    for (int i = 0; status == RV_OK && i < rows; i++) {
        float *row = out + (int64_t)i * (classes + 1) * pixels;
        memcpy(row, images + i * pixels, (size_t)pixels * sizeof *row);
        memcpy(row + pixels, d.images + (int64_t)i * classes * pixels,
               (size_t)(classes * pixels) * sizeof *row);
    }
    release(&d);
    return status;
}

rv_image *rv_experiment_style_image(rv_experiment *run, rv_split split, int rows)
{
    rv_image *image = NULL;
    rv_source *source =
        check(run, "figure style") == RV_OK ? rv_experiment_source(run, split) : NULL;
    if (!source)
        return NULL;
    if (rows > rv_source_describe(source)->count)
        rows = (int)rv_source_describe(source)->count;
    const rv_model *model = run->model;
    int64_t pixels = rv_data_width(model->sizes);
    int columns = model->sizes.classes + 1;
    float *images = rv_malloc((size_t)(rows * pixels) * sizeof *images);
    float *mean = rv_malloc((size_t)(rows * model->kind->latent_width(model)) * sizeof *mean);
    float *grid = rv_malloc((size_t)(rows * columns * pixels) * sizeof *grid);
    rv_status status = images && mean && grid ? RV_OK : rv_fail_memory(run->context);
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
