/* reverie traverse: one latent coordinate of an image, and a classifier's labels for the
 * results. */
#include "experiment.h"
#include "reverie/judge.h"

#include "core/memory.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

/* "-3s" is three sigmas below the mean, "-100" a plain value. */
static rv_status read_end(cli_call *call, const char *option, double *value, int *in_sigmas)
{
    char unit = 0, extra = 0;
    const char *text = cli_text(call, option);
    int read = sscanf(text, "%lf%c%c", value, &unit, &extra);
    *in_sigmas = read == 2 && unit == 's';
    if ((read == 1 || *in_sigmas) && fabs(*value) <= (double)FLT_MAX)
        return RV_OK;
    if (read == 1 || *in_sigmas)
        return rv_fail(call->context, RV_BAD_USAGE,
                       "--%s `%s`: a finite number, from -3.4e38 to 3.4e38", option, text);
    return rv_fail(call->context, RV_BAD_USAGE,
                   "--%s `%s`: a number, or a number of sigmas such as -3s", option, text);
}

static rv_status read_traversal(cli_call *call, rv_traversal *t)
{
    int to_in_sigmas = 0;
    *t = rv_traversal_defaults();
    rv_status status = read_end(call, "from", &t->from, &t->in_sigmas);
    if (status == RV_OK)
        status = read_end(call, "to", &t->to, &to_in_sigmas);
    if (status == RV_OK && to_in_sigmas != t->in_sigmas)
        status =
            rv_fail(call->context, RV_BAD_USAGE, "--from and --to: both in sigmas, or neither");
    t->split = cli_split(call);
    t->image = cli_integer(call, "image");
    t->level = (int)cli_integer_or(call, "level", 0);
    t->dim = cli_integer(call, "dim");
    t->steps = (int)cli_integer(call, "steps");
    t->columns = (int)cli_integer(call, "columns");
    t->enlarge = (int)cli_integer(call, "enlarge");
    return status;
}

/* ---- labels ---- */

/* values [count] of the coordinate, probabilities [count,classes]. */
static rv_status give_labels(cli_call *call, const rv_classifier *classifier, int count,
                             const float *values, const float *probabilities)
{
    const char *output = cli_text(call, "output");
    int classes = rv_classifier_classes(classifier);
    json_t *images = json_array();
    if (!call->json)
        printf("%5s  %12s  %5s  %11s\n", "image", "value", "label", "probability");
    for (int i = 0; i < count; i++) {
        const float *row = probabilities + (int64_t)i * classes;
        int label = rv_classifier_likeliest(classifier, row);
        const char *name = rv_classifier_class(classifier, label);
        double value = (double)values[i], probability = (double)row[label];
        rv_json_add(&images, json_pack("{s:i, s:o, s:o, s:o}", "image", i, "value",
                                       rv_json_number(value), "label", cli_json_class(name),
                                       "probability", rv_json_number(probability)));
        if (!call->json)
            printf("%5d  %12.6g  %5s  %11.4f\n", i, value, name, probability);
    }
    if (call->json)
        return cli_print_json(
            call, json_pack("{s:o, s:o, s:o}", "file", rv_json_text(output), "classifier",
                            rv_json_text(rv_classifier_name(classifier)), "images", images));
    json_decref(images);
    return cli_wrote(call, output);
}

/* Saves the picture before it prints the labels. */
static rv_status walk_and_label(cli_call *call, rv_experiment *run, const rv_traversal *t,
                                rv_classifier *classifier)
{
    int64_t count = t->steps, pixels = rv_data_width(rv_experiment_model(run)->sizes);
    int64_t each = pixels + 1 + rv_classifier_classes(classifier);
    float *images = rv_malloc((size_t)(count * each) * sizeof *images); /* [count,D] */
    if (!images)
        return rv_fail_memory(call->context);
    float *values = images + count * pixels, *probabilities = values + count;
    rv_status status = rv_experiment_walk(run, t, images, values);
    if (status == RV_OK)
        status = rv_classifier_probabilities(classifier, images, count, probabilities);
    rv_image *image = status == RV_OK ? rv_traversal_image(run, t, images) : NULL;
    if (image)
        status = rv_image_save(call->context, image, cli_text(call, "output"));
    else
        status = rv_error_status(call->context);
    if (status == RV_OK)
        status = give_labels(call, classifier, t->steps, values, probabilities);
    rv_image_free(image);
    rv_free(images);
    return status;
}

static rv_status traverse_with_labels(cli_call *call, rv_experiment *run, const rv_traversal *t)
{
    rv_classifier *classifier;
    rv_experiment_place place = cli_place(call, cli_text(call, "classifier"));
    rv_status status =
        rv_classifier_open(call->context, &place, "last", rv_experiment_model(run)->sizes,
                           rv_experiment_settings(run)->data.name, &classifier);
    if (status != RV_OK)
        return status;
    status = walk_and_label(call, run, t, classifier);
    rv_classifier_free(classifier);
    return status;
}

/* ---- the verb ---- */

static rv_status traverse(cli_call *call, rv_experiment *run)
{
    rv_traversal t;
    rv_data_sizes sizes = rv_experiment_model(run)->sizes;
    rv_status status = read_traversal(call, &t);
    if (status == RV_OK)
        status = cli_check_picture(call, sizes, t.steps, t.columns, t.enlarge, 0);
    if (status != RV_OK)
        return status;
    return cli_given(call, "classifier") ? traverse_with_labels(call, run, &t)
                                         : cli_save_image(call, rv_experiment_traversal(run, &t));
}

/* Finds invalid words before it opens the run. */
static rv_status run_traverse(cli_call *call)
{
    rv_traversal t;
    rv_status status = read_traversal(call, &t);
    return status == RV_OK ? cli_with_run(call, ".png", 1, traverse) : status;
}

static const cli_option options[] = {
    CLI_INTEGER("image", 0, "I", "0", 0, 4294967295.0, "image to start from"),
    CLI_SPLIT("test"),
    CLI_INTEGER(
        "level", 0, "L", NULL, 1, 8,
        "of several levels of latents: whose coordinate it is, 1 being nearest to the image; "
        "the last when absent"),
    CLI_INTEGER("dim", 0, "D", "0", 0, 1048576, "latent coordinate that changes"),
    CLI_TEXT("from", 0, "A", "-3s", "first value; -3s: mean - 3 sigma"),
    CLI_TEXT("to", 0, "B", "3s", "last value"),
    CLI_INTEGER("steps", 0, "N", "20", 1, 10000, "images"),
    CLI_INTEGER("columns", 0, "N", "5", 1, 1000, "images a row"),
    CLI_INTEGER("enlarge", 0, "N", "4", 1, 64, "pixels a pixel"),
    CLI_TEXT("classifier", 0, "RUN2", NULL, "run of a classifier, which labels each image"),
    CLI_OUTPUT("traversal.png"),
    CLI_CHECKPOINT,
};
const cli_verb cli_verb_traverse = {
    .name = "traverse",
    .summary = "one latent coordinate of an image, from end to end",
    .usage = "RUN [--image 0] [--split test] [--level L] --dim 18 [--from -3s --to 3s] [--steps "
             "20] [--columns 5] "
             "[--classifier RUN2] [-o FILE]",
    .example = "reverie traverse runs/first --image 0 --dim 1 -o traversal.png",
    .details = "Of several levels, those above --level stay as they are, those below follow.  "
               "With --classifier, the value of the coordinate, the label and its probability are "
               "printed for each image; RUN2 must be trained on the same data.",
    CLI_OPTIONS(options),
    .arguments = {1, 1},
    .run = run_traverse,
};
