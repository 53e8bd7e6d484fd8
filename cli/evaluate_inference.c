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
    images.split = (rv_split)cli_choice(call, "split");
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
        cli_say_fewer(call, cli_integer(call, "count"), used,
                      rv_split_name((rv_split)cli_choice(call, "split")));
}

/* ---- progress ---- */

static rv_listener listen(cli_watch *watch)
{
    static int caught;
    if (!caught++)
        cli_catch_stop("stopping; Ctrl-C once more quits at once");
    return cli_listener(watch);
}

/* ---- the importance-weighted bound ---- */

/* [N,3]: bound, effective sample size, k-hat. */
static rv_status save_each(cli_call *call, const rv_importance *found)
{
    const int64_t dim[] = {found->images, 3};
    const char *path = cli_text(call, "output");
    float *rows = path ? rv_malloc((size_t)(found->images * 3) * sizeof *rows) : NULL;
    if (!path)
        return RV_OK;
    if (!rows)
        return rv_fail_memory(call->context);
    for (int64_t i = 0; i < found->images; i++) {
        rows[3 * i] = (float)found->each[i].bound;
        rows[3 * i + 1] = (float)found->each[i].effective;
        rows[3 * i + 2] = (float)found->each[i].khat;
    }
    rv_status status = rv_array_save(call->context, path, rows, 2, dim);
    rv_free(rows);
    return status;
}

static const char one_image[] = "one image has no standard error";
static const char no_khat[] = "the tails have too few weights";

static void add_importance(json_t *object, const rv_importance *found, const char *output)
{
    json_object_set_new(object, "log_px", rv_json_number(found->bound));
    json_object_set_new(object, "standard_error",
                        rv_json_number_or(found->standard_error, one_image));
    json_object_set_new(object, "samples", json_integer((json_int_t)found->samples));
    json_object_set_new(object, "log_px_examples", json_integer((json_int_t)found->images));
    json_object_set_new(object, "ess_share", rv_json_number(found->effective_share));
    json_object_set_new(object, "ess_median", rv_json_number(found->effective_median));
    json_object_set_new(object, "ess_least", rv_json_number(found->effective_least));
    json_object_set_new(object, "khat_median", rv_json_number_or(found->khat_median, no_khat));
    json_object_set_new(object, "khat_above", rv_json_number_or(found->khat_share, no_khat));
    json_object_set_new(object, "khat_warning", json_boolean(found->heavy));
    if (output)
        json_object_set_new(object, "file", rv_json_text(output));
}

/* "0.123", or "-" where it is not known. */
static const char *cell(char text[32], double value, int digits)
{
    if (isnan(value))
        snprintf(text, 32, "-");
    else
        snprintf(text, 32, "%.*f", digits, value);
    return text;
}

static void print_importance(const rv_importance *found, const char *output)
{
    char name[32], error[32];
    snprintf(name, sizeof name, "L_%lld", (long long)found->samples);
    printf("%lld latent sample%s an image%s, %lld images\n", (long long)found->samples,
           found->samples == 1 ? "" : "s", found->samples == 1 ? ": one draw of the ELBO" : "",
           (long long)found->images);
    printf("  %-16s %10.3f  +- %s, a lower bound of log p(x)\n", name, found->bound,
           cell(error, found->standard_error, 3));
    printf("  %-16s %10.1f  median effective sample size; least %.1f, mean share %.2f%%\n", "ess",
           found->effective_median, found->effective_least, 100 * found->effective_share);
    if (!isnan(found->khat_share))
        printf("  %-16s %10.2f  median; above %.1f for %.1f%% of the images\n", "khat",
               found->khat_median, RV_KHAT_LIMIT, 100 * found->khat_share);
    if (output)
        printf("%s: bound, effective sample size and k-hat of each image\n", output);
}

static void warn_tails(const cli_call *call, const rv_importance *found)
{
    if (found->heavy)
        cli_say(call,
                "warning: k-hat is above %.1f for %.1f%% of the images (more than %.0f%%): their "
                "sums hang on a few samples.  L_%lld is a lower bound all the same, but how far "
                "below log p(x) it lies, its +- does not say",
                RV_KHAT_LIMIT, 100 * found->khat_share, 100 * RV_KHAT_SHARE,
                (long long)found->samples);
}

rv_status evaluate_samples(cli_call *call, rv_experiment *run, json_t *object)
{
    rv_importance found;
    rv_run_images images = evaluate_which(call);
    rv_importance_config config = rv_importance_defaults();
    cli_watch watch = {.call = call, .progress = cli_progress_begin(call)};
    config.samples = cli_integer(call, "samples");
    config.images = cli_given(call, "count") ? cli_integer(call, "count") : 0;
    config.seed = (uint64_t)cli_integer(call, "seed");
    config.listener = listen(&watch);
    rv_status status = rv_experiment_importance(run, &images, &config, &found);
    cli_progress_hide(&watch.progress);
    if (status != RV_OK)
        return status;
    say_fewer(call, found.images);
    status = save_each(call, &found);
    if (status == RV_OK && object)
        add_importance(object, &found, cli_text(call, "output"));
    else if (status == RV_OK)
        print_importance(&found, cli_text(call, "output"));
    if (status == RV_OK)
        warn_tails(call, &found);
    rv_importance_free(&found);
    return status;
}

/* ---- what the latents hold ---- */

static json_t *units_json(const rv_latents_report *found)
{
    json_t *units = json_array();
    for (int64_t i = 0; units && i < found->width; i++) {
        const rv_latent_unit *unit = &found->unit[i];
        json_array_append_new(units,
                              json_pack("{s:o, s:o, s:o, s:b}", "kl",
                                        rv_json_number_or(unit->kl, "the prior is not N(0, I)"),
                                        "variance", rv_json_number(unit->variance), "deviation",
                                        rv_json_number_or(unit->deviation, "categorical"), "active",
                                        unit->is_active));
    }
    return units;
}

/* As explain() says it. */
static json_t *latents_json(const rv_latents_report *found)
{
    static const char no_kl[] = "the prior is not N(0, I)";
    static const char no_parts[] = "the KL of a full covariance is not decomposed";
    const char *parts = isnan(found->information) ? no_parts : no_kl;
    int alone = found->images == 1;
    json_t *object = json_pack("{s:s, s:I, s:I}", "group", found->group, "examples",
                               (json_int_t)found->images, "width", (json_int_t)found->width);
    rv_json_put(&object, "kl", rv_json_number_or(found->kl, no_kl));
    rv_json_put(&object, "kl_error",
                rv_json_number_or(found->kl_error, isnan(found->kl) || !alone ? no_kl : one_image));
    rv_json_put(&object, "information", rv_json_number_or(found->information, no_parts));
    rv_json_put(&object, "information_error",
                rv_json_number_or(found->information_error,
                                  isnan(found->information) || !alone ? no_parts : one_image));
    rv_json_put(&object, "information_most", rv_json_number(found->most_information));
    rv_json_put(&object, "marginal_kl", rv_json_number_or(found->marginal_kl, parts));
    rv_json_put(&object, "marginal_kl_error",
                rv_json_number_or(found->marginal_kl_error,
                                  isnan(found->marginal_kl) || !alone ? parts : one_image));
    rv_json_put(&object, "active_units", json_integer((json_int_t)found->active));
    rv_json_put(&object, "units", units_json(found));
    return object;
}

static void print_part(const char *name, double value, double error, const char *about)
{
    char text[32];
    if (!isnan(value))
        printf("  %-16s %10.3f  +- %s, %s\n", name, value, cell(text, error, 3), about);
}

/* The units, those of the largest KL (or variance) first. */
static void print_units(cli_call *call, const rv_latents_report *found)
{
    char kl[32], deviation[32];
    unsigned char *shown = rv_calloc((size_t)found->width, 1);
    printf("  unit       kl  variance of the mean   mean deviation\n");
    for (int64_t line = 0; shown && line < found->width; line++) {
        int64_t best = -1;
        for (int64_t i = 0; i < found->width; i++) {
            const rv_latent_unit *a = &found->unit[i], *b = best < 0 ? a : &found->unit[best];
            int more = isnan(a->kl) ? a->variance > b->variance : a->kl > b->kl;
            if (!shown[i] && (best < 0 || more))
                best = i;
        }
        shown[best] = 1;
        const rv_latent_unit *unit = &found->unit[best];
        printf("  %4lld %8s  %20.4f  %15s%s\n", (long long)best, cell(kl, unit->kl, 3),
               unit->variance, cell(deviation, unit->deviation, 4),
               unit->is_active ? "" : "  not active");
    }
    if (!shown)
        rv_fail_memory(call->context);
    rv_free(shown);
}

static void print_latents(cli_call *call, const rv_latents_report *found)
{
    char most[64];
    snprintf(most, sizeof most, "of the image in its code; log N is %.3f", found->most_information);
    printf("latents `%s`, %lld images, one draw each; nats\n", found->group,
           (long long)found->images);
    print_part("kl", found->kl, found->kl_error, "average KL(q(z|x) || p(z)), in closed form");
    print_part("information", found->information, found->information_error, most);
    print_part("marginal_kl", found->marginal_kl, found->marginal_kl_error,
               "KL(q(z) || p(z)), all codes together against the prior");
    if (!isnan(found->information) && found->information > found->most_information - 1)
        printf("The information is near log N, its ceiling: with more images it would be more, and "
               "marginal_kl less.\n");
    printf("  %-16s %10lld  of %lld: variance of E[u|x] over the images above %g\n", "active_units",
           (long long)found->active, (long long)found->width, RV_ACTIVE_LIMIT);
    print_units(call, found);
}

/* What stays unknown, and why. */
static void explain(const cli_call *call, const rv_latents_report *found)
{
    if (isnan(found->information))
        cli_say(call, "the KL of a full covariance is not decomposed: that needs "
                      "posterior.covariance=diagonal");
    else if (isnan(found->kl))
        cli_say(call, "latents `%s`: their KL is given where N(0, I) is the prior of all latents",
                found->group);
}

/* One group of latents; *groups: how many there are. */
static rv_status evaluate_group(cli_call *call, rv_experiment *run, int group, json_t *list,
                                int *groups)
{
    rv_latents_report found;
    rv_run_images images = evaluate_which(call);
    rv_latents_config config = rv_latents_defaults();
    cli_watch watch = {.call = call, .progress = cli_progress_begin(call)};
    config.group = group;
    config.images = cli_given(call, "count") ? cli_integer(call, "count") : 0;
    config.seed = (uint64_t)cli_integer(call, "seed");
    config.listener = listen(&watch);
    rv_status status = rv_experiment_latents(run, &images, &config, &found);
    cli_progress_hide(&watch.progress);
    if (status != RV_OK)
        return status;
    *groups = found.groups;
    if (group == 0)
        say_fewer(call, found.images);
    if (list)
        json_array_append_new(list, latents_json(&found));
    else
        print_latents(call, &found);
    explain(call, &found);
    rv_latents_report_free(&found);
    return RV_OK;
}

rv_status evaluate_latents(cli_call *call, rv_experiment *run, json_t *object)
{
    int groups = 1;
    json_t *list = object ? json_array() : NULL;
    rv_status status = RV_OK;
    if (object)
        json_object_set_new(object, "latents", list);
    for (int group = 0; status == RV_OK && group < groups; group++)
        status = evaluate_group(call, run, group, list, &groups);
    return status;
}

/* ---- the gap report ---- */

static void add_value(json_t *object, const char *name, rv_gap_value value)
{
    json_object_set_new(object, name,
                        json_pack("{s:o, s:o}", "mean", rv_json_number(value.mean),
                                  "standard_error",
                                  rv_json_number_or(value.standard_error, one_image)));
}

static json_t *gap_json(const rv_gap *gap, const rv_run_images *images, rv_pixels pixels,
                        const char *output)
{
    json_t *object = json_pack("{s:s, s:I, s:s, s:I}", "split", rv_split_name(images->split),
                               "examples", (json_int_t)gap->images, "pixels",
                               rv_pixels_name(pixels), "samples", (json_int_t)gap->samples);
    if (!object)
        return NULL;
    add_value(object, "elbo", gap->elbo);
    add_value(object, "svi_elbo", gap->svi_elbo);
    add_value(object, "log_px", gap->bound);
    add_value(object, "log_px_by_svi", gap->svi_bound);
    add_value(object, "approximation_gap", gap->approximation);
    add_value(object, "amortisation_gap", gap->amortisation);
    if (output)
        json_object_set_new(object, "file", rv_json_text(output));
    return object;
}

static void print_gap(const rv_gap *gap, const rv_run_images *images, rv_pixels pixels,
                      const char *output)
{
    printf("%s, %lld images, %s pixels, %lld fresh draws an image; nats per image\n",
           rv_split_name(images->split), (long long)gap->images, rv_pixels_name(pixels),
           (long long)gap->samples);
    print_part("elbo", gap->elbo.mean, gap->elbo.standard_error, "of the encoder's posterior");
    print_part("svi_elbo", gap->svi_elbo.mean, gap->svi_elbo.standard_error,
               "of a diagonal Gaussian fitted to each image");
    print_part("log_px", gap->bound.mean, gap->bound.standard_error,
               "L_K, a lower bound, with the encoder's posterior");
    print_part("log_px_by_svi", gap->svi_bound.mean, gap->svi_bound.standard_error,
               "L_K with the fitted one");
    print_part("approximation", gap->approximation.mean, gap->approximation.standard_error,
               gap->by_svi ? "log_px_by_svi - svi_elbo: what a diagonal Gaussian costs"
                           : "log_px - svi_elbo: what a diagonal Gaussian costs");
    print_part("amortisation", gap->amortisation.mean, gap->amortisation.standard_error,
               "svi_elbo - elbo: what the encoder costs");
    if (pixels == RV_PIXELS_GRAY)
        printf("On gray pixels these are cross-entropies, not likelihoods of the data.\n");
    if (gap->amortisation.mean < 0)
        printf("The fit fell short of the encoder: give it more --svi-steps.\n");
    if (output)
        printf("%s: elbo, svi_elbo, log_px and log_px_by_svi of each image\n", output);
}

/* [N,4] */
static rv_status save_gap(cli_call *call, const rv_gap *gap)
{
    const int64_t dim[] = {gap->images, 4};
    const char *path = cli_text(call, "output");
    float *rows = path ? rv_malloc((size_t)(gap->images * 4) * sizeof *rows) : NULL;
    if (!path)
        return RV_OK;
    if (!rows)
        return rv_fail_memory(call->context);
    for (int64_t i = 0; i < gap->images; i++) {
        rows[4 * i] = (float)gap->each[i].elbo;
        rows[4 * i + 1] = (float)gap->each[i].svi_elbo;
        rows[4 * i + 2] = (float)gap->each[i].bound;
        rows[4 * i + 3] = (float)gap->each[i].svi_bound;
    }
    rv_status status = rv_array_save(call->context, path, rows, 2, dim);
    rv_free(rows);
    return status;
}

rv_status evaluate_gap(cli_call *call, rv_experiment *run)
{
    rv_gap gap;
    rv_run_images images = evaluate_which(call);
    rv_gap_config config = rv_gap_defaults();
    cli_watch watch = {.call = call, .progress = cli_progress_begin(call)};
    const char *output = cli_text(call, "output");
    if (cli_given(call, "samples"))
        config.samples = cli_integer(call, "samples");
    if (cli_given(call, "count"))
        config.images = cli_integer(call, "count");
    config.seed = (uint64_t)cli_integer(call, "seed");
    config.svi.steps = cli_integer(call, "svi-steps");
    config.listener = listen(&watch);
    rv_status status = rv_experiment_gap(run, &images, &config, &gap);
    cli_progress_hide(&watch.progress);
    if (status != RV_OK)
        return status;
    say_fewer(call, gap.images);
    status = save_gap(call, &gap);
    if (status == RV_OK && call->json)
        status =
            cli_print_json(call, gap_json(&gap, &images, evaluate_pixels(run, &images), output));
    else if (status == RV_OK)
        print_gap(&gap, &images, evaluate_pixels(run, &images), output);
    rv_gap_free(&gap);
    return status;
}
