/* reverie evaluate --samples, --latents, --gap: how good the bound is, what the latents hold. */
#include "evaluate.h"

#include "terminal.h"

#include "core/memory.h"
#include "reverie/io.h"
#include "reverie/judge.h"

#include <math.h>
#include <stdio.h>

rv_run_images evaluate_which(const cli_call *call)
{
    rv_run_images images = rv_run_images_defaults();
    images.split = cli_split(call);
    if (cli_given(call, "pixels"))
        images.pixels = cli_choice(call, "pixels");
    return images;
}

rv_pixels evaluate_pixels(const rv_experiment *run, const rv_run_images *images)
{
    return images->pixels >= 0 ? (rv_pixels)images->pixels
                               : rv_experiment_settings(run)->data.pixels;
}

static void say_fewer(const cli_call *call, int64_t used)
{
    if (cli_given(call, "count"))
        cli_say_fewer(call, cli_integer(call, "count"), used, rv_split_name(cli_split(call)));
}

/* ---- progress ---- */

static rv_listener listen(cli_watch *watch)
{
    static int caught;
    if (!caught++)
        cli_catch_stop("stopping; Ctrl-C once more quits at once");
    return cli_listener(watch);
}

/* ---- the numbers of each image, in a file ---- */

/* Writes `width` numbers of each image, which `row` gives; nothing without --output. */
static rv_status save_each(cli_call *call, int64_t images, int width, const void *each,
                           void (*row)(const void *each, int64_t image, float *numbers))
{
    const int64_t dim[] = {images, width};
    const char *path = cli_text(call, "output");
    float *numbers = path ? rv_malloc((size_t)(images * width) * sizeof *numbers) : NULL;
    if (!path)
        return RV_OK;
    if (!numbers)
        return rv_fail_memory(call->context);
    for (int64_t i = 0; i < images; i++)
        row(each, i, numbers + i * width);
    rv_status status = rv_array_save(call->context, path, numbers, 2, dim);
    rv_free(numbers);
    return status;
}

static void say_file(cli_call *call, json_t **object, const char *what)
{
    const char *path = cli_text(call, "output");
    if (path && call->json)
        rv_json_put(object, "file", rv_json_text(path));
    else if (path)
        printf("%s: %s of each image\n", path, what);
}

/* ---- the importance-weighted bound ---- */

static void bound_row(const void *each, int64_t image, float *numbers)
{
    const rv_importance_example *example = (const rv_importance_example *)each + image;
    numbers[0] = (float)example->bound;
    numbers[1] = (float)example->effective;
    numbers[2] = (float)example->khat;
}

static void warn_tails(const cli_call *call, const rv_importance *found)
{
    if (rv_values_number(&found->values, "khat_warning") != 0)
        cli_say(call,
                "warning: k-hat is above %.1f for %.1f%% of the images (more than %.0f%%): their "
                "sums hang on a few samples.  L_%lld is a lower bound all the same, but how far "
                "below log p(x) it lies, its +- does not say",
                RV_KHAT_LIMIT, 100 * rv_values_number(&found->values, "khat_above"),
                100 * RV_KHAT_SHARE, (long long)found->samples);
}

rv_status evaluate_samples(cli_call *call, rv_experiment *run, json_t **object)
{
    rv_importance found;
    rv_run_images images = evaluate_which(call);
    rv_importance_config config = rv_importance_defaults();
    cli_watch watch = {.call = call, .progress = cli_progress_begin(call)};
    config.samples = cli_integer(call, "samples");
    config.images = cli_integer_or(call, "count", 0);
    config.seed = cli_seed(call);
    config.listener = listen(&watch);
    rv_status status = rv_experiment_importance(run, &images, &config, &found);
    cli_progress_hide(&watch.progress);
    if (status != RV_OK)
        return status;
    say_fewer(call, found.images);
    status = save_each(call, found.images, 3, found.each, bound_row);
    if (status == RV_OK) {
        cli_give(call, object, &found.values);
        say_file(call, object, "bound, effective sample size and k-hat");
        warn_tails(call, &found);
    }
    rv_importance_free(&found);
    return status;
}

/* ---- what the latents hold ---- */

/* What stays unknown, and why. */
static void explain(const cli_call *call, const rv_latents_report *found)
{
    if (isnan(rv_values_number(&found->values, "information")))
        cli_say(call, "the KL of a full covariance is not decomposed: that needs "
                      "posterior.covariance=diagonal");
    else if (isnan(rv_values_number(&found->values, "kl")))
        cli_say(call, "latents `%s`: their KL is given where N(0, I) is the prior of all latents",
                found->group);
}

/* One group of latents; *groups: how many there are. */
static rv_status evaluate_group(cli_call *call, rv_experiment *run, int group, json_t **list,
                                int *groups)
{
    rv_latents_report found;
    rv_run_images images = evaluate_which(call);
    rv_latents_config config = rv_latents_defaults();
    cli_watch watch = {.call = call, .progress = cli_progress_begin(call)};
    json_t *object = json_object();
    config.group = group;
    config.images = cli_integer_or(call, "count", 0);
    config.seed = cli_seed(call);
    config.listener = listen(&watch);
    rv_status status = rv_experiment_latents(run, &images, &config, &found);
    cli_progress_hide(&watch.progress);
    if (status != RV_OK) {
        json_decref(object);
        return status;
    }
    *groups = found.groups;
    if (group == 0)
        say_fewer(call, found.images);
    cli_give(call, &object, &found.values);
    rv_json_add(list, object);
    explain(call, &found);
    rv_latents_report_free(&found);
    return RV_OK;
}

rv_status evaluate_latents(cli_call *call, rv_experiment *run, json_t **object)
{
    int groups = 1;
    json_t *list = json_array();
    rv_status status = RV_OK;
    for (int group = 0; status == RV_OK && group < groups; group++)
        status = evaluate_group(call, run, group, &list, &groups);
    rv_json_put(object, "latents", list);
    return status;
}

/* ---- the gap report ---- */

static void gap_row(const void *each, int64_t image, float *numbers)
{
    const rv_gap_example *example = (const rv_gap_example *)each + image;
    numbers[0] = (float)example->elbo;
    numbers[1] = (float)example->svi_elbo;
    numbers[2] = (float)example->bound;
    numbers[3] = (float)example->svi_bound;
}

static rv_status give_gap(cli_call *call, rv_experiment *run, const rv_gap *gap)
{
    rv_run_images images = evaluate_which(call);
    rv_pixels pixels = evaluate_pixels(run, &images);
    char more[96];
    snprintf(more, sizeof more, ", %lld fresh draws an image; nats per image",
             (long long)gap->samples);
    rv_values head = evaluate_head(call, run, gap->images, more);
    json_t *object = json_object();
    rv_values_count(&head, "samples", gap->samples);
    cli_give(call, &object, &head);
    cli_give(call, &object, &gap->values);
    rv_values_free(&head);
    if (!call->json && pixels == RV_PIXELS_GRAY)
        printf("On gray pixels these are cross-entropies, not likelihoods of the data.\n");
    if (!call->json && rv_values_number(&gap->values, "amortisation_gap") < 0)
        printf("The fit fell short of the encoder: give it more --svi-steps.\n");
    say_file(call, &object, "elbo, svi_elbo, log_px and log_px_by_svi");
    return cli_end(call, object, RV_OK);
}

rv_status evaluate_gap(cli_call *call, rv_experiment *run)
{
    rv_gap gap;
    rv_run_images images = evaluate_which(call);
    rv_gap_config config = rv_gap_defaults();
    cli_watch watch = {.call = call, .progress = cli_progress_begin(call)};
    config.samples = cli_integer_or(call, "samples", config.samples);
    config.images = cli_integer_or(call, "count", config.images);
    config.seed = cli_seed(call);
    config.svi.steps = cli_integer(call, "svi-steps");
    config.listener = listen(&watch);
    rv_status status = rv_experiment_gap(run, &images, &config, &gap);
    cli_progress_hide(&watch.progress);
    if (status != RV_OK)
        return status;
    say_fewer(call, gap.images);
    status = save_each(call, gap.images, 4, gap.each, gap_row);
    if (status == RV_OK)
        status = give_gap(call, run, &gap);
    rv_gap_free(&gap);
    return status;
}
