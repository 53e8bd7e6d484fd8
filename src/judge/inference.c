/* Estimates of a run's model over a split of its data. */
#include "reverie/judge.h"

#include "figures/figures.h"

rv_run_images rv_run_images_defaults(void)
{
    return (rv_run_images){RV_SPLIT_TEST, -1};
}

int rv_run_images_differ(const rv_experiment *run, const rv_run_images *images)
{
    return images->pixels >= 0 && images->pixels != (int)run->settings->data.pixels;
}

rv_source *rv_experiment_images(rv_experiment *run, const rv_run_images *images)
{
    rv_data_config data = run_data(run);
    if (images->pixels >= 0)
        data.pixels = (rv_pixels)images->pixels;
    return run_open_source(run, &data, images->split);
}

rv_status rv_experiment_evaluate_images(rv_experiment *run, const rv_run_images *images,
                                        uint64_t seed, rv_report *report)
{
    rv_source *source = rv_experiment_images(run, images);
    rv_status status = run_evaluate(run, source, seed, report);
    rv_source_free(source);
    return status;
}

rv_status rv_experiment_importance(rv_experiment *run, const rv_run_images *images,
                                   const rv_importance_config *config, rv_importance *out)
{
    rv_source *source = rv_experiment_images(run, images);
    rv_status status = rv_importance_estimate(run->model, source, config, out);
    rv_source_free(source);
    return status;
}

rv_status rv_experiment_latents(rv_experiment *run, const rv_run_images *images,
                                const rv_latents_config *config, rv_latents_report *out)
{
    rv_source *source = rv_experiment_images(run, images);
    rv_status status = rv_latents_analyse(run->model, source, config, out);
    rv_source_free(source);
    return status;
}

rv_status rv_experiment_gap(rv_experiment *run, const rv_run_images *images,
                            const rv_gap_config *config, rv_gap *out)
{
    rv_source *source = rv_experiment_images(run, images);
    rv_status status = rv_gap_estimate(run->model, source, config, out);
    rv_source_free(source);
    return status;
}
