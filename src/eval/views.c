/* The views of a trained model as plain arrays: decode, encode, the prior. */
#include "eval/views.h"

#include "core/memory.h"
#include "core/random.h"
#include "eval/generate_pixels.h"

#include <math.h>
#include <string.h>

enum { CHUNK = 256 }; /* rows of a program */

/* A view compiled for `rows` rows of `in` values, giving outputs of `out` values a row. */
typedef struct view {
    rv_graph *graph;
    rv_program *program;
    int64_t in, out, rows;
    float *padded; /* [rows,in] */
} view;

static void view_free(view *v)
{
    rv_program_free(v->program);
    rv_graph_free(v->graph);
    rv_free(v->padded);
}

rv_status view_needs(const rv_model *model, int ability, const char *what, const char *verb)
{
    if (rv_model_has(model, ability))
        return RV_OK;
    return rv_fail(model->context, RV_BAD_USAGE, "model `%s` has no %s, which `%s` needs",
                   model->kind->name, what, verb);
}

rv_status view_check_rows(const rv_model *model, int64_t count)
{
    if (count >= 0)
        return RV_OK;
    return rv_fail(model->context, RV_BAD_USAGE, "%lld rows: the number is below zero",
                   (long long)count);
}

static rv_status compile(view *v, rv_model *model, const rv_expr *outputs, int count)
{
    v->padded = rv_calloc((size_t)(v->rows * v->in), sizeof *v->padded);
    if (!v->padded)
        return rv_fail_memory(model->context);
    return rv_compile(v->graph, outputs, count, NULL, &v->program);
}

/* Runs the view over `count` rows; the last chunk is padded with zeros. */
static rv_status run_rows(view *v, const float *rows, int64_t count, float *const *results,
                          int result_count, float *chunk)
{
    rv_status status = RV_OK;
    for (int64_t first = 0; status == RV_OK && first < count; first += v->rows) {
        int64_t n = count - first < v->rows ? count - first : v->rows;
        memset(v->padded, 0, (size_t)(v->rows * v->in) * sizeof *v->padded);
        memcpy(v->padded, rows + first * v->in, (size_t)(n * v->in) * sizeof *rows);
        status = rv_bind(v->program, "input", v->padded, (size_t)(v->rows * v->in));
        rv_bind_random(v->program, 0, 0, (uint32_t)first, 0);
        if (status == RV_OK)
            status = rv_run(v->program);
        for (int i = 0; status == RV_OK && i < result_count; i++) {
            status = rv_read(v->program, i, chunk, (size_t)(v->rows * v->out));
            memcpy(results[i] + first * v->out, chunk, (size_t)(n * v->out) * sizeof *chunk);
        }
    }
    return status;
}

static rv_status run_view(view *v, rv_model *model, const float *rows, int64_t count,
                          float *const *results, int result_count)
{
    float *chunk = rv_malloc((size_t)(v->rows * v->out) * sizeof *chunk);
    rv_status status = chunk ? run_rows(v, rows, count, results, result_count, chunk)
                             : rv_fail_memory(model->context);
    rv_free(chunk);
    return status;
}

static rv_expr view_input(view *v, rv_model *model, int64_t width, int64_t count)
{
    v->in = width;
    v->rows = count < CHUNK ? (count > 0 ? count : 1) : CHUNK;
    v->graph = rv_graph_new(model->context);
    return v->graph ? rv_input(v->graph, "input", RV_F32, rv_shape2(v->rows, width)) : NULL;
}

/* ---- decoding ---- */

/* For a model with classes the input is z followed by the class as one-hot values.  A model that
 * draws images of z has no view; its uniforms are the same for all images, or each image's own. */
struct rv_decoder {
    rv_model *model;
    view view;
    int64_t latents;
    int classes; /* 0: no classes */
    float *rows; /* [view.rows,latents + classes], if there are classes */
    pixel_drawing drawing;
};

static rv_expr decoded(const rv_decoder *decoder, rv_expr input)
{
    const rv_model_kind *kind = decoder->model->kind;
    int64_t latents = decoder->latents;
    if (decoder->classes == 0)
        return kind->decode(decoder->model, input);
    return kind->decode_class(decoder->model, rv_cols(input, 0, latents),
                              rv_cols(input, latents, latents + decoder->classes));
}

static rv_status compile_decoder(rv_decoder *decoder, int64_t rows)
{
    view *v = &decoder->view;
    rv_model *model = decoder->model;
    decoder->classes = rv_model_has(model, RV_CLASS_DECODER) ? model->sizes.classes : 0;
    rv_expr input = view_input(v, model, decoder->latents + decoder->classes, rows);
    v->out = rv_data_width(model->sizes);
    rv_expr output = input ? decoded(decoder, input) : NULL;
    rv_status status = input ? compile(v, model, &output, 1) : RV_NO_MEMORY;
    if (status == RV_OK && decoder->classes > 0) {
        decoder->rows = rv_malloc((size_t)(v->rows * v->in) * sizeof *decoder->rows);
        status = decoder->rows ? RV_OK : rv_fail_memory(model->context);
    }
    return status;
}

/* The uniforms of images that are drawn: shared by all, or of each under `seed`. */
static rv_status decoder_new(rv_model *model, int64_t rows, int is_shared, uint64_t seed,
                             rv_decoder **out)
{
    *out = NULL;
    if (view_needs(model, RV_DECODER, "decoder", "decode") != RV_OK)
        return RV_BAD_USAGE;
    rv_decoder *decoder = rv_calloc(1, sizeof *decoder);
    if (!decoder)
        return rv_fail_memory(model->context);
    decoder->model = model;
    decoder->latents = model->kind->latent_width(model);
    decoder->drawing = (pixel_drawing){.model = model, .seed = seed, .shares_noise = is_shared};
    rv_status status = model->kind->decode ? compile_decoder(decoder, rows) : RV_OK;
    if (status != RV_OK) {
        rv_decoder_free(decoder);
        return status;
    }
    *out = decoder;
    return RV_OK;
}

rv_status rv_decoder_new(rv_model *model, int64_t rows, rv_decoder **out)
{
    return decoder_new(model, rows, 1, 0, out);
}

rv_status view_check_classes(const rv_model *model, const int32_t *classes, int64_t count)
{
    if (!rv_model_has(model, RV_CLASS_DECODER) && !rv_model_is_given_class(model))
        return rv_fail(model->context, RV_BAD_USAGE, "model `%s` does not decode by class",
                       model->kind->name);
    for (int64_t i = 0; i < count; i++)
        if (classes[i] < 0 || classes[i] >= model->sizes.classes)
            return rv_fail(model->context, RV_BAD_USAGE, "class %d: the classes are 0 to %d",
                           classes[i], model->sizes.classes - 1);
    return RV_OK;
}

int64_t view_class_of(const rv_model *model, const int32_t *classes, int64_t i)
{
    return classes ? classes[i] : i % model->sizes.classes;
}

rv_status rv_decoder_run_classes(rv_decoder *decoder, const float *z, const int32_t *classes,
                                 int64_t count, float *images)
{
    view *v = &decoder->view;
    rv_status status = view_check_rows(decoder->model, count);
    if (status == RV_OK && classes)
        status = view_check_classes(decoder->model, classes, count);
    if (status == RV_OK && !decoder->model->kind->decode) {
        decoder->drawing.z = z;
        decoder->drawing.count = count;
        return pixel_drawing_run(&decoder->drawing, images);
    }
    if (status != RV_OK || decoder->classes == 0)
        return status == RV_OK ? run_view(v, decoder->model, z, count, &images, 1) : status;
    for (int64_t first = 0; status == RV_OK && first < count; first += v->rows) {
        int64_t n = count - first < v->rows ? count - first : v->rows;
        memset(decoder->rows, 0, (size_t)(v->rows * v->in) * sizeof *decoder->rows);
        for (int64_t i = 0; i < n; i++) {
            int64_t of = view_class_of(decoder->model, classes, first + i);
            memcpy(decoder->rows + i * v->in, z + (first + i) * decoder->latents,
                   (size_t)decoder->latents * sizeof *z);
            decoder->rows[i * v->in + decoder->latents + of] = 1;
        }
        float *to = images + first * v->out;
        status = run_view(v, decoder->model, decoder->rows, n, &to, 1);
    }
    return status;
}

rv_status rv_decoder_run(rv_decoder *decoder, const float *z, int64_t count, float *images)
{
    return rv_decoder_run_classes(decoder, z, NULL, count, images);
}

void rv_decoder_free(rv_decoder *decoder)
{
    if (!decoder)
        return;
    view_free(&decoder->view);
    pixel_drawing_close(&decoder->drawing);
    rv_free(decoder->rows);
    rv_free(decoder);
}

static rv_status fail_decoded(const rv_model *model, const float *z, int64_t latents, int64_t row)
{
    float largest = 0;
    for (int64_t i = 0; i < latents; i++)
        largest = fmaxf(largest, fabsf(z[i]));
    return rv_fail(model->context, RV_NOT_FINITE,
                   "the image of latents %lld, the largest of which is %g, is not finite: the "
                   "latents are too large for this decoder, or its weights are not those of a "
                   "trained model",
                   (long long)row, (double)largest);
}

static rv_status decode(rv_decoder *decoder, const float *z, const int32_t *classes, int64_t count,
                        float *images)
{
    const rv_model *model = decoder->model;
    int64_t width = rv_data_width(model->sizes);
    rv_status status = rv_decoder_run_classes(decoder, z, classes, count, images);
    for (int64_t i = 0; status == RV_OK && i < count * width; i++)
        if (!isfinite(images[i]))
            status =
                fail_decoded(model, z + i / width * decoder->latents, decoder->latents, i / width);
    return status;
}

rv_status rv_view_decode_classes(rv_model *model, const float *z, const int32_t *classes,
                                 int64_t count, float *images)
{
    rv_decoder *decoder;
    rv_status status = rv_decoder_new(model, count, &decoder);
    if (status == RV_OK)
        status = decode(decoder, z, classes, count, images);
    rv_decoder_free(decoder);
    return status;
}

rv_status view_decode_draws(rv_model *model, uint64_t seed, const float *z, const int32_t *classes,
                            int64_t count, float *images)
{
    rv_decoder *decoder;
    rv_status status = decoder_new(model, count, 0, seed, &decoder);
    if (status == RV_OK)
        status = decode(decoder, z, classes, count, images);
    rv_decoder_free(decoder);
    return status;
}

rv_status rv_view_decode(rv_model *model, const float *z, int64_t count, float *images)
{
    return rv_view_decode_classes(model, z, NULL, count, images);
}

/* ---- encoding, classifying ---- */

rv_status rv_view_encode(rv_model *model, const float *images, int64_t count, float *mean,
                         float *deviation)
{
    view v = {0};
    rv_latents group[RV_LATENTS_MOST];
    int groups = 0;
    if (view_needs(model, RV_ENCODER, "encoder", "encode") != RV_OK ||
        view_check_rows(model, count) != RV_OK)
        return RV_BAD_USAGE;
    rv_expr input = view_input(&v, model, rv_data_width(model->sizes), count);
    rv_status status = input ? model->kind->encode(model, input, group, &groups) : RV_NO_MEMORY;
    if (status == RV_OK) {
        rv_expr outputs[2] = {group[0].moved ? group[0].moved : rv_dist_mean(group[0].posterior),
                              rv_dist_deviation(group[0].posterior)};
        float *const results[2] = {mean, deviation};
        v.out = group[0].width;
        status = compile(&v, model, outputs, 2);
        if (status == RV_OK)
            status = run_view(&v, model, images, count, results, deviation ? 2 : 1);
    }
    view_free(&v);
    return status;
}

/* A view of images: logits or features. */
typedef rv_expr (*image_view)(rv_model *model, rv_expr x);

/* values [count,*width]; NULL: only the width. */
static rv_status view_images(rv_model *model, image_view make, const float *images, int64_t count,
                             float *values, int64_t *width)
{
    view v = {0};
    if (view_check_rows(model, count) != RV_OK)
        return RV_BAD_USAGE;
    rv_expr input = view_input(&v, model, rv_data_width(model->sizes), count);
    rv_expr output = input ? make(model, input) : NULL;
    rv_status status = input ? rv_error_status(model->context) : RV_NO_MEMORY;
    if (status == RV_OK)
        *width = v.out = rv_expr_shape(output).dim[1];
    if (status == RV_OK && values)
        status = compile(&v, model, &output, 1);
    if (status == RV_OK && values)
        status = run_view(&v, model, images, count, &values, 1);
    view_free(&v);
    return status;
}

rv_status rv_view_classify(rv_model *model, const float *images, int64_t count, float *logits)
{
    int64_t width;
    if (view_needs(model, RV_CLASSIFIER, "classifier", "classify") != RV_OK)
        return RV_BAD_USAGE;
    return view_images(model, model->kind->classify, images, count, logits, &width);
}

rv_status rv_view_class_evidence(rv_model *model, const float *images, int64_t count, float *bounds)
{
    int64_t width;
    if (view_needs(model, RV_CLASS_EVIDENCE, "bound of log p(x, y)", "class_evidence") != RV_OK)
        return RV_BAD_USAGE;
    return view_images(model, model->kind->class_evidence, images, count, bounds, &width);
}

rv_status rv_view_features(rv_model *model, const float *images, int64_t count, float *features)
{
    int64_t width;
    if (view_needs(model, RV_FEATURES, "features", "evaluate") != RV_OK)
        return RV_BAD_USAGE;
    return view_images(model, model->kind->features, images, count, features, &width);
}

/* The score as a column, [B,1]. */
static rv_expr score_column(rv_model *model, rv_expr x)
{
    rv_expr each = model->kind->score.each(model, x, NULL, RV_EVALUATE);
    return rv_split_axis(each, 0, 1);
}

rv_status rv_view_score(rv_model *model, const float *images, int64_t count, float *each)
{
    int64_t width;
    if (!model->kind->score.each || rv_model_is_given_class(model))
        return rv_fail(model->context, RV_BAD_USAGE,
                       "model `%s` has no exact likelihood of an image alone", model->kind->name);
    const char *lack = rv_model_score_lacks(model);
    if (lack)
        return rv_fail(model->context, RV_BAD_USAGE, "model `%s` gives no density at a point: %s",
                       model->kind->name, lack);
    return view_images(model, score_column, images, count, each, &width);
}

int64_t rv_view_feature_width(rv_model *model)
{
    int64_t width = 0;
    if (view_needs(model, RV_FEATURES, "features", "evaluate") == RV_OK)
        view_images(model, model->kind->features, NULL, 1, NULL, &width);
    return width;
}

/* ---- the prior ---- */

/* Draws from the model's own prior, keyed by their numbers. */
static rv_status run_prior(view *v, uint64_t seed, int64_t count, float *z)
{
    rv_status status = RV_OK;
    for (int64_t first = 0; status == RV_OK && first < count; first += v->rows) {
        int64_t n = count - first < v->rows ? count - first : v->rows;
        rv_bind_random(v->program, seed, 0, (uint32_t)first, 0);
        status = rv_run(v->program);
        if (status == RV_OK)
            status = rv_read(v->program, 0, v->padded, (size_t)(v->rows * v->out));
        if (status == RV_OK)
            memcpy(z + first * v->out, v->padded, (size_t)(n * v->out) * sizeof *z);
    }
    return status;
}

static rv_status draw_prior(rv_model *model, uint64_t seed, int64_t count, float *z)
{
    view v = {.rows = CHUNK, .out = model->kind->latent_width(model)};
    v.in = v.out;
    v.graph = rv_graph_new(model->context);
    rv_expr output = v.graph ? model->kind->draw_prior(model, v.graph, v.rows) : NULL;
    rv_status status = v.graph ? compile(&v, model, &output, 1) : RV_NO_MEMORY;
    if (status == RV_OK)
        status = run_prior(&v, seed, count, z);
    view_free(&v);
    return status;
}

rv_status rv_view_prior(rv_model *model, uint64_t seed, int64_t count, float *z)
{
    if (view_needs(model, RV_DECODER, "decoder", "sample") != RV_OK ||
        view_check_rows(model, count) != RV_OK)
        return RV_BAD_USAGE;
    if (model->kind->draw_prior)
        return draw_prior(model, seed, count, z);
    int64_t width = model->kind->latent_width(model);
    int normal = !model->kind->prior || model->kind->prior(model) == RV_PRIOR_NORMAL;
    for (int64_t i = 0; i < count; i++) {
        rv_stream stream = rv_stream_at(seed, rv_site("prior"), (uint32_t)i, 0);
        for (int64_t j = 0; j < width; j++)
            z[i * width + j] =
                (float)(normal ? rv_stream_normal(&stream) : 2 * rv_stream_uniform(&stream) - 1);
    }
    return RV_OK;
}
