/* Notices when a source is opened, about facts that are no errors. */
#include "core/text.h"
#include "data/source.h"

#include <stdio.h>
#include <string.h>

/* ---- one value everywhere ---- */

static int all_equal(const rv_rows *rows)
{
    for (int64_t i = 1; i < rows->count * rows->size; ++i)
        if (rows->bytes ? rows->bytes[i] != rows->bytes[0] : rows->values[i] != rows->values[0])
            return 0;
    return 1;
}

void rv_data_say_constant(rv_context *context, const rv_source *source)
{
    char value[48];
    int points = source->info.are_points;
    if (source->rows.make || !all_equal(&source->rows)) /* made on demand: the digits */
        return;
    if (!source->rows.bytes)
        rv_text_format(value, sizeof value, "%g", (double)source->rows.values[0]);
    else
        snprintf(value, sizeof value, "%d of 255%s", source->rows.bytes[0],
                 source->rows.bytes[0] == 0     ? " (black)"
                 : source->rows.bytes[0] == 255 ? " (white)"
                                                : "");
    rv_notify_once(context, RV_LOG_WARNING,
                   "%s: every %s of the %s %s is %s: there is nothing to learn from them",
                   source->path, points ? "value" : "pixel", rv_split_name(source->info.split),
                   points ? "points" : "images", value);
}

/* ---- classes that are missing ---- */

enum { NAMED_MOST = 5, LIST_ROOM = 400 };

/* "3, 4 (happy), ...": at most NAMED_MOST classes that `all` has and `some` lacks.  Returns how
 * many there are. */
static int list_missing(const rv_data_files *files, const uint8_t *all, const uint8_t *some,
                        char text[LIST_ROOM])
{
    int missing = 0;
    size_t used = 0;
    text[0] = '\0';
    for (int c = 0; c < files->class_count; ++c) {
        if (!all[c] || some[c] || ++missing > NAMED_MOST)
            continue;
        used += (size_t)snprintf(text + used, LIST_ROOM - used, "%s%d", missing > 1 ? ", " : "", c);
        if (files->class_name)
            used +=
                (size_t)snprintf(text + used, LIST_ROOM - used, " (%.40s)", files->class_name[c]);
    }
    if (missing > NAMED_MOST)
        snprintf(text + used, LIST_ROOM - used, ", ...");
    return missing;
}

/* The classes of all training images, and those of the images that the source takes. */
static void mark_classes(const rv_data_config *config, const rv_data_files *files,
                         const rv_source *source, uint8_t *training, uint8_t *taken)
{
    int64_t left = -config->validation;
    for (int64_t i = 0; i < files->count; ++i)
        left += rv_data_keeps(&config->classes, files->labels[i]);
    for (int64_t i = 0; i < files->count && left > 0; ++i)
        if (rv_data_keeps(&config->classes, files->labels[i])) {
            training[files->labels[i]] = 1;
            --left;
        }
    for (int64_t i = 0; i < source->info.count; ++i)
        taken[source->class_label[source->labels[i]]] = 1;
}

rv_status rv_data_say_missing(rv_context *context, const rv_data_config *config,
                              const rv_data_files *files, const rv_source *source)
{
    char text[LIST_ROOM];
    int held_out = source->info.split == RV_SPLIT_VALIDATION;
    if (!source->labels || source->info.split == RV_SPLIT_TEST ||
        (!held_out && config->limit > 0 && config->limit < source->info.class_count))
        return RV_OK; /* fewer images than classes: classes must be missing */
    uint8_t *marks = rv_calloc(2, (size_t)files->class_count);
    if (!marks)
        return rv_fail_memory(context);
    uint8_t *taken = marks + files->class_count;
    mark_classes(config, files, source, marks, taken);
    int missing = list_missing(files, marks, taken, text);
    rv_free(marks);
    if (missing > 0)
        rv_notify_once(context, RV_LOG_NOTICE,
                       "data.%s=%lld: of the classes of %s, %d %s not among the %s images: %s",
                       held_out ? "validation" : "limit",
                       (long long)(held_out ? config->validation : config->limit), files->path,
                       missing, missing == 1 ? "is" : "are", held_out ? "held-out" : "training",
                       text);
    return RV_OK;
}
