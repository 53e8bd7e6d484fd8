/* reverie evaluate: the values of a split, or of given images. */
#include "experiment.h"
#include "terminal.h"

#include "core/memory.h"
#include "core/text.h"
#include "reverie/io.h"
#include "reverie/judge.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The images that --split and --pixels select. */
static rv_run_images images_asked(const cli_call *call)
{
    rv_run_images images = rv_run_images_defaults();
    images.split = cli_split(call);
    if (cli_given(call, "pixels"))
        images.pixels = cli_choice(call, "pixels");
    return images;
}

static rv_pixels pixels_of(const rv_experiment *run, const rv_run_images *images)
{
    return images->pixels >= 0 ? (rv_pixels)images->pixels
                               : rv_experiment_settings(run)->data.pixels;
}

/* The name of values that are real numbers, with a density, and no pixels as they are. */
static void name_real(const rv_experiment *run, const char **name)
{
    const rv_data_sizes *sizes = &rv_experiment_model((rv_experiment *)run)->sizes;
    if (sizes->are_points)
        *name = "points";
    else if (sizes->logit > 0)
        *name = sizes->dequantised ? "logits of dequantised" : "logits of";
    else if (sizes->dequantised)
        *name = "dequantised";
}

/* The evaluated images: split, number, pixels; `more` ends the line.  The caller frees it. */
static rv_values head_of(const cli_call *call, const rv_experiment *run, int64_t images,
                         const char *more)
{
    rv_run_images which = images_asked(call);
    const char *split = rv_split_name(which.split);
    const char *pixels = rv_pixels_name(pixels_of(run, &which));
    rv_values head = rv_values_of(call->context);
    name_real(run, &pixels);
    rv_values_word(&head, "split", split);
    rv_values_count(&head, "examples", images);
    rv_values_word(&head, "pixels", pixels);
    if (strcmp(pixels, "points") == 0)
        rv_values_line(&head, "%s, %lld points%s", split, (long long)images, more);
    else
        rv_values_line(&head, "%s, %lld images, %s pixels%s", split, (long long)images, pixels,
                       more);
    return head;
}

static void say_fewer(const cli_call *call, int64_t used)
{
    cli_say_fewer(call, cli_integer_or(call, "count", 0), used, rv_split_name(cli_split(call)));
}

/* ---- progress ---- */

static rv_listener listen(cli_watch *watch)
{
    static int caught;
    if (!caught++)
        cli_catch_stop("stopping; Ctrl-C once more quits at once");
    return cli_listener(watch);
}

/* ---- the values of each image, in a file ---- */

/* Writes `width` doubles for each image from an array of structs of `bytes` each; does nothing
 * without --output. */
static rv_status save_each(cli_call *call, int64_t images, const void *each, size_t bytes,
                           const size_t *place, int width)
{
    const int64_t dim[] = {images, width};
    const char *path = cli_text(call, "output"), *at = each;
    float *numbers = path ? rv_malloc((size_t)(images * width) * sizeof *numbers) : NULL;
    if (!path)
        return RV_OK;
    if (!numbers)
        return rv_fail_memory(call->context);
    for (int64_t i = 0; i < images; i++, at += bytes)
        for (int k = 0; k < width; k++)
            numbers[i * width + k] = (float)*(const double *)(const void *)(at + place[k]);
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
        printf("%s: %s\n", path, what);
}

/* ---- the importance-weighted bound ---- */

static void warn_tails(const cli_call *call, const rv_importance *found)
{
    if (rv_values_number(&found->values, "khat_warning") != 0)
        cli_say(call,
                "warning: k-hat is above %.1f for %.1f%% of the images (more than %.0f%%): their "
                "sums depend on a few samples.  L_%lld is still a lower bound, but its +- does not "
                "say how far below log p(x) it is",
                RV_KHAT_LIMIT, 100 * rv_values_number(&found->values, "khat_above"),
                100 * RV_KHAT_SHARE, (long long)found->samples);
}

static rv_status evaluate_samples(cli_call *call, rv_experiment *run, json_t **object)
{
    static const size_t place[] = {offsetof(rv_importance_example, bound),
                                   offsetof(rv_importance_example, effective),
                                   offsetof(rv_importance_example, khat)};
    rv_importance found;
    rv_run_images images = images_asked(call);
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
    status = save_each(call, found.images, found.each, sizeof *found.each, place, CLI_COUNT(place));
    if (status == RV_OK) {
        cli_give(call, object, &found.values);
        say_file(call, object, "bound, effective sample size and k-hat of each image");
        warn_tails(call, &found);
    }
    rv_importance_free(&found);
    return status;
}

/* ---- analysis of the latents ---- */

/* Explains the missing values. */
static void explain(const cli_call *call, const rv_latents_report *found)
{
    if (isnan(rv_values_number(&found->values, "information")))
        cli_say(call, "the KL of a full covariance is not decomposed: that needs "
                      "posterior.covariance=diagonal");
    else if (isnan(rv_values_number(&found->values, "kl")))
        cli_say(call, "latents `%s`: their KL is given where N(0, I) is the prior of all latents",
                found->group);
}

/* One group of latents; *groups: their number. */
static rv_status evaluate_group(cli_call *call, rv_experiment *run, int group, json_t **list,
                                int *groups)
{
    rv_latents_report found;
    rv_run_images images = images_asked(call);
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

static rv_status evaluate_latents(cli_call *call, rv_experiment *run, json_t **object)
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

static rv_status give_gap(cli_call *call, rv_experiment *run, const rv_gap *gap)
{
    rv_run_images images = images_asked(call);
    rv_pixels pixels = pixels_of(run, &images);
    char more[96];
    snprintf(more, sizeof more, ", %lld fresh draws an image; nats per image",
             (long long)gap->samples);
    rv_values head = head_of(call, run, gap->images, more);
    json_t *object = json_object();
    rv_values_count(&head, "samples", gap->samples);
    cli_give(call, &object, &head);
    cli_give(call, &object, &gap->values);
    rv_values_free(&head);
    if (!call->json && pixels == RV_PIXELS_GRAY && rv_model_is_bernoulli(rv_experiment_model(run)))
        printf("On gray pixels these are cross-entropies, not likelihoods of the data.\n");
    if (!call->json && rv_values_number(&gap->values, "amortisation_gap") < 0)
        printf("The fit fell short of the encoder: give it more --svi-steps.\n");
    say_file(call, &object, "elbo, svi_elbo, log_px and log_px_by_svi of each image");
    return cli_end(call, object, RV_OK);
}

static rv_status evaluate_gap(cli_call *call, rv_experiment *run)
{
    static const size_t place[] = {
        offsetof(rv_gap_example, elbo), offsetof(rv_gap_example, svi_elbo),
        offsetof(rv_gap_example, bound), offsetof(rv_gap_example, svi_bound)};
    rv_gap gap;
    rv_run_images images = images_asked(call);
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
    status = save_each(call, gap.images, gap.each, sizeof *gap.each, place, CLI_COUNT(place));
    if (status == RV_OK)
        status = give_gap(call, run, &gap);
    rv_gap_free(&gap);
    return status;
}

/* ---- values for each image: a bound, or the accuracy ---- */

static void give_report(cli_call *call, rv_experiment *run, const rv_report *report,
                        json_t **object)
{
    char draws[64], more[96] = "; cross-entropy in nats per image";
    rv_run_images images = images_asked(call);
    const rv_model_kind *kind = rv_experiment_model(run)->kind;
    int classifies = rv_model_kind_has(kind, RV_CLASSIFIER) &&
                     !rv_model_kind_has(kind, RV_DECODER); /* and no other ability */
    int points = rv_experiment_model(run)->sizes.are_points;
    if (!classifies)
        snprintf(more, sizeof more, ", %s; nats per %s",
                 points && report->draws > 0 ? "a draw for each" : rv_report_draws(report, draws),
                 points ? "point" : "image");
    rv_values head = head_of(call, run, report->examples, more);
    cli_give(call, object, &head);
    cli_give(call, object, &report->values);
    rv_values_free(&head);
    if (!call->json && pixels_of(run, &images) == RV_PIXELS_GRAY && !classifies &&
        rv_model_is_bernoulli(rv_experiment_model(run)))
        printf("On gray pixels this is a cross-entropy, not a likelihood of the data.\n");
}

/* Values that are not finite are an error, not an evaluation. */
static rv_status check_finite(cli_call *call, const rv_report *report)
{
    for (int i = 0; i < report->values.count; i++)
        if (!isfinite(report->values.row[i].value))
            return rv_fail(call->context, RV_NOT_FINITE,
                           "%s: %s is not finite on the %s images: take an earlier --checkpoint, "
                           "and look at the alarms in report.html",
                           call->argument[0], report->values.row[i].name,
                           rv_split_name(cli_split(call)));
    return RV_OK;
}

static rv_status evaluate_values(cli_call *call, rv_experiment *run)
{
    rv_report report;
    json_t *object = json_object();
    rv_run_images images = images_asked(call);
    rv_status status = rv_experiment_evaluate_images(run, &images, cli_seed(call), &report);
    if (status == RV_OK)
        give_report(call, run, &report, &object);
    if (status == RV_OK && cli_given(call, "samples"))
        status = evaluate_samples(call, run, &object);
    if (status == RV_OK && cli_given(call, "latents"))
        status = evaluate_latents(call, run, &object);
    status = cli_end(call, object, status);
    if (status == RV_OK)
        status = check_finite(call, &report);
    rv_report_free(&report);
    return status;
}

/* ---- quality of images and encodings ---- */

static rv_status give_judgement(cli_call *call, const rv_judgement *judgement)
{
    json_t *object = json_object();
    cli_give(call, &object, &judgement->encodings);
    cli_give(call, &object, &judgement->images);
    if (judgement->pictures)
        say_file(call, &object, "the images nearest to a training image, each above it");
    return cli_end(call, object, RV_OK);
}

static rv_status evaluate_images(cli_call *call, rv_experiment *run)
{
    rv_judge_config config = rv_judge_defaults();
    rv_judgement *judgement;
    config.split = cli_split(call);
    config.seed = cli_seed(call);
    config.classifier = cli_text(call, "classifier");
    config.images = cli_text(call, "images");
    config.count = cli_integer_or(call, "count", config.images ? 0 : config.count);
    if (cli_text(call, "output"))
        config.pictures = 32;
    rv_status status = rv_experiment_judge(run, &config, &judgement);
    if (status != RV_OK)
        return status;
    if (config.images && config.count > 0)
        cli_say_fewer(call, config.count, (int64_t)rv_values_number(&judgement->images, "images"),
                      config.images);
    if (judgement->pictures)
        status = rv_image_save(call->context, judgement->pictures, cli_text(call, "output"));
    if (status == RV_OK)
        status = give_judgement(call, judgement);
    rv_judgement_free(judgement);
    return status;
}

/* ---- the choice of values ---- */

static rv_status check_output(cli_call *call, int values)
{
    const char *output = cli_text(call, "output");
    if (output && values && !rv_ends_with(output, ".npy"))
        return rv_fail(call->context, RV_BAD_USAGE,
                       "-o %s: the values of each image are an array, whose name ends in .npy",
                       output);
    if (output && !values && !rv_ends_with(output, ".png"))
        return rv_fail(call->context, RV_BAD_USAGE,
                       "-o %s: numbers of each image (.npy) need --samples K or --gap; a "
                       "picture's name ends in .png",
                       output);
    if (output && !values && !cli_text(call, "classifier"))
        return rv_fail(call->context, RV_BAD_USAGE,
                       "-o draws the images nearest to a training image, in the features of a "
                       "classifier: give --classifier RUN2");
    return RV_OK;
}

static rv_status check_options(cli_call *call, int images)
{
    static const char *const of_bounds[] = {"samples", "latents", "gap", "pixels"};
    int each = cli_given(call, "samples") || cli_given(call, "gap");
    for (int i = 0; images && i < CLI_COUNT(of_bounds); i++)
        if (cli_given(call, of_bounds[i]))
            return rv_fail(call->context, RV_BAD_USAGE,
                           "--%s is of a model's bound, and images are judged without one: leave "
                           "out --classifier and --images, and choose a model with a bound",
                           of_bounds[i]);
    if (cli_given(call, "svi-steps") && !cli_given(call, "gap"))
        return rv_fail(call->context, RV_BAD_USAGE, "--svi-steps is of --gap: give it too");
    if (!images && !each && !cli_given(call, "latents") && cli_given(call, "count"))
        return rv_fail(call->context, RV_BAD_USAGE,
                       "--count is of --samples, --latents, --gap, and the images that "
                       "--classifier judges: give one of them too");
    if (!images && cli_given(call, "gap") && cli_given(call, "latents"))
        return rv_fail(call->context, RV_BAD_USAGE,
                       "--gap stands alone: ask for --latents in another call");
    if (cli_given(call, "seed") && cli_text(call, "images"))
        return rv_fail(call->context, RV_BAD_USAGE,
                       "--seed is of draws, and the images of a file are not drawn: leave it out");
    return check_output(call, each);
}

/* Before any work, and before output: the bound of the split is printed first. */
static rv_status check_estimators(cli_call *call, rv_experiment *run)
{
    rv_model *model = rv_experiment_model(run);
    rv_status status = cli_given(call, "samples") ? rv_importance_check(model) : RV_OK;
    return status == RV_OK && cli_given(call, "latents") ? rv_latents_check(model) : status;
}

/* Pixels of another kind are other data: warns before any number. */
static void warn_pixels(const cli_call *call, const rv_experiment *run)
{
    rv_run_images images = images_asked(call);
    const char *trained = rv_pixels_name(rv_experiment_settings(run)->data.pixels);
    if (rv_run_images_differ(run, &images))
        cli_say(call,
                "the run was trained on %s pixels and is evaluated on %s ones: the numbers do not "
                "compare with its own, nor with those of other runs on %s pixels",
                trained, rv_pixels_name(pixels_of(run, &images)), trained);
}

static rv_status run_evaluate(cli_call *call)
{
    rv_experiment *run;
    rv_status status = cli_check_output(call, cli_text(call, "output"), "");
    if (status != RV_OK)
        return status;
    status = cli_open(call, cli_choice(call, "weights"), &run);
    if (status != RV_OK)
        return status;
    int images = cli_text(call, "classifier") || cli_text(call, "images") ||
                 !rv_model_has(rv_experiment_model(run), RV_EVALUATION);
    status = check_options(call, images);
    if (status == RV_OK && !images)
        status = check_estimators(call, run);
    if (status == RV_OK)
        status = cli_choose_split(call, run);
    if (status == RV_OK)
        warn_pixels(call, run);
    if (status == RV_OK && images)
        status = evaluate_images(call, run);
    else if (status == RV_OK && cli_given(call, "gap"))
        status = evaluate_gap(call, run);
    else if (status == RV_OK)
        status = evaluate_values(call, run);
    rv_experiment_free(run);
    return status;
}

static const cli_option options[] = {
    CLI_SPLIT("test"),
    CLI_INTEGER("samples", 0, "K", NULL, 1, 1e9,
                "importance-weighted bound L_K of log p(x), from K latent samples an image"),
    CLI_SWITCH("latents", "what the KL is made of, active units, the KL of each latent"),
    CLI_SWITCH("gap", "ELBO, ELBO of a posterior fitted to each image, L_K, side by side"),
    CLI_INTEGER("svi-steps", 0, "N", "500", 1, 1e6, "steps that fit a posterior to an image"),
    CLI_CHOICE("pixels", "MODE", NULL, "gray|static|dynamic|threshold",
               "other pixels than the run was trained on"),
    CLI_TEXT("classifier", 0, "RUN2", NULL, "judge images, in the features of this classifier"),
    CLI_TEXT("images", 0, "FILE", NULL,
             "judge the images of an .npy file instead of the run's samples"),
    CLI_INTEGER(
        "count", 0, "N", NULL, 1, 1e7,
        "of --samples, --latents, --gap (100): the first N images; else samples to judge (10000)"),
    CLI_TEXT("output", 'o', "FILE", NULL,
             "numbers of each image, .npy; the images nearest to a training image, .png"),
    CLI_CHECKPOINT,
    CLI_CHOICE("weights", "WHICH", "trained", "trained|ema",
               "the trained weights, or their moving averages"),
    CLI_SEED("of the latent samples"),
};

const cli_verb cli_verb_evaluate = {
    .name = "evaluate",
    .summary = "the bound of a split in its parts, or how good the images of a model are",
    .usage = "RUN [--split test] [--samples K] [--latents] [--gap] [--classifier RUN2]",
    .example = "reverie evaluate runs/first --split test\n"
               "reverie evaluate runs/first --samples 5000\n"
               "reverie evaluate runs/first --gap --count 100 --svi-steps 500",
    .details =
        "A model with a bound: nats per image.  --samples K adds log p(x) as the "
        "importance-weighted bound L_K, and its diagnostics; --latents the parts of the KL; --gap "
        "the encoder's share of the gap between the ELBO and log p(x).  A classifier: its "
        "accuracy.  With --classifier, and for a model without a bound: the Frechet distance, next "
        "to that of real images, precision, recall, density and coverage, classes, and nearness "
        "to training images; measured on --images FILE.npy ([N,H,W,C] in the run's range, or "
        "bytes) if given, else on samples.  A model with an encoder and no bound: the "
        "1-nearest-neighbour accuracy of its encodings.",
    CLI_OPTIONS(options),
    .arguments = {1, 1},
    .run = run_evaluate,
};
