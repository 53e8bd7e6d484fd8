/* A balanced choice of images, and which training images keep their label. */
#include "core/memory.h"
#include "core/random.h"
#include "data/source.h"

/* The number of images of each label, and the number of labels with images. */
static int count_classes(const rv_source *source, int64_t *of_class)
{
    int present = 0;
    for (int64_t i = 0; i < source->info.count; ++i)
        present += of_class[source->labels[i]]++ == 0;
    return present;
}

static rv_status check(rv_context *context, const rv_source *source, const rv_label_choice *choice,
                       const int64_t *of_class, int present)
{
    const rv_source_info *info = &source->info;
    const char *asked = choice->asked;
    int64_t labels = choice->labels;
    if (labels < 1 || labels > info->count)
        return rv_fail(context, RV_BAD_USAGE, "%s=%lld is %s the %lld training images of %s", asked,
                       (long long)labels, labels < 1 ? "none of" : "more than",
                       (long long)info->count, info->name);
    if (labels % present != 0)
        return rv_fail(context, RV_BAD_USAGE,
                       "%s=%lld cannot be shared evenly by %d classes: choose a multiple of %d",
                       asked, (long long)labels, present, present);
    for (int k = 0; k < info->class_count; ++k)
        if (of_class[k] > 0 && of_class[k] < labels / present)
            return rv_fail(context, RV_BAD_USAGE,
                           "%s=%lld asks for %lld images of each class, but class %d of the "
                           "training images of %s has %lld",
                           asked, (long long)labels, (long long)(labels / present), k, info->name,
                           (long long)of_class[k]);
    return RV_OK;
}

/* Selection sampling of each class (Knuth, volume 2, 3.4.2, algorithm S): `left` images of the
 * class remain, and `wanted` of them must be taken. */
static void choose(const rv_source *source, uint64_t seed, int64_t *left, int64_t *wanted,
                   int64_t *positions)
{
    rv_stream stream = rv_stream_at(seed, rv_site("data.labels"), 0, 0);
    int64_t taken = 0;
    for (int64_t i = 0; i < source->info.count; ++i) {
        int32_t k = source->labels[i];
        int64_t draw = (int64_t)rv_stream_below(&stream, (uint32_t)left[k]--);
        if (draw >= wanted[k])
            continue;
        --wanted[k];
        positions[taken++] = i;
    }
}

static rv_status need_labels(rv_context *context, const rv_source *source, const char *asked)
{
    if (source->labels)
        return RV_OK;
    return rv_fail(context, RV_BAD_USAGE, "%s: the images of %s have no labels to learn from",
                   asked, source->info.path);
}

rv_status rv_source_choose(rv_context *context, const rv_source *source,
                           const rv_label_choice *choice, int64_t *positions)
{
    if (need_labels(context, source, choice->asked) != RV_OK)
        return RV_BAD_USAGE;
    size_t classes = (size_t)source->info.class_count;
    int64_t *of_class = rv_calloc(2 * classes, sizeof *of_class), *wanted = of_class + classes;
    if (!of_class)
        return rv_fail_memory(context);
    int present = count_classes(source, of_class);
    rv_status status = check(context, source, choice, of_class, present);
    for (size_t k = 0; status == RV_OK && k < classes; ++k)
        wanted[k] = of_class[k] > 0 ? choice->labels / present : 0;
    if (status == RV_OK)
        choose(source, choice->seed, of_class, wanted, positions);
    rv_free(of_class);
    return status;
}

rv_status rv_source_labelled(rv_context *context, const rv_source *source, int64_t **positions,
                             int64_t *count)
{
    const rv_source_info *info = &source->info;
    *positions = NULL;
    *count = info->labels > 0 ? info->labels : info->count;
    if (need_labels(context, source, "data.labels") != RV_OK)
        return RV_BAD_USAGE;
    int64_t room = *count < info->count ? *count : info->count;
    int64_t *chosen = rv_malloc((size_t)room * sizeof *chosen);
    if (!chosen)
        return rv_fail_memory(context);
    rv_status status = RV_OK;
    if (info->labels > 0)
        status = rv_source_choose(
            context, source, &(rv_label_choice){info->labels, info->seed, "data.labels"}, chosen);
    else
        for (int64_t i = 0; i < room; ++i)
            chosen[i] = i;
    if (status == RV_OK)
        *positions = chosen;
    else
        rv_free(chosen);
    return status;
}

void rv_labelled_free(int64_t *positions)
{
    rv_free(positions);
}
