/* Selects the images of a split: classes first, then validation, then the limit. */
#include "data/source.h"

int rv_data_keeps(const rv_data_integers *classes, int32_t label)
{
    for (int i = 0; i < classes->count; ++i)
        if (classes->value[i] == label)
            return 1;
    return classes->count == 0;
}

/* The first and the count, among `eligible` images, that the split takes. */
static rv_status share_out(rv_context *context, const rv_data_config *config,
                           const rv_data_files *files, rv_split split, int64_t eligible,
                           int64_t *first, int64_t *count)
{
    *first = 0;
    *count = eligible;
    if (split == RV_SPLIT_TEST)
        return RV_OK;
    if (split == RV_SPLIT_VALIDATION && config->validation == 0)
        return rv_fail(context, RV_BAD_USAGE,
                       "there is no validation split: data.validation=N sets aside the last N "
                       "training images of %s",
                       files->path);
    if (config->validation >= eligible)
        return rv_fail(context, RV_BAD_USAGE,
                       "data.validation=%lld leaves no training images: %s has %lld%s",
                       (long long)config->validation, files->path, (long long)eligible,
                       config->classes.count ? " of the chosen classes" : "");
    int64_t training = eligible - config->validation;
    if (split == RV_SPLIT_VALIDATION) {
        *first = training;
        *count = config->validation;
    } else {
        *count = config->limit > 0 && config->limit < training ? config->limit : training;
    }
    return RV_OK;
}

rv_status rv_data_select(rv_context *context, const rv_data_config *config,
                         const rv_data_files *files, rv_source *source)
{
    int64_t eligible = files->count, first, count;
    if (config->classes.count > 0 && files->labels) {
        eligible = 0;
        for (int64_t i = 0; i < files->count; ++i)
            eligible += rv_data_keeps(&config->classes, files->labels[i]);
    }
    if (eligible == 0)
        return rv_fail(context, RV_BAD_USAGE, "data.classes: no image of %s is of these classes",
                       files->path);
    rv_status status =
        share_out(context, config, files, source->info.split, eligible, &first, &count);
    if (status != RV_OK)
        return status;
    source->info.count = count;
    source->numbers = rv_malloc((size_t)count * sizeof *source->numbers);
    if (files->labels)
        source->labels = rv_malloc((size_t)count * sizeof *source->labels);
    if (!source->numbers || (files->labels && !source->labels))
        return rv_fail_memory(context);
    int64_t seen = 0, taken = 0;
    for (int64_t i = 0; taken < count; ++i) {
        if (files->labels && !rv_data_keeps(&config->classes, files->labels[i]))
            continue;
        if (seen++ < first)
            continue;
        source->numbers[taken] = (uint32_t)i;
        if (source->labels)
            source->labels[taken] = files->labels[i];
        ++taken;
    }
    return RV_OK;
}
