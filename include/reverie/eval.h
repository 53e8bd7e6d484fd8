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

/* What a model needs to know of the images it is made for. */
rv_data_sizes rv_data_sizes_of(const rv_source *source);
/* Whether the images of a source are of the size and range that the model was made for, and, for a
 * model that has to do with labels, of as many classes.  RV_BAD_FILE, saying what the source has
 * and what the model takes.  Everything that reads a source for a model asks this first. */
rv_status rv_model_takes(const rv_model *model, const rv_source *source);

/* Means over the examples of a split, with their standard errors: NaN for one example. */
typedef struct rv_report {
    int64_t examples, draws; /* draws of the latents, an example */
    rv_values values;
    int64_t not_finite;       /* examples with a value that is not: these means say nothing then */
    int64_t first_not_finite; /* the first of them, */
    int bad_pixels;           /* and whether its pixels are not finite */
} rv_report;

/* "one latent sample an image", or how many. */
const char *rv_report_draws(const rv_report *report, char text[64]);
/* What was given a report and failed leaves it empty: it may be freed. */
void rv_report_free(rv_report *report);

typedef struct rv_evaluator rv_evaluator;

/* Programs are compiled at the first run, for this batch and for the last short one, and kept.
 * RV_BAD_USAGE for a model without `evaluate`.  The model must outlive the evaluator. */
rv_status rv_evaluator_new(rv_model *model, int64_t batch, rv_evaluator **out);
void rv_evaluator_free(rv_evaluator *evaluator);
/* One latent sample an image.  `seed` keys the draws.  On failure the report has no values. */
rv_status rv_evaluator_run(rv_evaluator *evaluator, rv_source *source, uint64_t seed,
                           rv_report *report);

/* z [count,Z] -> images [count,D], means of the likelihood in the range of the data.
 * RV_BAD_USAGE for a model without a decoder.  A model with classes takes them in rotation: image i
 * has class i mod classes. */
rv_status rv_view_decode(rv_model *model, const float *z, int64_t count, float *images);
/* The same with the class of each, [count]; NULL: in rotation.  RV_BAD_USAGE for a class that there
 * is not, and for a model that does not decode by class. */
rv_status rv_view_decode_classes(rv_model *model, const float *z, const int32_t *classes,
                                 int64_t count, float *images);
/* The same with a program that is kept: compiled once for up to `rows` rows at a time, it sees the
 * weights as they are at each run.  Not to be run while a step of training runs.  The model must
 * outlive the decoder. */
typedef struct rv_decoder rv_decoder;
rv_status rv_decoder_new(rv_model *model, int64_t rows, rv_decoder **out);
rv_status rv_decoder_run(rv_decoder *decoder, const float *z, int64_t count, float *images);
rv_status rv_decoder_run_classes(rv_decoder *decoder, const float *z, const int32_t *classes,
                                 int64_t count, float *images);
void rv_decoder_free(rv_decoder *decoder); /* NULL is ignored */
/* images [count,D] -> mean and deviation (may be NULL) [count,Z] of the first group of latents. */
rv_status rv_view_encode(rv_model *model, const float *images, int64_t count, float *mean,
                         float *deviation);
/* images [count,D] -> logits of the classes [count,classes].  RV_BAD_USAGE for a model that does
 * not classify. */
rv_status rv_view_classify(rv_model *model, const float *images, int64_t count, float *logits);
/* images [count,D] -> a bound of log p(x, y) for each class, nats, [count,classes], at the means
 * of the other latents' posteriors.  RV_BAD_USAGE for a model that has none. */
rv_status rv_view_class_evidence(rv_model *model, const float *images, int64_t count,
                                 float *bounds);
/* images [count,D] -> features [count,F], F being rv_view_feature_width (0 on failure). */
rv_status rv_view_features(rv_model *model, const float *images, int64_t count, float *features);
int64_t rv_view_feature_width(rv_model *model);
/* Draws z [count,Z] from the model's prior: draw i of the seed is the same whatever the count. */
rv_status rv_view_prior(rv_model *model, uint64_t seed, int64_t count, float *z);

#ifdef __cplusplus
}
#endif
#endif
