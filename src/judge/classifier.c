/* A trained classifier as the judge of another run's images; converts them from their range. */
#include "figures/figures.h"
#include "reverie/judge.h"

#include "core/memory.h"

#include <math.h>
#include <string.h>

enum { SLICE = 1024 }; /* images converted at once */

struct rv_classifier {
    rv_context *context;
    rv_experiment *run;
    rv_data_sizes sizes; /* of the given images */
    int64_t features;
    float *images; /* [SLICE,D] in the range that the classifier was trained on */
};

/* ---- compatibility of the classifier and the images ---- */

static rv_status check_model(const rv_classifier *c)
{
    const rv_model_kind *kind = c->run->model->kind;
    if (rv_model_kind_has(kind, RV_CLASSIFIER | RV_FEATURES))
        return RV_OK;
    return rv_fail(c->context, RV_BAD_USAGE,
                   "%s is %s `%s`, which does not classify; train lab1-classifier", c->run->folder,
                   strchr("aeiou", kind->name[0]) ? "an" : "a", kind->name);
}

static rv_status check_sizes(const rv_classifier *c)
{
    const rv_data_sizes *is = &c->run->model->sizes, *comes = &c->sizes;
    if (is->height == comes->height && is->width == comes->width && is->channels == comes->channels)
        return RV_OK;
    return rv_fail(c->context, RV_BAD_USAGE,
                   "%s was trained on images of %lld x %lld x %lld, and these are %lld x %lld x "
                   "%lld (height, width, channels); choose a classifier of such images",
                   c->run->folder, (long long)is->height, (long long)is->width,
                   (long long)is->channels, (long long)comes->height, (long long)comes->width,
                   (long long)comes->channels);
}

/* The last part of a path: the name of a data set, for any spelling of its folder. */
static const char *base_name(const char *path, size_t *length)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/')
        begin--;
    *length = end - begin;
    return path + begin;
}

static rv_status check_data(const rv_classifier *c, const char *data_name)
{
    size_t is_length, comes_length;
    const char *trained = c->run->settings->data.name;
    const char *is = base_name(trained, &is_length);
    const char *comes = data_name ? base_name(data_name, &comes_length) : NULL;
    if (!comes || (is_length == comes_length && strncmp(is, comes, is_length) == 0))
        return RV_OK;
    return rv_fail(c->context, RV_BAD_USAGE,
                   "%s was trained on the data `%s`, and these images are of a model trained on "
                   "`%s`; choose a classifier trained on `%s`",
                   c->run->folder, trained, data_name, data_name);
}

/* ---- opening ---- */

static rv_status open_classifier(rv_classifier *c, const rv_experiment_place *place,
                                 const char *checkpoint, const char *data_name)
{
    rv_status status = rv_experiment_open(c->context, place, checkpoint, 0, &c->run);
    if (status == RV_OK)
        status = check_model(c);
    if (status == RV_OK)
        status = check_sizes(c);
    if (status == RV_OK)
        status = check_data(c, data_name);
    if (status != RV_OK)
        return status;
    c->images = rv_malloc((size_t)(SLICE * rv_data_width(c->sizes)) * sizeof *c->images);
    if (!c->images)
        return rv_fail_memory(c->context);
    c->features = rv_view_feature_width(c->run->model);
    return rv_error_status(c->context);
}

rv_status rv_classifier_open(rv_context *context, const rv_experiment_place *place,
                             const char *checkpoint, rv_data_sizes sizes, const char *data_name,
                             rv_classifier **out)
{
    *out = NULL;
    rv_classifier *c = rv_calloc(1, sizeof *c);
    if (!c)
        return rv_fail_memory(context);
    c->context = context;
    c->sizes = sizes;
    rv_status status = open_classifier(c, place, checkpoint, data_name);
    if (status != RV_OK) {
        rv_classifier_free(c);
        return status;
    }
    *out = c;
    return RV_OK;
}

void rv_classifier_free(rv_classifier *classifier)
{
    if (!classifier)
        return;
    rv_experiment_free(classifier->run);
    rv_free(classifier->images);
    rv_free(classifier);
}

int rv_classifier_classes(const rv_classifier *classifier)
{
    return classifier->run->model->sizes.classes;
}

const char *rv_classifier_class(const rv_classifier *classifier, int number)
{
    static const char *const digits[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    int count;
    const char *const *names = rv_experiment_classes(classifier->run, &count);
    if (number < 0 || number >= rv_classifier_classes(classifier))
        return NULL;
    if (number < count)
        return names[number];
    return number < 10 ? digits[number] : "?"; /* a run without class names */
}

int64_t rv_classifier_feature_width(const rv_classifier *classifier)
{
    return classifier->features;
}

const char *rv_classifier_name(const rv_classifier *classifier)
{
    return classifier->run->folder;
}

/* ---- judging ---- */

/* From the range of the images to the classifier's, for example [0,1] to [-1,1].  Equal ranges
 * leave every bit unchanged. */
static void convert(rv_classifier *c, const float *images, int64_t count)
{
    const rv_data_sizes *to = &c->run->model->sizes;
    size_t values = (size_t)(count * rv_data_width(c->sizes));
    if (to->low == c->sizes.low && to->high == c->sizes.high) {
        memcpy(c->images, images, values * sizeof *images);
        return;
    }
    double scale =
        ((double)to->high - (double)to->low) / ((double)c->sizes.high - (double)c->sizes.low);
    for (size_t i = 0; i < values; i++)
        c->images[i] =
            (float)((double)to->low + scale * ((double)images[i] - (double)c->sizes.low));
}

/* Logits to probabilities, in place: exp(l - max) / sum. */
static void softmax(float *row, int classes)
{
    double most = (double)row[0], sum = 0;
    for (int k = 1; k < classes; k++)
        most = (double)row[k] > most ? (double)row[k] : most;
    for (int k = 0; k < classes; k++)
        sum += exp((double)row[k] - most);
    for (int k = 0; k < classes; k++)
        row[k] = (float)(exp((double)row[k] - most) / sum);
}

typedef rv_status (*view)(rv_model *model, const float *images, int64_t count, float *values);

static rv_status look(rv_classifier *c, view see, const float *images, int64_t count, int64_t width,
                      float *values)
{
    rv_status status = RV_OK;
    int64_t pixels = rv_data_width(c->sizes);
    for (int64_t first = 0; status == RV_OK && first < count; first += SLICE) {
        int64_t n = count - first < SLICE ? count - first : SLICE;
        convert(c, images + first * pixels, n);
        status = see(c->run->model, c->images, n, values + first * width);
    }
    return status;
}

static rv_status probabilities_of(rv_classifier *classifier, view see, const float *images,
                                  int64_t count, float *probabilities)
{
    int classes = rv_classifier_classes(classifier);
    rv_status status = look(classifier, see, images, count, classes, probabilities);
    for (int64_t i = 0; status == RV_OK && i < count; i++)
        softmax(probabilities + i * classes, classes);
    return status;
}

rv_status rv_classifier_probabilities(rv_classifier *classifier, const float *images, int64_t count,
                                      float *probabilities)
{
    return probabilities_of(classifier, rv_view_classify, images, count, probabilities);
}

rv_status rv_classifier_evidence(rv_classifier *classifier, const float *images, int64_t count,
                                 float *probabilities)
{
    return probabilities_of(classifier, rv_view_class_evidence, images, count, probabilities);
}

int rv_classifier_likeliest(const rv_classifier *classifier, const float *probabilities)
{
    int best = 0;
    for (int k = 1; k < rv_classifier_classes(classifier); k++)
        best = probabilities[k] > probabilities[best] ? k : best;
    return best;
}

rv_status rv_classifier_features(rv_classifier *classifier, const float *images, int64_t count,
                                 float *features)
{
    return look(classifier, rv_view_features, images, count, classifier->features, features);
}
