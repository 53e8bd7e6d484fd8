/* reverie/judge.h - floor 6: judging a run without a likelihood, by its samples and encodings.
 *
 *     rv_judge_config config = rv_judge_defaults();
 *     config.classifier = "runs/judge";          // the run of a classifier on the same data
 *     rv_judgement *judgement;
 *     if (rv_experiment_judge(run, &config, &judgement) == RV_OK)
 *         printf("FD %.2f\n", rv_values_number(&judgement->images, "frechet_distance"));
 *     rv_judgement_free(judgement);
 *
 * What the values are, each with its paper: reverie/metrics.h.
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

/* A trained classifier, to label images and to give the features in which they are compared. */
typedef struct rv_classifier rv_classifier;

/* Opens the run of a classifier with the weights of `checkpoint` ("last", "best", or a file) for
 * images of `sizes`, its low and high included: images of another range than the classifier was
 * trained on are converted.  It has a context of its own; failures are latched in `context`, which
 * must outlive it.  RV_BAD_USAGE: a run that does not classify, images of another size, or, unless
 * `data_name` is NULL, a classifier that was trained on other data. */
rv_status rv_classifier_open(rv_context *context, const rv_experiment_place *place,
                             const char *checkpoint, rv_data_sizes sizes, const char *data_name,
                             rv_classifier **out);
void rv_classifier_free(rv_classifier *classifier); /* NULL is ignored */
int rv_classifier_classes(const rv_classifier *classifier);
int64_t rv_classifier_feature_width(const rv_classifier *classifier);
/* The run's folder; owned by the classifier. */
const char *rv_classifier_name(const rv_classifier *classifier);
/* What the class of a number is called, "7" or the name of a folder; owned by the classifier.  NULL
 * outside [0, classes). */
const char *rv_classifier_class(const rv_classifier *classifier, int number);
/* images [count,D] -> probabilities [count,classes]. */
rv_status rv_classifier_probabilities(rv_classifier *classifier, const float *images, int64_t count,
                                      float *probabilities);
/* The same by evidence: softmax over the classes of a bound of log p(x, y).  RV_BAD_USAGE for a
 * model that has none. */
rv_status rv_classifier_evidence(rv_classifier *classifier, const float *images, int64_t count,
                                 float *probabilities);
/* The likeliest class of one image's probabilities [classes], the first of equals. */
int rv_classifier_likeliest(const rv_classifier *classifier, const float *probabilities);
/* images [count,D] -> features [count,F], F being rv_classifier_feature_width. */
rv_status rv_classifier_features(rv_classifier *classifier, const float *images, int64_t count,
                                 float *features);

/* ---- the judgement ---- */

typedef struct rv_judge_config {
    rv_split split;         /* the real images to compare with */
    int64_t count;          /* samples to draw; of `images` the first so many, 0: all */
    uint64_t seed;          /* of the samples */
    const char *classifier; /* folder of a classifier's run; NULL: encodings alone are judged */
    const char *images;     /* .npy file judged instead of samples of the run; NULL: samples */
    int pictures;           /* pairs of a sample and its nearest training image to draw; 0: none */
} rv_judge_config;
/* The test split, 10000 samples of seed 1, no pictures. */
rv_judge_config rv_judge_defaults(void);

typedef struct rv_judgement {
    /* `nearest_neighbour_codes` and `nearest_neighbour_features`, the share of images of the split
     * whose class is that of the training image with the nearest encoding z, and with the nearest
     * input of the encoder's last layer.  Absent for a model with a likelihood or without an
     * encoder, and with `images` of a file. */
    rv_values encodings;
    /* Empty without a classifier.  Counts: `images` judged; `compared` of them, and as many real
     * ones, spread evenly over the set, in its order; `real_images` of the split.
     * `frechet_distance`, and `frechet_floor`, the same of as many real images against others, not
     * of the split; rv_coverage at RV_COVERAGE_NEIGHBOURS (copies of real images have a density
     * above 1); `class_entropy`, `class_shares`, `confidence`; rv_memorisation in features as
     * `nearest_...` (held out: the split, or for `train` the held-out one). */
    rv_values images;
    rv_image *pictures; /* NULL unless asked for: the samples nearest to a training image, in rows
                           of 8, each above that image */
} rv_judgement;

/* RV_BAD_USAGE without a classifier where only samples could be judged, for a classifier that does
 * not fit the images (rv_classifier_open), for sets too small, and for encodings of the training
 * split itself.  Sends messages about its progress.  *out is the caller's, NULL on failure. */
rv_status rv_experiment_judge(rv_experiment *run, const rv_judge_config *config,
                              rv_judgement **out);
void rv_judgement_free(rv_judgement *judgement); /* NULL is ignored */

/* ---- probes on the codes of an encoder ----
 *
 * The encoder saw no label: what a probe reaches on its codes, compared with the same probe on raw
 * pixels, says how much the latents made of the classes.  reverie/metrics.h has the probes. */

typedef struct rv_run_probe_config {
    rv_split split; /* the images to be classified: RV_SPLIT_TEST or RV_SPLIT_VALIDATION */
    int64_t labels; /* training images whose labels are used, as many of each class; 0: all */
    uint64_t seed;  /* chooses them */
    int neighbours; /* k */
    int pixels;     /* 1: the same probes on pixels, for comparison */
    rv_probe_config softmax;
} rv_run_probe_config;
/* The test split, all labels, seed 1, 5 neighbours, with pixels. */
rv_run_probe_config rv_run_probe_defaults(void);

/* `codes` (means of the first group of latents) and `pixels`, where they are asked for, are lists
 * of a `width`, numbers an image, and of the accuracies of `softmax` and `neighbours`.  `labels`
 * and `examples` count the images learned from and classified, `classes` those that occur among
 * the former.  The list is the caller's, empty on failure.
 *
 * RV_BAD_USAGE: a model without an encoder, data without labels, more labels than there are images
 * (of a class), the training split, k out of range.  Sends messages about its progress. */
rv_status rv_experiment_probe(rv_experiment *run, const rv_run_probe_config *config,
                              rv_values *out);

/* ---- the estimates of reverie/inference.h for a run ---- */

/* Which images, and what stands for their pixels. */
typedef struct rv_run_images {
    rv_split split;
    int pixels; /* rv_pixels; -1: those that the run was trained on.  With others, numbers do not
                 * compare with the run's own, nor with any of its kind of pixels */
} rv_run_images;
/* The test split, the run's pixels. */
rv_run_images rv_run_images_defaults(void);
/* 1 when the run was trained on other pixels. */
int rv_run_images_differ(const rv_experiment *run, const rv_run_images *images);
/* The source of these images, the caller's; NULL on failure. */
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
