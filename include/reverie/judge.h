/* reverie/judge.h - floor 6: judging a run without a likelihood, by its samples and encodings.
 *
 *     rv_judge_config config = rv_judge_defaults();
 *     config.classifier = "runs/judge";          // the run of a classifier on the same data
 *     rv_judgement *judgement;
 *     if (rv_experiment_judge(run, &config, &judgement) == RV_OK)
 *         printf("FD %.2f, of real images %.2f\n", judgement->frechet_distance,
 *                judgement->frechet_floor);
 *     rv_judgement_free(judgement);
 *
 * What the values are, each with its paper: reverie/metrics.h.
 */
#ifndef REVERIE_JUDGE_H
#define REVERIE_JUDGE_H

#include "reverie/metrics.h"
#include "reverie/run.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- images from a file ---- */

typedef struct rv_images {
    float *values; /* [count,D] in the range asked for; rv_io_free */
    int64_t count;
} rv_images;

/* Reads an .npy file of images of `sizes`: [N,H,W,C], [N,H,W], [N,D], and [N,1,H,W] for one channel
 * (the same values in the same order); bytes 0..255, which become low..high, or numbers in that
 * range.  On failure *out is zero: RV_BAD_FILE for a file that is missing or no such array or holds
 * values that are not finite, RV_BAD_USAGE for another size (both are told) or range. */
rv_status rv_images_load(rv_context *context, const char *path, rv_data_sizes sizes,
                         rv_images *out);
/* The sizes of a run's images, with the range that they have when data.normalize moves it. */
rv_data_sizes rv_experiment_sizes(rv_experiment *run);

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
    rv_split split;
    /* The share of images of the split whose class is that of the training image with the nearest
     * encoding z, and with the nearest features, of which the encoder's last layer makes z; NaN for
     * a model with a likelihood or without an encoder, and with `images`. */
    double nearest_neighbour_codes, nearest_neighbour_features;

    /* The rest is there with a classifier: `images` is 0 without. */
    int64_t images;   /* judged */
    int64_t compared; /* of them, and as many real ones, in the distances and the scores: where
                         there are more, those spread evenly over the set, in its order */
    int64_t real;     /* real images of the split that there are to compare with */
    double frechet_distance;
    double frechet_floor; /* the same of as many real images against others, not of the split */
    rv_coverage scores;   /* RV_COVERAGE_NEIGHBOURS; copies of real images have a density above 1 */
    int classes;
    double *class_shares;    /* [classes] as the classifier sees them */
    char (*class_names)[32]; /* [classes] what it calls them, cut to 31 bytes */
    double class_entropy;    /* nats, at most log(classes) */
    double confidence;       /* mean probability of the likeliest class */
    rv_memorisation nearest; /* in features; held out: the split, or for `train` the held-out one */
    rv_image *pictures;      /* NULL unless asked for: the samples nearest to a training image, in
                                rows of 8, each above that image */
} rv_judgement;

/* RV_BAD_USAGE without a classifier where only samples could be judged, for a classifier that does
 * not fit the images (rv_classifier_open), for sets too small, and for encodings of the training
 * split itself.  Sends messages about its progress.  *out is the caller's, NULL on failure. */
rv_status rv_experiment_judge(rv_experiment *run, const rv_judge_config *config,
                              rv_judgement **out);
void rv_judgement_free(rv_judgement *judgement); /* NULL is ignored */

#ifdef __cplusplus
}
#endif
#endif
