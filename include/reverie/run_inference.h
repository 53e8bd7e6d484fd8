/* reverie/run_inference.h - floor 6: the estimates of reverie/inference.h for a run.
 *
 *     rv_run_images images = rv_run_images_defaults();              // the test split, as trained
 *     rv_importance_config config = rv_importance_defaults();
 *     rv_importance importance;
 *     if (rv_experiment_importance(run, &images, &config, &importance) == RV_OK)
 *         printf("L_%lld %.2f\n", (long long)importance.samples, importance.bound);
 *     rv_importance_free(&importance);
 */
#ifndef REVERIE_RUN_INFERENCE_H
#define REVERIE_RUN_INFERENCE_H

#include "reverie/inference.h"
#include "reverie/run.h"

#ifdef __cplusplus
extern "C" {
#endif

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
