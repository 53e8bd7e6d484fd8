/* reverie classify: the classes of given images. */
#include "experiment.h"

#include "core/memory.h"
#include "reverie/io.h"
#include "reverie/judge.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINES_MOST = 50 };

/* The result. */
typedef struct labelled {
    rv_images images;
    int classes;
    float *probabilities; /* [count,classes] */
    const rv_classifier *classifier;
} labelled;

/* The most likely class of an image. */
static int label_of(const labelled *l, int64_t image)
{
    return rv_classifier_likeliest(l->classifier, l->probabilities + image * l->classes);
}

static const char *name_of(const labelled *l, int class)
{
    return rv_classifier_class(l->classifier, class);
}

static rv_status print_histogram(cli_call *call, const labelled *l)
{
    int64_t *count = rv_calloc((size_t)l->classes, sizeof *count);
    if (!count)
        return rv_fail_memory(call->context);
    for (int64_t i = 0; i < l->images.count; i++)
        count[label_of(l, i)]++;
    printf("label  images\n");
    for (int k = 0; k < l->classes; k++)
        printf("%5s %7lld\n", name_of(l, k), (long long)count[k]);
    rv_free(count);
    return RV_OK;
}

static rv_status give_labels(cli_call *call, const labelled *l)
{
    const char *output = cli_text(call, "output");
    int64_t count = l->images.count, lines = count > LINES_MOST ? LINES_MOST : count;
    json_t *labels = json_array(), *probabilities = json_array(), *object = json_object();
    if (!call->json)
        printf("image  label  probability\n");
    for (int64_t i = 0; i < count; i++) {
        int label = label_of(l, i);
        const char *name = name_of(l, label);
        double probability = (double)l->probabilities[i * l->classes + label];
        rv_json_add(&labels, cli_json_class(name));
        rv_json_add(&probabilities, rv_json_number(probability));
        if (!call->json && i < lines)
            printf("%5lld  %5s       %.4f\n", (long long)i, name, probability);
    }
    if (!call->json && count > lines)
        printf("and %lld more: -o FILE.npy or --json has them all\n", (long long)(count - lines));
    rv_status status = !call->json && count > lines ? print_histogram(call, l) : RV_OK;
    if (!call->json && output)
        printf("%s\n", output);
    rv_json_put(&object, "images", json_integer(count));
    rv_json_put(&object, "classes", json_integer(l->classes));
    rv_json_put(&object, "labels", labels);
    rv_json_put(&object, "probabilities", probabilities);
    if (output)
        rv_json_put(&object, "file", rv_json_text(output));
    return cli_end(call, object, status);
}

/* In the numbering of the data set, if its labels are numbers. */
static rv_status save_labels(cli_call *call, const labelled *l, const char *path)
{
    int64_t count = l->images.count;
    int32_t *numbers = rv_malloc((size_t)count * sizeof *numbers);
    if (!numbers)
        return rv_fail_memory(call->context);
    for (int64_t i = 0; i < count; i++) {
        int label = label_of(l, i);
        const char *name = name_of(l, label);
        char *end;
        long number = strtol(name, &end, 10);
        numbers[i] = *end || end == name ? label : (int32_t)number;
    }
    rv_status status = rv_array_save_as(call->context, path, RV_ELEMENT_I32, numbers, 1, &count);
    rv_free(numbers);
    return status;
}

enum { BY_ENCODER, BY_EVIDENCE };

static rv_status classify(cli_call *call, rv_classifier *classifier, labelled *l)
{
    int64_t count = l->images.count;
    const char *output = cli_text(call, "output");
    l->classifier = classifier;
    l->classes = rv_classifier_classes(classifier);
    l->probabilities = rv_malloc((size_t)(count * l->classes) * sizeof *l->probabilities);
    if (!l->probabilities)
        return rv_fail_memory(call->context);
    rv_status status =
        cli_choice(call, "by") == BY_EVIDENCE
            ? rv_classifier_evidence(classifier, l->images.values, count, l->probabilities)
            : rv_classifier_probabilities(classifier, l->images.values, count, l->probabilities);
    if (status == RV_OK && output)
        status = save_labels(call, l, output);
    return status == RV_OK ? give_labels(call, l) : status;
}

/* The image sizes of the run; an error if the run does not classify. */
static rv_status find_sizes(cli_call *call, rv_data_sizes *sizes)
{
    rv_experiment *run;
    rv_status status = cli_open(call, 0, &run);
    if (status != RV_OK)
        return status;
    const rv_model_kind *kind = rv_experiment_model(run)->kind;
    *sizes = rv_experiment_sizes(run);
    if (cli_choice(call, "by") == BY_EVIDENCE && !rv_model_kind_has(kind, RV_CLASS_EVIDENCE))
        status =
            rv_fail(call->context, RV_BAD_USAGE,
                    "%s: model `%s` has no p(x, y), which --by evidence needs; train m2, m1-m2 "
                    "or adgm",
                    call->argument[0], kind->name);
    else if (!rv_model_kind_has(kind, RV_CLASSIFIER))
        status = rv_fail(call->context, RV_BAD_USAGE,
                         "%s: model `%s` does not classify; train lab1-classifier or "
                         "classifier-cnn",
                         call->argument[0], kind->name);
    rv_experiment_free(run);
    return status;
}

static rv_status run_classify(cli_call *call)
{
    labelled l = {0};
    rv_data_sizes sizes;
    rv_classifier *classifier = NULL;
    rv_experiment_place place = cli_place(call, call->argument[0]);
    const char *output = cli_text(call, "output");
    if (!cli_text(call, "input"))
        return rv_fail(call->context, RV_BAD_USAGE, "classify needs -i FILE.npy, images [N,H,W,C]");
    rv_status status = cli_check_output(call, output, ".npy");
    if (status == RV_OK)
        status = find_sizes(call, &sizes);
    if (status == RV_OK)
        status = rv_images_load(call->context, cli_text(call, "input"), sizes, &l.images);
    if (status == RV_OK)
        status = rv_classifier_open(call->context, &place, cli_text(call, "checkpoint"), sizes,
                                    NULL, &classifier);
    if (status == RV_OK)
        status = classify(call, classifier, &l);
    rv_classifier_free(classifier);
    rv_io_free(l.images.values);
    rv_free(l.probabilities);
    return status;
}

static const cli_option options[] = {
    CLI_TEXT("input", 'i', "FILE", NULL, "images, .npy"),
    CLI_TEXT("output", 'o', "FILE", NULL, "labels [N] to write, .npy"),
    CLI_CHOICE("by", "WHAT", "encoder", "encoder|evidence",
               "encoder: q(y|x) or the classifier; evidence: the class whose bound of log p(x,y) "
               "is largest, at posterior means"),
    CLI_CHECKPOINT,
};

const cli_verb cli_verb_classify = {
    .name = "classify",
    .summary = "the classes that a trained classifier gives to images",
    .usage = "RUN -i FILE.npy [-o FILE.npy] [--by evidence]",
    .example = "reverie classify runs/judge -i images.npy -o labels.npy",
    .details = "FILE.npy holds images [N,H,W,C], [N,H,W] or [N,D], in the range that the "
               "classifier was trained on, or bytes 0..255.  Prints a line an image, and the "
               "number of each label when there are more than 50.  A model that decodes by class "
               "(m2, m1-m2, adgm) classifies in two ways: by its encoder q(y|x), or by evidence, "
               "softmax over y of a bound of log p(x,y), at one draw of its other latents.",
    CLI_OPTIONS(options),
    .arguments = {1, 1},
    .run = run_classify,
};
