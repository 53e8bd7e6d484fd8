/* reverie/judge.h - floor 6: judging a run by its samples and encodings, without a likelihood.
 *
 *     rv_judge_config config = rv_judge_defaults();
 *     config.classifier = "runs/judge";          // the run of a classifier on the same data
 *     rv_judgement *judgement;
 *     if (rv_experiment_judge(run, &config, &judgement) == RV_OK)
 *         printf("FD %.2f\n", rv_values_number(&judgement->images, "frechet_distance"));
 *     rv_judgement_free(judgement);
 *
 * reverie/metrics.h defines the values, with their papers.
 */
#ifndef REVERIE_JUDGE_H
#define REVERIE_JUDGE_H

#include "reverie/figures.h"
#include "reverie/inference.h"
#include "reverie/metrics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- a classifier of another run ---- */

/* A trained classifier: labels images, and gives the features for comparing them. */
typedef struct rv_classifier rv_classifier;

/* Opens the run of a classifier with the weights of `checkpoint` ("last", "best", or a file), for
 * images of `sizes`; images whose range (low, high) is not that of the classifier's training are
 * converted.  Failures are latched in `context`, which must outlive the classifier.  The caller
 * frees *out.  RV_BAD_USAGE: a run that does not classify, images of another size, or, unless
 * `data_name` is NULL, a classifier that was trained on other data. */
rv_status rv_classifier_open(rv_context *context, const rv_experiment_place *place,
                             const char *checkpoint, rv_data_sizes sizes, const char *data_name,
                             rv_classifier **out);
void rv_classifier_free(rv_classifier *classifier); /* NULL is ignored */
int rv_classifier_classes(const rv_classifier *classifier);
int64_t rv_classifier_feature_width(const rv_classifier *classifier);
/* The folder of the run; owned by the classifier. */
const char *rv_classifier_name(const rv_classifier *classifier);
/* The name of a class, "7" or the name of a folder; owned by the classifier.  NULL outside [0,
 * classes). */
const char *rv_classifier_class(const rv_classifier *classifier, int number);
/* images [count,D] -> probabilities [count,classes]. */
rv_status rv_classifier_probabilities(rv_classifier *classifier, const float *images, int64_t count,
                                      float *probabilities);
/* The same by evidence: the softmax, over classes, of a bound of log p(x, y).  RV_BAD_USAGE for a
 * model without such a bound. */
rv_status rv_classifier_evidence(rv_classifier *classifier, const float *images, int64_t count,
                                 float *probabilities);
/* The most likely class by the probabilities [classes] of one image; the first of equals. */
int rv_classifier_likeliest(const rv_classifier *classifier, const float *probabilities);
/* images [count,D] -> features [count,F], F = rv_classifier_feature_width. */
rv_status rv_classifier_features(rv_classifier *classifier, const float *images, int64_t count,
                                 float *features);

/* ---- the judgement ---- */

typedef struct rv_judge_config {
    rv_split split;         /* the real images of the comparison */
    int64_t count;          /* samples to draw; with `images` the number of the first to use, 0:
                               all */
    uint64_t seed;          /* seed of the samples */
    const char *classifier; /* folder of a classifier's run; NULL: judges only encodings */
    const char *images;     /* .npy file to judge instead of samples of the run; NULL: samples */
    int pictures;           /* pairs (sample, nearest training image) to draw; 0: none */
} rv_judge_config;
/* The test split, 10000 samples of seed 1, no pictures. */
rv_judge_config rv_judge_defaults(void);

typedef struct rv_judgement {
    /* `nearest_neighbour_codes` and `nearest_neighbour_features`: the share of the split's images
     * that have the class of the nearest training image, by the encoding z and by the input of the
     * encoder's last layer.  Absent for a model with a likelihood or without an encoder, and if
     * `images` come from a file. */
    rv_values encodings;
    /* Empty without a classifier.  Counts: `images` judged; `compared` of them with equally many
     * real images, spread evenly over the set, in its order; `real_images` of the split.
     * `frechet_distance`; `frechet_floor`, the same distance between equally many real images and
     * other real images outside the split; rv_coverage at RV_COVERAGE_NEIGHBOURS (copies of real
     * images have a density above 1); `class_entropy`, `class_shares`, `confidence`;
     * rv_memorisation in features as `nearest_...` (held out: the split, or the held-out split for
     * `train`). */
    rv_values images;
    rv_image *pictures; /* NULL unless requested: the samples nearest to a training image, in rows
                           of 8, each above this image */
} rv_judgement;

/* Judges a run.  RV_BAD_USAGE without a classifier if only samples could be judged, for a
 * classifier that does not fit the images (rv_classifier_open), for sets that are too small, and
 * for encodings of the training split itself.  Sends messages about its progress.  The caller frees
 * *out; NULL on failure. */
rv_status rv_experiment_judge(rv_experiment *run, const rv_judge_config *config,
                              rv_judgement **out);
void rv_judgement_free(rv_judgement *judgement); /* NULL is ignored */

/* ---- probes on the codes of an encoder ----
 *
 * The encoder saw no labels: the accuracy of a probe on its codes, compared with the same probe on
 * raw pixels, shows how much the latents know about the classes.  reverie/metrics.h has the
 * probes. */

typedef struct rv_run_probe_config {
    rv_split split; /* the images to classify: RV_SPLIT_TEST or RV_SPLIT_VALIDATION */
    int64_t labels; /* training images with labels to use, equally many of each class; 0: all */
    uint64_t seed;  /* chooses these images */
    int neighbours; /* k */
    int pixels;     /* 1: also runs the probes on pixels */
    rv_probe_config softmax;
} rv_run_probe_config;
/* The test split, all labels, seed 1, 5 neighbours, with pixels. */
rv_run_probe_config rv_run_probe_defaults(void);

/* Values: `codes` (posterior means of the first group of latents) and, if requested, `pixels` are
 * lists with `width` (numbers for each image) and the accuracies of `softmax` and `neighbours`.
 * `labels` counts the training images, `examples` the classified images, `classes` the classes
 * among the training images.  The caller frees the list; it is empty on failure.
 *
 * RV_BAD_USAGE: a model without an encoder, data without labels, more labels than there are images
 * (of a class), the training split, k out of range.  Sends messages about its progress. */
rv_status rv_experiment_probe(rv_experiment *run, const rv_run_probe_config *config,
                              rv_values *out);

/* ---- the estimates of reverie/inference.h for a run ---- */

/* A split and the kind of its pixels. */
typedef struct rv_run_images {
    rv_split split;
    int pixels; /* rv_pixels; -1: as in the run's training.  With other pixels, numbers do not
                   compare with those of the run */
} rv_run_images;
/* The test split, the run's pixels. */
rv_run_images rv_run_images_defaults(void);
/* 1 when the run was trained on pixels of another kind. */
int rv_run_images_differ(const rv_experiment *run, const rv_run_images *images);
/* The source of these images; the caller frees it; NULL on failure. */
rv_source *rv_experiment_images(rv_experiment *run, const rv_run_images *images);

/* As rv_experiment_evaluate. */
rv_status rv_experiment_evaluate_images(rv_experiment *run, const rv_run_images *images,
                                        uint64_t seed, rv_report *report);
/* As rv_importance_estimate. */
rv_status rv_experiment_importance(rv_experiment *run, const rv_run_images *images,
                                   const rv_importance_config *config, rv_importance *out);
/* As rv_latents_analyse. */
rv_status rv_experiment_latents(rv_experiment *run, const rv_run_images *images,
                                const rv_latents_config *config, rv_latents_report *out);
/* As rv_gap_estimate. */
rv_status rv_experiment_gap(rv_experiment *run, const rv_run_images *images,
                            const rv_gap_config *config, rv_gap *out);

#ifdef __cplusplus
}
#endif
#endif
