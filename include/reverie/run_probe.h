/* reverie/run_probe.h - floor 6: a trained encoder as a classifier, by probes on its codes.
 *
 *     rv_run_probe_config config = rv_run_probe_defaults();
 *     config.labels = 1000;                            // of the training images, as many a class
 *     rv_run_probe probe;
 *     if (rv_experiment_probe(run, &config, &probe) == RV_OK)
 *         printf("%.4f, of pixels %.4f\n", probe.codes.softmax.accuracy,
 *                probe.pixels.softmax.accuracy);
 *
 * The encoder saw no label: what a probe reaches on its codes, beside the same on raw pixels, says
 * how much the latents made of the classes.  The probes themselves: reverie/probe.h.
 */
#ifndef REVERIE_RUN_PROBE_H
#define REVERIE_RUN_PROBE_H

#include "reverie/probe.h"
#include "reverie/run.h"

#ifdef __cplusplus
extern "C" {
#endif

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

/* Of one representation of the images. */
typedef struct rv_probe_pair {
    int64_t width; /* numbers an image */
    rv_probe_score softmax, neighbours;
} rv_probe_pair;

typedef struct rv_run_probe {
    int64_t trained_on, classified; /* images */
    int classes;                    /* that occur among the images trained on */
    rv_probe_pair codes;            /* means of the first group of latents */
    rv_probe_pair pixels;           /* width 0: not asked for */
} rv_run_probe;

/* RV_BAD_USAGE: a model without an encoder, data without labels, more labels than there are images
 * (of a class), the training split, k out of range.  Sends messages about its progress. */
rv_status rv_experiment_probe(rv_experiment *run, const rv_run_probe_config *config,
                              rv_run_probe *out);

#ifdef __cplusplus
}
#endif
#endif
