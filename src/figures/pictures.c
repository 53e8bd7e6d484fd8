/* The pictures of a run that are grids of images. */
#include "figures/figures.h"

#include "core/memory.h"
#include "eval/views.h"

#include <float.h>
#include <math.h>
#include <string.h>

rv_image_batch run_batch(const rv_experiment *run, const float *values, int count)
{
    const rv_data_sizes *sizes = &run->model->sizes;
    rv_image_batch batch = rv_image_batch_of(values, count, (int)sizes->height, (int)sizes->width);
    batch.channels = (int)sizes->channels;
    batch.low = sizes->low;
    batch.high = sizes->high;
    return batch;
}

rv_image *run_grid(const rv_experiment *run, const float *values, int count, int columns)
{
    rv_grid_config config = rv_grid_defaults();
    config.columns = columns;
    return rv_grid(run->context, run_batch(run, values, count), &config);
}

int run_shows_images(const rv_experiment *run)
{
    int64_t channels = run->model->sizes.channels;
    return rv_model_has(run->model, RV_DECODER) && (channels == 1 || channels == 3);
}

int run_fitting(const rv_experiment *run, int wanted, int least)
{
    enum { SHEET = 500 };
    const rv_data_sizes *sizes = &run->model->sizes;
    int64_t side = sizes->height > sizes->width ? sizes->height : sizes->width;
    int64_t fit = SHEET / (side + 2);
    return fit >= wanted ? wanted : fit > least ? (int)fit : least;
}

float *run_floats(rv_experiment *run, int64_t count)
{
    float *values = count < 0 ? NULL : rv_calloc((size_t)count, sizeof *values);
    if (count < 0)
        rv_fail(run->context, RV_BAD_USAGE, "a number of images is below zero");
    else if (!values)
        rv_fail_memory(run->context);
    return values;
}

rv_status run_same_class(rv_experiment *run, int count, int along, int32_t **classes)
{
    *classes = NULL;
    if (!rv_model_has(run->model, RV_CLASS_DECODER))
        return RV_OK;
    *classes = rv_malloc((size_t)count * sizeof **classes);
    for (int i = 0; *classes && i < count; i++)
        (*classes)[i] = i / along % run->model->sizes.classes;
    return *classes ? RV_OK : rv_fail_memory(run->context);
}

rv_image *run_decoded(rv_experiment *run, rv_status status, float *z, int32_t *classes, int count,
                      int columns)
{
    rv_image *image = NULL;
    float *pixels =
        status == RV_OK ? run_floats(run, count * rv_data_width(run->model->sizes)) : NULL;
    if (pixels && rv_view_decode_classes(run->model, z, classes, count, pixels) == RV_OK)
        image = run_grid(run, pixels, count, columns);
    rv_free(pixels);
    rv_free(classes);
    rv_free(z);
    return image;
}

/* The images of z [count,Z], which it frees; `along` images in sequence share a class. */
static rv_image *decoded_grid(rv_experiment *run, float *z, int count, int columns, int along)
{
    int32_t *classes = NULL;
    rv_status status =
        z ? run_same_class(run, count, along, &classes) : rv_error_status(run->context);
    return run_decoded(run, status, z, classes, count, columns);
}

static int check_decoder(rv_experiment *run, const char *verb)
{
    return view_needs(run->model, RV_DECODER, "decoder", verb) == RV_OK;
}

static int check_encoder(rv_experiment *run, const char *verb)
{
    return view_needs(run->model, RV_ENCODER, "encoder", verb) == RV_OK;
}

static int64_t latent_width(const rv_experiment *run)
{
    return run->model->kind->latent_width(run->model);
}

rv_image *rv_experiment_samples(rv_experiment *run, int count, uint64_t seed)
{
    rv_image *image = NULL;
    const rv_data_sizes *sizes = &run->model->sizes;
    if (sizes->are_points) {
        rv_fail(run->context, RV_BAD_USAGE,
                "the data of model `%s` are points of the plane, which are no images; an array can "
                "hold them",
                run->model->kind->name);
        return NULL;
    }
    float *images = run_floats(run, count * rv_data_width(*sizes));
    if (images && rv_view_generate(run->model, seed, count, images) == RV_OK)
        image = run_grid(run, images, count, 8);
    rv_free(images);
    return image;
}

/* ---- reconstructions ---- */

/* The first `count` images of a split, their posterior means, and the decoded means. */
static rv_status reconstruct(rv_experiment *run, rv_split split, int count, float *images,
                             float *decoded)
{
    rv_source *source = rv_experiment_source(run, split);
    float *mean = run_floats(run, count * latent_width(run));
    int32_t *classes = NULL;
    rv_status status = mean && source ? RV_OK : rv_error_status(run->context);
    if (status == RV_OK)
        status = rv_source_fetch_range(source, 0, count, 0, images, NULL);
    if (status == RV_OK)
        status = rv_view_encode(run->model, images, count, mean, NULL);
    if (status == RV_OK)
        status = run_likeliest(run, images, count, &classes);
    if (status == RV_OK)
        status = rv_view_decode_classes(run->model, mean, classes, count, decoded);
    rv_free(classes);
    rv_free(mean);
    return status;
}

/* Rows of 8: originals, and their reconstructions below them. */
static void interleave(const float *images, const float *decoded, int count, int64_t width,
                       float *rows)
{
    for (int i = 0; i < count; i++) {
        int row = i / 8, column = i % 8, in_row = count - 8 * row < 8 ? count - 8 * row : 8;
        float *top = rows + (16 * row + column) * width;
        memcpy(top, images + i * width, (size_t)width * sizeof *rows);
        memcpy(top + (in_row < 8 && row == 0 ? in_row : 8) * width, decoded + i * width,
               (size_t)width * sizeof *rows);
    }
}

rv_image *rv_experiment_reconstructions(rv_experiment *run, rv_split split, int count)
{
    rv_image *image = NULL;
    rv_source *source = rv_experiment_source(run, split);
    if (!source || !check_decoder(run, "reconstruct") || !check_encoder(run, "reconstruct"))
        return NULL;
    int64_t width = rv_data_width(run->model->sizes), there = rv_source_describe(source)->count;
    count = count > there ? (int)there : count;
    int lines = 2 * ((count + 7) / 8), columns = count < 8 ? count : 8;
    float *images = run_floats(run, count * width), *decoded = run_floats(run, count * width);
    float *rows = run_floats(run, (int64_t)lines * columns * width);
    for (int64_t i = 0; rows && i < lines * columns * width; i++)
        rows[i] = run->model->sizes.low; /* empty cells are black */
    if (images && decoded && rows && reconstruct(run, split, count, images, decoded) == RV_OK) {
        interleave(images, decoded, count, width, rows);
        image = run_grid(run, rows, lines * columns, columns);
    }
    rv_free(images);
    rv_free(decoded);
    rv_free(rows);
    return image;
}

/* ---- walks through the latent space ---- */

rv_image *rv_experiment_interpolations(rv_experiment *run, int rows, int steps, uint64_t seed)
{
    if (!check_decoder(run, "interpolate"))
        return NULL;
    int64_t width = latent_width(run);
    float *ends = run_floats(run, 2 * rows * width),
          *z = run_floats(run, (int64_t)rows * steps * width);
    int ok = ends && z && rv_view_prior(run->model, seed, 2 * rows, ends) == RV_OK;
    for (int r = 0; ok && r < rows; r++)
        rv_interpolate(ends + 2 * r * width, ends + (2 * r + 1) * width, (int)width, steps,
                       z + (int64_t)r * steps * width);
    rv_free(ends);
    if (!ok) {
        rv_free(z);
        return NULL;
    }
    return decoded_grid(run, z, rows * steps, steps, steps);
}

/* Latents are floats. */
static rv_status check_ends(rv_experiment *run, double from, double to)
{
    if (fabs(from) <= (double)FLT_MAX && fabs(to) <= (double)FLT_MAX)
        return RV_OK;
    return rv_fail(run->context, RV_BAD_USAGE,
                   "from %g to %g: a latent takes finite values, from -3.4e38 to 3.4e38", from, to);
}

rv_image *rv_experiment_manifold(rv_experiment *run, int n, double extent)
{
    if (!check_decoder(run, "figure manifold"))
        return NULL;
    if (latent_width(run) != 2) {
        rv_fail(run->context, RV_BAD_USAGE,
                "the manifold needs two latents; this run has %lld: train with latent=2",
                (long long)latent_width(run));
        return NULL;
    }
    if (check_ends(run, -extent, extent) != RV_OK)
        return NULL;
    float *z = run_floats(run, 2 * n * n);
    if (z)
        rv_manifold_points(n, extent, z);
    return decoded_grid(run, z, n * n, n, n * n);
}

rv_traversal rv_traversal_defaults(void)
{
    return (rv_traversal){.split = RV_SPLIT_TEST,
                          .from = -3,
                          .to = 3,
                          .in_sigmas = 1,
                          .steps = 20,
                          .columns = 5,
                          .enlarge = 4};
}

/* The place of the coordinate in z, -1 when there is none. */
static int64_t coordinate(rv_experiment *run, const rv_traversal *t)
{
    int64_t all[RV_LEVELS_MOST], width;
    int levels = rv_model_levels(run->model, all);
    if (t->level < 0 || t->level > levels) {
        rv_fail(run->context, RV_BAD_USAGE, "level %d: the levels of latents are 1 to %d", t->level,
                levels);
        return -1;
    }
    int64_t at = run_level_offset(run, t->level > 0 ? t->level : levels, &width);
    if (t->dim >= 0 && t->dim < width)
        return at + t->dim;
    rv_fail(run->context, RV_BAD_USAGE, "latent %lld: the latents are 0 to %lld", (long long)t->dim,
            (long long)width - 1);
    return -1;
}

rv_status rv_experiment_image(rv_experiment *run, rv_split split, int64_t image, float *pixels)
{
    rv_source *source = rv_experiment_source(run, split);
    int64_t images = source ? rv_source_describe(source)->count : 0;
    if (!source)
        return rv_error_status(run->context);
    if (image < 0 || image >= images)
        return rv_fail(run->context, RV_BAD_USAGE, "image %lld: the images are 0 to %lld",
                       (long long)image, (long long)images - 1);
    return rv_source_fetch_range(source, image, 1, 0, pixels, NULL);
}

static rv_status check_traversal(rv_experiment *run, const rv_traversal *t)
{
    if (coordinate(run, t) < 0)
        return RV_BAD_USAGE;
    const rv_model *model = run->model;
    if (t->in_sigmas && model->kind->prior && model->kind->prior(model) == RV_PRIOR_DISCRETE)
        return rv_fail(
            run->context, RV_BAD_USAGE,
            "the latents of `%s` are probabilities, which have no sigmas: go from 0 to 1",
            model->kind->name);
    return RV_OK;
}

/* z [steps,Z]: the posterior mean of the image, coordinate `dim` going from `from` to `to` through
 * along [steps]. */
static rv_status walk(rv_experiment *run, const rv_traversal *t, float *image, float *z,
                      float *along)
{
    int64_t width = latent_width(run);
    float *sigma = run_floats(run, width);
    if (!sigma)
        return rv_error_status(run->context);
    rv_status status = check_traversal(run, t);
    if (status == RV_OK)
        status = rv_experiment_image(run, t->split, t->image, image);
    if (status == RV_OK)
        status = rv_view_encode(run->model, image, 1, z, sigma);
    if (status == RV_OK) {
        int64_t at = coordinate(run, t);
        double centre = (double)z[at], scale = (double)sigma[at];
        double from = t->in_sigmas ? centre + t->from * scale : t->from;
        double to = t->in_sigmas ? centre + t->to * scale : t->to;
        status = check_ends(run, from, to);
        if (status == RV_OK)
            rv_evenly_spaced(from, to, t->steps, along);
        for (int i = t->steps - 1; status == RV_OK && i >= 0; i--) {
            memmove(z + i * width, z, (size_t)width * sizeof *z);
            z[i * width + at] = along[i];
        }
    }
    rv_free(sigma);
    return status;
}

rv_status rv_experiment_walk(rv_experiment *run, const rv_traversal *t, float *images,
                             float *values)
{
    if (!check_decoder(run, "traverse") || !check_encoder(run, "traverse"))
        return rv_error_status(run->context);
    float *z = run_floats(run, t->steps * latent_width(run));
    float *one = run_floats(run, rv_data_width(run->model->sizes));
    int32_t *classes = NULL, *likeliest = NULL;
    rv_status status = z && one ? walk(run, t, one, z, values) : rv_error_status(run->context);
    if (status == RV_OK)
        status = run_likeliest(run, one, 1, &likeliest);
    if (status == RV_OK)
        status = run_same_class(run, t->steps, t->steps, &classes);
    for (int i = 0; status == RV_OK && classes && i < t->steps; i++)
        classes[i] = *likeliest;
    if (status == RV_OK)
        status = rv_view_decode_classes(run->model, z, classes, t->steps, images);
    rv_free(classes);
    rv_free(likeliest);
    rv_free(z);
    rv_free(one);
    return status;
}

rv_image *rv_traversal_image(rv_experiment *run, const rv_traversal *t, const float *images)
{
    rv_collage_config config = rv_collage_defaults();
    config.columns = t->columns;
    config.enlarge = t->enlarge;
    return rv_collage(run->context, run_batch(run, images, t->steps), &config);
}

rv_image *rv_experiment_traversal(rv_experiment *run, const rv_traversal *t)
{
    rv_image *image = NULL;
    float *images = run_floats(run, t->steps * rv_data_width(run->model->sizes));
    float *values = run_floats(run, t->steps);
    if (images && values && rv_experiment_walk(run, t, images, values) == RV_OK)
        image = rv_traversal_image(run, t, images);
    rv_free(images);
    rv_free(values);
    return image;
}

rv_status rv_experiment_encode(rv_experiment *run, rv_split split, int64_t count, float *mean,
                               float *deviation)
{
    rv_source *source = rv_experiment_source(run, split);
    float *images = source ? run_floats(run, count * rv_data_width(run->model->sizes)) : NULL;
    rv_status status = images ? rv_source_fetch_range(source, 0, count, 0, images, NULL)
                              : rv_error_status(run->context);
    if (status == RV_OK)
        status = rv_view_encode(run->model, images, count, mean, deviation);
    rv_free(images);
    return status;
}
