/* The classes of a data set: the labels of the training images that data.classes keeps.  A source
 * numbers them from 0 in ascending order and keeps their names, so that a model of four digits has
 * four classes; test images have the same classes. */
#include "core/memory.h"
#include "data/source.h"

#include <stdio.h>

static char *name_of(const rv_data_files *files, int32_t label)
{
    char number[24];
    if (files->class_name)
        return rv_strdup(files->class_name[label]);
    snprintf(number, sizeof number, "%d", label);
    return rv_strdup(number);
}

/* Every class in data.classes must exist: otherwise a typing error would train on fewer classes. */
static rv_status check_asked(rv_context *context, const rv_data_config *config,
                             const rv_data_files *files, const char *is_there)
{
    for (int i = 0; i < config->classes.count; ++i) {
        int64_t asked = config->classes.value[i];
        for (int j = 0; j < i; ++j)
            if (config->classes.value[j] == asked)
                return rv_fail(context, RV_BAD_USAGE,
                               "data.classes names class %lld twice: name each once",
                               (long long)asked);
        if (asked < 0 || asked >= files->class_count || !is_there[asked])
            return rv_fail(
                context, RV_BAD_USAGE,
                "data.classes: no image of %s has the label %lld; its labels are 0 to %d",
                files->path, (long long)asked, files->class_count - 1);
    }
    return RV_OK;
}

rv_status rv_data_classes_find(rv_context *context, const rv_data_config *config,
                               const rv_data_files *files, rv_source *source)
{
    if (!files->labels && config->classes.count > 0)
        return rv_fail(context, RV_BAD_USAGE,
                       "data.classes: data.name=%s has no labels to choose by", config->name);
    if (!files->labels)
        return RV_OK;
    size_t room = (size_t)files->class_count + 1;
    char *is_there = rv_calloc(room, 1);
    source->class_label = rv_calloc(room, sizeof *source->class_label);
    source->class_name = rv_calloc(room, sizeof *source->class_name);
    rv_status status =
        is_there && source->class_label && source->class_name ? RV_OK : rv_fail_memory(context);
    for (int64_t i = 0; status == RV_OK && i < files->count; ++i)
        is_there[files->labels[i]] = 1;
    if (status == RV_OK)
        status = check_asked(context, config, files, is_there);
    for (int32_t label = 0; status == RV_OK && label < files->class_count; ++label) {
        int at = source->info.class_count;
        if (!is_there[label] || !rv_data_keeps(&config->classes, label))
            continue;
        source->class_label[at] = label;
        source->class_name[at] = name_of(files, label);
        source->info.class_count = at + 1;
        if (!source->class_name[at])
            status = rv_fail_memory(context);
    }
    source->info.class_names = (const char *const *)source->class_name;
    rv_free(is_there);
    return status;
}

/* The number of a label's class, -1 for none. */
static int32_t class_of(const rv_source *source, int32_t label)
{
    int low = 0, high = source->info.class_count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (source->class_label[middle] < label)
            low = middle + 1;
        else
            high = middle;
    }
    return low < source->info.class_count && source->class_label[low] == label ? low : -1;
}

rv_status rv_data_classes_number(rv_context *context, rv_source *source)
{
    for (int64_t i = 0; source->labels && i < source->info.count; ++i) {
        int32_t number = class_of(source, source->labels[i]);
        if (number < 0)
            return rv_fail(context, RV_BAD_FILE,
                           "%s: image %lld has the label %d, which none of the %d classes of the "
                           "training images has: the files do not belong together, or "
                           "data.classes should choose the classes that both have",
                           source->path, (long long)source->numbers[i], source->labels[i],
                           source->info.class_count);
        source->labels[i] = number;
    }
    return RV_OK;
}

void rv_data_classes_free(rv_source *source)
{
    for (int i = 0; source->class_name && i < source->info.class_count; ++i)
        rv_free(source->class_name[i]);
    rv_free(source->class_name);
    rv_free(source->class_label);
}
