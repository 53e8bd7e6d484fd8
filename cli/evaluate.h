/* The parts of `reverie evaluate`. */
#ifndef CLI_EVALUATE_H
#define CLI_EVALUATE_H

#include "experiment.h"

#include "reverie/judge.h"

/* What of: split, number of images, pixels; `more` ends the line.  The caller frees it. */
rv_values evaluate_head(const cli_call *call, const rv_experiment *run, int64_t images,
                        const char *more);

/* evaluate_inference.c: the images that --split and --pixels ask for. */
rv_run_images evaluate_which(const cli_call *call);
rv_pixels evaluate_pixels(const rv_experiment *run, const rv_run_images *images);
/* Gives (cli_give) what is asked for beside the values of a model: --samples, --latents. */
rv_status evaluate_samples(cli_call *call, rv_experiment *run, json_t **object);
rv_status evaluate_latents(cli_call *call, rv_experiment *run, json_t **object);
/* --gap, which stands alone. */
rv_status evaluate_gap(cli_call *call, rv_experiment *run);

#endif
