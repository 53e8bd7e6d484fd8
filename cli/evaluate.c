/* reverie evaluate: the values of a split, or of images beside it. */
#include "experiment.h"

#include "reverie/judge.h"

#include <math.h>
#include <stdio.h>

/* ---- values of a model that has them for each image: a bound, or the accuracy ---- */

static json_t *as_json(const rv_experiment *run, rv_split split, const rv_report *report)
{
    json_t *object = json_pack("{s:s, s:I, s:s}", "split", rv_split_name(split), "examples",
                               (json_int_t)report->examples, "pixels",
                               rv_pixels_name(rv_experiment_settings(run)->data.pixels));
    for (int i = 0; object && i < report->count; i++)
        json_object_set_new(object, report->name[i], json_real(report->mean[i]));
    return object;
}

static void print(rv_experiment *run, rv_split split, const rv_report *report)
{
    rv_pixels pixels = rv_experiment_settings(run)->data.pixels;
    int classifies = rv_experiment_model(run)->kind->classify != NULL;
    printf("%s, %lld images, %s pixels%s\n", rv_split_name(split), (long long)report->examples,
           rv_pixels_name(pixels),
           classifies ? "; cross-entropy in nats per image"
                      : ", one latent sample an image; nats per image");
    for (int i = 0; i < report->count; i++)
        printf(classifies ? "  %-16s %10.4f  +- %.4f\n" : "  %-16s %10.3f  +- %.3f\n",
               report->name[i], report->mean[i], report->standard_error[i]);
    if (pixels == RV_PIXELS_GRAY && !classifies)
        printf("On gray pixels this is a cross-entropy, not a likelihood of the data.\n");
}

static rv_status evaluate_values(cli_call *call, rv_experiment *run)
{
    rv_report report;
    rv_split split = (rv_split)cli_choice(call, "split");
    rv_status status =
        rv_experiment_evaluate(run, split, (uint64_t)cli_integer(call, "seed"), &report);
    if (status != RV_OK)
        return status;
    if (call->json)
        return cli_print_json(call, as_json(run, split, &report));
    print(run, split, &report);
    return RV_OK;
}

/* ---- the judgement of images and encodings ---- */

static void add_images(json_t *object, const rv_judgement *j, const char *classifier)
{
    json_t *shares = json_array();
    for (int k = 0; shares && k < j->classes; k++)
        json_array_append_new(shares, json_real(j->class_shares[k]));
    json_object_set_new(object, "images", json_integer((json_int_t)j->images));
    json_object_set_new(object, "classifier", json_string(classifier));
    json_object_set_new(object, "compared", json_integer((json_int_t)j->compared));
    json_object_set_new(object, "frechet_distance", cli_json_number(j->frechet_distance));
    json_object_set_new(object, "frechet_floor", cli_json_number(j->frechet_floor));
    json_object_set_new(object, "precision", cli_json_number(j->scores.precision));
    json_object_set_new(object, "recall", cli_json_number(j->scores.recall));
    json_object_set_new(object, "density", cli_json_number(j->scores.density));
    json_object_set_new(object, "coverage", cli_json_number(j->scores.coverage));
    json_object_set_new(object, "class_entropy", cli_json_number(j->class_entropy));
    json_object_set_new(object, "class_entropy_most", cli_json_number(log((double)j->classes)));
    json_object_set_new(object, "class_shares", shares);
    json_object_set_new(object, "confidence", cli_json_number(j->confidence));
    json_object_set_new(object, "nearest_median", cli_json_number(j->nearest.generated_median));
    json_object_set_new(object, "nearest_held_out_median",
                        cli_json_number(j->nearest.held_out_median));
    json_object_set_new(object, "nearest_limit", cli_json_number(j->nearest.near_limit));
    json_object_set_new(object, "nearest_share", cli_json_number(j->nearest.near_share));
    json_object_set_new(object, "nearest_odds", cli_json_number(j->nearest.nearer_odds));
}

static json_t *judgement_json(cli_call *call, const rv_judgement *j)
{
    json_t *object = json_pack("{s:s}", "split", rv_split_name(j->split));
    if (object && !isnan(j->nearest_neighbour_codes))
        json_object_set_new(object, "nearest_neighbour_codes",
                            cli_json_number(j->nearest_neighbour_codes));
    if (object && !isnan(j->nearest_neighbour_features))
        json_object_set_new(object, "nearest_neighbour_features",
                            cli_json_number(j->nearest_neighbour_features));
    if (object && j->images > 0)
        add_images(object, j, cli_text(call, "classifier"));
    if (object && j->pictures)
        json_object_set_new(object, "file", json_string(cli_text(call, "output")));
    return object;
}

static void line(const char *name, double value, const char *about)
{
    printf("  %-18s %9.4f  %s\n", name, value, about);
}

static void print_classes(const rv_judgement *j)
{
    printf("  %-18s %9.4f  of the classes the classifier sees, nats; at most %.4f\n",
           "class_entropy", j->class_entropy, log((double)j->classes));
    line("confidence", j->confidence, "mean probability of the likeliest class");
    printf("  %-18s", "class_shares");
    for (int k = 0; k < j->classes; k++)
        printf("%s %d: %.3f", k > 0 && k % 5 == 0 ? "\n                    " : "", k,
               j->class_shares[k]);
    putchar('\n');
}

static void print_images(const rv_judgement *j, const char *classifier)
{
    const char *split = rv_split_name(j->split);
    printf("%lld images; features of the classifier %s\n", (long long)j->images, classifier);
    printf("  %-18s %9.4f  Frechet, %lld images to as many of %s; 0 is best\n", "frechet_distance",
           j->frechet_distance, (long long)j->compared, split);
    printf("  %-18s %9.4f  the same of as many other real images: what can be reached\n",
           "frechet_floor", j->frechet_floor);
    line("precision", j->scores.precision, "share of images that are like real ones");
    line("recall", j->scores.recall, "share of real images that are like these");
    line("density", j->scores.density, "how many real images each is like; about 1");
    line("coverage", j->scores.coverage, "share of real images with one of these near");
    print_classes(j);
    printf("  %-18s %9.4f  distance to the nearest training image, median; %.4f from %s\n",
           "nearest_median", j->nearest.generated_median, j->nearest.held_out_median,
           j->split == RV_SPLIT_TRAIN ? "held-out images" : split);
    line("nearest_share", j->nearest.near_share,
         "share nearer than 99% of real ones; copies when far above 0.01");
    line("nearest_odds", j->nearest.nearer_odds,
         "chance to be nearer than a real one; copies when far above 0.5");
}

static void print_judgement(cli_call *call, const rv_judgement *j)
{
    printf("%s split\n", rv_split_name(j->split));
    if (!isnan(j->nearest_neighbour_codes))
        printf("  %-26s %.4f  share whose nearest training encoding z has their class\n",
               "nearest_neighbour_codes", j->nearest_neighbour_codes);
    if (!isnan(j->nearest_neighbour_features))
        printf("  %-26s %.4f  the same of the features that the encoder makes z of\n",
               "nearest_neighbour_features", j->nearest_neighbour_features);
    if (j->images > 0)
        print_images(j, cli_text(call, "classifier"));
    if (j->pictures)
        printf("%s: the images nearest to a training image, each above it\n",
               cli_text(call, "output"));
}

static rv_status evaluate_images(cli_call *call, rv_experiment *run)
{
    rv_judge_config config = rv_judge_defaults();
    rv_judgement *judgement;
    config.split = (rv_split)cli_choice(call, "split");
    config.seed = (uint64_t)cli_integer(call, "seed");
    config.classifier = cli_text(call, "classifier");
    config.images = cli_text(call, "images");
    config.count = cli_integer(call, "count");
    if (config.images && !cli_given(call, "count"))
        config.count = 0;
    if (cli_text(call, "output"))
        config.pictures = 32;
    rv_status status = rv_experiment_judge(run, &config, &judgement);
    if (status != RV_OK)
        return status;
    if (judgement->pictures)
        status = rv_image_save(call->context, judgement->pictures, cli_text(call, "output"));
    if (status == RV_OK && call->json)
        status = cli_print_json(call, judgement_json(call, judgement));
    else if (status == RV_OK)
        print_judgement(call, judgement);
    rv_judgement_free(judgement);
    return status;
}

/* ---- which of the two ---- */

static rv_status check_options(cli_call *call, int images)
{
    const char *output = cli_text(call, "output");
    if (output && !cli_ends_with(output, ".png"))
        return rv_fail(call->context, RV_BAD_USAGE, "-o %s: a picture's name ends in .png", output);
    if (output && !cli_text(call, "classifier"))
        return rv_fail(call->context, RV_BAD_USAGE,
                       "-o draws the images nearest to a training image, in the features of a "
                       "classifier: give --classifier RUN2");
    if (!images && cli_given(call, "count"))
        return rv_fail(call->context, RV_BAD_USAGE,
                       "--count is of the images that --classifier judges: give it too");
    return RV_OK;
}

static rv_status run_evaluate(cli_call *call)
{
    rv_experiment *run;
    rv_status status = cli_open_average(call, cli_choice(call, "weights"), &run);
    if (status != RV_OK)
        return status;
    int images = cli_text(call, "classifier") || cli_text(call, "images") ||
                 !rv_experiment_model(run)->kind->evaluate;
    status = check_options(call, images);
    if (status == RV_OK)
        status = images ? evaluate_images(call, run) : evaluate_values(call, run);
    rv_experiment_free(run);
    return status;
}

static const cli_option options[] = {
    CLI_SPLIT("test"),
    {"classifier", 0, "RUN2", RV_OPTION_TEXT, NULL, 0, 0, NULL,
     "judge images, in the features of this classifier"},
    {"images", 0, "FILE", RV_OPTION_TEXT, NULL, 0, 0, NULL,
     "judge the images of an .npy file instead of the run's samples"},
    {"count", 0, "N", RV_OPTION_INTEGER, "10000", 1, 1e7, NULL,
     "samples to judge; of a file the first so many, all when not given"},
    {"output", 'o', "FILE", RV_OPTION_TEXT, NULL, 0, 0, NULL,
     "picture of the images nearest to a training image, each above it; .png"},
    CLI_CHECKPOINT,
    {"weights", 0, "WHICH", RV_OPTION_CHOICE, "trained", 0, 0, "trained|ema",
     "the trained weights, or their moving averages"},
    {"seed", 0, "S", RV_OPTION_INTEGER, "1", 0, 9007199254740992.0, NULL, "of the latent samples"},
};

const cli_verb cli_verb_evaluate = {
    .name = "evaluate",
    .summary = "the bound of a split in its parts, or how good the images of a model are",
    .usage = "RUN [--split test] [--classifier RUN2] [--images FILE.npy]",
    .example = "reverie evaluate runs/first --split test",
    .details =
        "A model with a bound: nats per image.  A classifier: its accuracy.  With --classifier, "
        "and for a model without a bound: Frechet distance beside that of real images, precision, "
        "recall, density and coverage, classes, and nearness to training images; of --images "
        "FILE.npy ([N,H,W,C] in the run's range, or bytes) where given, else of samples.  A model "
        "with an encoder and no bound: the 1-nearest-neighbour accuracy of its encodings.",
    .option = options,
    .option_count = CLI_COUNT(options),
    .least_arguments = 1,
    .most_arguments = 1,
    .run = run_evaluate,
};
