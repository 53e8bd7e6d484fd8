/* reverie/eval.h - floor 5: evaluation, and the views of a trained model as plain arrays.
 *
 *     rv_evaluator *evaluator;
 *     rv_evaluator_new(model, 200, &evaluator);
 *     rv_report report;
 *     rv_evaluator_run(evaluator, test_images, 1, &report);   // nats per example
 *     printf("elbo %.2f\n", rv_values_number(&report.values, "elbo"));
 *     rv_report_free(&report);
 *     rv_evaluator_free(evaluator);
 *
 *     float image[784];
 *     uint8_t missing[784];
 *     rv_inpainting_config config = rv_inpainting_defaults();
 *     rv_inpainting filled;
 *     rv_source_fetch_range(test_images, 0, 1, 0, image, NULL);
 *     rv_inpaint_mask(context, model->sizes, "bottom", missing);
 *     if (rv_inpaint(model, image, missing, &config, &filled) == RV_OK)
 *         rv_values_print(&filled.values, stdout);            // filled.images [8,784]
 *     rv_inpainting_free(&filled);
 *
 * Everything runs in evaluation mode.  Results do not depend on the batch size: draws are keyed by
 * the example's number.
 */
#ifndef REVERIE_EVAL_H
#define REVERIE_EVAL_H

#include "reverie/data.h"
#include "reverie/model.h"
#include "reverie/program.h"
#include "reverie/values.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The sizes, range and classes of the images of a source, for rv_model_new. */
rv_data_sizes rv_data_sizes_of(const rv_source *source);
/* Checks that the images of a source have the size and range of the model's images and, for a model
 * that uses labels, the number of its classes.  RV_BAD_FILE; the message gives what the source has
 * and what the model takes.  Call this before a model reads a source. */
rv_status rv_model_takes(const rv_model *model, const rv_source *source);

/* Means over the examples of a split, in nats per example, with their standard errors (NaN for one
 * example). */
typedef struct rv_report {
    int64_t examples, draws; /* draws: of the latents, for each example; 0:
                                 none, the values are exact */
    rv_values values;
    int64_t not_finite;       /* examples with a value that is not finite: the means are then
                                 useless */
    int64_t first_not_finite; /* the first of these examples */
    int bad_pixels;           /* 1 if the pixels of this first example are not finite */
} rv_report;

/* "one latent sample an image", or the number of samples, in `text`; returns it. */
const char *rv_report_draws(const rv_report *report, char text[64]);
/* A call that fails leaves its report empty; it may still be freed. */
void rv_report_free(rv_report *report);

typedef struct rv_evaluator rv_evaluator;

/* The first run compiles the programs, for this batch and for the last short batch; they are kept.
 * RV_BAD_USAGE for a model without `evaluate`.  The caller frees the evaluator, before the
 * model. */
rv_status rv_evaluator_new(rv_model *model, int64_t batch, rv_evaluator **out);
void rv_evaluator_free(rv_evaluator *evaluator); /* NULL is ignored */
/* Evaluates all images of the source, with one latent sample for each.  `seed` is the key of the
 * draws.  The caller frees the report; on failure it has no values. */
rv_status rv_evaluator_run(rv_evaluator *evaluator, rv_source *source, uint64_t seed,
                           rv_report *report);

/* RV_BAD_USAGE for a `count` below zero in all that follows. */

/* z [count,Z] -> images [count,D], means of the likelihood in the range of the data; of a
 * likelihood without a mean image draws of it, whose noise is the same for all images and calls:
 * they differ by z alone.  RV_BAD_USAGE for a model without a decoder; RV_NOT_FINITE for
 * an image with values that are not finite, as of huge latents.  A model with classes takes them in
 * turn: image i has class i mod classes. */
rv_status rv_view_decode(rv_model *model, const float *z, int64_t count, float *images);
/* The same with the class of each image, [count]; NULL: in turn.  RV_BAD_USAGE for an unknown
 * class, and for a model that does not decode by class. */
rv_status rv_view_decode_classes(rv_model *model, const float *z, const int32_t *classes,
                                 int64_t count, float *images);
/* The same with one program, compiled once for up to `rows` rows at a time.  Each run uses the
 * current weights.  Do not run it during a training step.  The caller frees the decoder, before the
 * model. */
typedef struct rv_decoder rv_decoder;
rv_status rv_decoder_new(rv_model *model, int64_t rows, rv_decoder **out);
rv_status rv_decoder_run(rv_decoder *decoder, const float *z, int64_t count, float *images);
rv_status rv_decoder_run_classes(rv_decoder *decoder, const float *z, const int32_t *classes,
                                 int64_t count, float *images);
void rv_decoder_free(rv_decoder *decoder); /* NULL is ignored */
/* images [count,D] -> mean and deviation (may be NULL) [count,Z] of the first group of latents.
 * RV_BAD_USAGE for a model without an encoder. */
rv_status rv_view_encode(rv_model *model, const float *images, int64_t count, float *mean,
                         float *deviation);
/* images [count,D] -> logits of the classes [count,classes].  RV_BAD_USAGE for a model that does
 * not classify. */
rv_status rv_view_classify(rv_model *model, const float *images, int64_t count, float *logits);
/* images [count,D] -> a bound of log p(x, y) for each class, nats, [count,classes], at the
 * posterior means of the other latents.  RV_BAD_USAGE for a model without such a bound. */
rv_status rv_view_class_evidence(rv_model *model, const float *images, int64_t count,
                                 float *bounds);
/* images [count,D] -> features [count,F], F = rv_view_feature_width (0 on failure).  RV_BAD_USAGE
 * for a model without features. */
rv_status rv_view_features(rv_model *model, const float *images, int64_t count, float *features);
int64_t rv_view_feature_width(rv_model *model);
/* images [count,D], as the model's source gives them -> the score of each [count]: log p(x) in nats
 * for a density model.  RV_BAD_USAGE for a model without a score, or whose flow has no inverse. */
rv_status rv_view_score(rv_model *model, const float *images, int64_t count, float *each);
/* Images [count,D] of the model, in the range of the data: decoded draws of its prior, each with
 * its own noise where they are drawn; or draws of a model without latents, whose sampler takes the
 * arithmetic of rv_view_generate_passes passes through its net (784 for each layer of a flow over
 * MNIST, one for a PixelCNN).  Image i of a seed does not depend on the count, up to draws that
 * rounding decides.  RV_BAD_USAGE for a model that makes no images. */
rv_status rv_view_generate(rv_model *model, uint64_t seed, int64_t count, float *images);
/* The same with the class of each image, [count], of a model that decodes by class or is given it;
 * NULL: in turn. */
rv_status rv_view_generate_classes(rv_model *model, uint64_t seed, const int32_t *classes,
                                   int64_t count, float *images);
int64_t rv_view_generate_passes(const rv_model *model);
/* The way of a draw of a flow, from its base through its bijections, stage 0 to
 * rv_view_flow_stages - 1 (0: no flow, or one without steps).  rv_view_flow_base draws u [count,D]
 * as rv_view_generate does for that seed: through every stage, u becomes its draws;
 * rv_view_flow_base_moments gives the mean and the standard deviations of u, [D] each.  `to` may be
 * `from`.  RV_BAD_USAGE for a model that is no flow (rv_view_is_flow), and for another stage. */
int rv_view_is_flow(const rv_model *model);
int rv_view_flow_stages(const rv_model *model);
rv_status rv_view_flow_base_moments(rv_model *model, float *mean, float *deviation);
const char *rv_view_flow_stage_name(const rv_model *model, int stage); /* static */
rv_status rv_view_flow_base(rv_model *model, uint64_t seed, int64_t count, float *u);
rv_status rv_view_flow_stage(rv_model *model, int stage, const float *from, int64_t count,
                             float *to);
/* Draws z [count,Z] from the model's prior; draw i of a seed does not depend on `count`. */
rv_status rv_view_prior(rv_model *model, uint64_t seed, int64_t count, float *z);

/* ---- inpainting: missing pixels of an image, drawn given its known ones ---- */

/* How the missing pixels are drawn.  EXACT: from p(x_missing|x_known), by a model that draws pixels
 * in raster order (pixelcnn), if no known pixel comes after a missing one.  RESAMPLED: by such a
 * model if some do: draws that have not seen those are weighted by w = prod p(x_t|x_<t) over them,
 * and completions are taken in proportion to w (sampling-importance-resampling, Rubin 1988); so
 * too, with all known pixels in w, if the model is given a class and it is unknown, when draws have
 * the classes in turn.  GIBBS: by a model with latents, in sweeps of z ~ q(z|x) and x_missing ~
 * p(x_missing|z) (Rezende et al. 2014, appendix F): approximate, since q(z|x) is not p(z|x). */
typedef enum rv_inpainting_mode {
    RV_INPAINT_EXACT,
    RV_INPAINT_RESAMPLED,
    RV_INPAINT_GIBBS
} rv_inpainting_mode;

typedef struct rv_inpainting_config {
    int64_t count;  /* completions, 8 */
    int64_t draws;  /* of RESAMPLED: from which all completions are taken, at least one for each
                       class that it may be; 0: 100 for each completion */
    int64_t sweeps; /* of GIBBS; 0: 100 */
    int of_class;   /* of a model that is given the class of an image; -1: unknown */
    int is_gray;    /* 1: pixels are levels, no bits: a Bernoulli likelihood gives their mean */
    uint64_t seed;
} rv_inpainting_config;
rv_inpainting_config rv_inpainting_defaults(void); /* 8 completions, class unknown, seed 1 */

/* Values: `mode`, `completions`, `missing` (pixels); of RESAMPLED `draws`, `effective` and
 * `log_weights`; of GIBBS `sweeps`. */
typedef struct rv_inpainting {
    rv_inpainting_mode mode;
    int64_t count, draws, sweeps; /* draws, sweeps: 0 of another mode */
    double effective;   /* of RESAMPLED: effective number of draws, (sum w)^2 / sum w^2, from 1
                           (one draw is everything) to `draws` (Kong 1992) */
    float *images;      /* [count,D], in the range of the data; known pixels as they were */
    double *log_weight; /* of RESAMPLED: [draws], nats, up to a constant; else NULL */
    rv_values values;
} rv_inpainting;

/* Fills in the pixels of image [D], in the range of the data, where missing [H,W] is not 0 (all
 * channels).  Completion i of a seed does not depend on the threads nor, unless RESAMPLED, on the
 * count, up to draws that rounding decides.  RV_BAD_USAGE for impossible numbers, and as
 * rv_inpainting_mode_of; RV_NOT_FINITE.  The caller frees *out; on failure it is empty. */
rv_status rv_inpaint(rv_model *model, const float *image, const uint8_t *missing,
                     const rv_inpainting_config *config, rv_inpainting *out);
/* How rv_inpaint would do it, without work.  RV_BAD_USAGE for a model that cannot fill in pixels,
 * if none is missing, and for a class that there is not or that the model is not given. */
rv_status rv_inpainting_mode_of(const rv_model *model, const uint8_t *missing, int of_class,
                                rv_inpainting_mode *mode);
void rv_inpainting_free(rv_inpainting *inpainting);
/* missing [H,W], 1 where pixels are missing: the `top`, `bottom`, `left` or `right` half of the
 * image, the `centre` (the middle half of its rows and columns); or a PNG file of its size, white
 * where they are missing and black elsewhere.  RV_BAD_USAGE for another word, size or colour;
 * RV_BAD_FILE for an unreadable file. */
rv_status rv_inpaint_mask(rv_context *context, rv_data_sizes sizes, const char *mask,
                          uint8_t *missing);

#ifdef __cplusplus
}
#endif
#endif
