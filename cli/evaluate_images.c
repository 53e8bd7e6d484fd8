/* reverie evaluate: how good the images and the encodings of a model are. */
#include "evaluate.h"

#include "reverie/judge.h"

#include <math.h>
#include <stdio.h>

static void add_images(json_t *object, const rv_judgement *j, const char *classifier)
{
    json_t *shares = json_array();
    for (int k = 0; shares && k < j->classes; k++)
        json_array_append_new(shares, rv_json_number(j->class_shares[k]));
    json_object_set_new(object, "images", json_integer((json_int_t)j->images));
    json_object_set_new(object, "classifier", rv_json_text(classifier));
    json_object_set_new(object, "compared", json_integer((json_int_t)j->compared));
    json_object_set_new(object, "real_images", json_integer((json_int_t)j->real));
    json_object_set_new(object, "frechet_distance", rv_json_number(j->frechet_distance));
    json_object_set_new(object, "frechet_floor", rv_json_number(j->frechet_floor));
    json_object_set_new(object, "precision", rv_json_number(j->scores.precision));
    json_object_set_new(object, "recall", rv_json_number(j->scores.recall));
    json_object_set_new(object, "density", rv_json_number(j->scores.density));
    json_object_set_new(object, "coverage", rv_json_number(j->scores.coverage));
    json_object_set_new(object, "class_entropy", rv_json_number(j->class_entropy));
    json_object_set_new(object, "class_entropy_most", rv_json_number(log((double)j->classes)));
    json_object_set_new(object, "class_shares", shares);
    json_object_set_new(object, "confidence", rv_json_number(j->confidence));
    json_object_set_new(object, "nearest_median", rv_json_number(j->nearest.generated_median));
    json_object_set_new(object, "nearest_held_out_median",
                        rv_json_number(j->nearest.held_out_median));
    json_object_set_new(object, "nearest_limit", rv_json_number(j->nearest.near_limit));
    json_object_set_new(object, "nearest_share", rv_json_number(j->nearest.near_share));
    json_object_set_new(object, "nearest_odds", rv_json_number(j->nearest.nearer_odds));
}

static json_t *judgement_json(cli_call *call, const rv_judgement *j)
{
    json_t *object = json_pack("{s:s}", "split", rv_split_name(j->split));
    if (object && !isnan(j->nearest_neighbour_codes))
        json_object_set_new(object, "nearest_neighbour_codes",
                            rv_json_number(j->nearest_neighbour_codes));
    if (object && !isnan(j->nearest_neighbour_features))
        json_object_set_new(object, "nearest_neighbour_features",
                            rv_json_number(j->nearest_neighbour_features));
    if (object && j->images > 0)
        add_images(object, j, cli_text(call, "classifier"));
    if (object && j->pictures)
        json_object_set_new(object, "file", rv_json_text(cli_text(call, "output")));
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
        printf("%s %s: %.3f", k > 0 && k % 5 == 0 ? "\n                    " : "",
               j->class_names[k], j->class_shares[k]);
    putchar('\n');
}

/* A distance depends on how many images there are, and on which. */
static void print_which(const rv_judgement *j)
{
    if (j->compared < j->images)
        printf("  compared are %lld of the %lld images judged", (long long)j->compared,
               (long long)j->images);
    if (j->compared < j->real)
        printf("%s %lld of the %lld real images of %s",
               j->compared < j->images ? ", and" : "  compared with are", (long long)j->compared,
               (long long)j->real, rv_split_name(j->split));
    if (j->compared < j->images || j->compared < j->real)
        printf(", spread evenly over the set\n");
}

static void print_images(const rv_judgement *j, const char *classifier)
{
    const char *split = rv_split_name(j->split);
    printf("%lld images; features of the classifier %s\n", (long long)j->images, classifier);
    printf("  %-18s %9.4f  Frechet, %lld images to as many of %s; 0 is best\n", "frechet_distance",
           j->frechet_distance, (long long)j->compared, split);
    printf("  %-18s %9.4f  the same of as many other real images: what can be reached\n",
           "frechet_floor", j->frechet_floor);
    print_which(j);
    line("precision", j->scores.precision, "share of images that are like real ones");
    line("recall", j->scores.recall, "share of real images that are like these");
    line("density", j->scores.density,
         "how many real images each is like; about 1, more where they are copies of real ones");
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

rv_status evaluate_images(cli_call *call, rv_experiment *run)
{
    rv_judge_config config = rv_judge_defaults();
    rv_judgement *judgement;
    config.split = (rv_split)cli_choice(call, "split");
    config.seed = (uint64_t)cli_integer(call, "seed");
    config.classifier = cli_text(call, "classifier");
    config.images = cli_text(call, "images");
    if (cli_given(call, "count"))
        config.count = cli_integer(call, "count");
    else if (config.images)
        config.count = 0;
    if (cli_text(call, "output"))
        config.pictures = 32;
    rv_status status = rv_experiment_judge(run, &config, &judgement);
    if (status != RV_OK)
        return status;
    if (config.images && config.count > 0)
        cli_say_fewer(call, config.count, judgement->images, config.images);
    if (judgement->pictures)
        status = rv_image_save(call->context, judgement->pictures, cli_text(call, "output"));
    if (status == RV_OK && call->json)
        status = cli_print_json(call, judgement_json(call, judgement));
    else if (status == RV_OK)
        print_judgement(call, judgement);
    rv_judgement_free(judgement);
    return status;
}
