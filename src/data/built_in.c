/* The built-in digits as a data set: each image is drawn at its first use. */
#include "data/digits.h"
#include "data/source.h"

static rv_digits_set set_of(rv_part part)
{
    return part == RV_PART_TEST ? RV_DIGITS_TESTING : RV_DIGITS_TRAINING;
}

static rv_status look(rv_context *context, const char *path, rv_data_question question,
                      rv_data_files *files)
{
    (void)path;
    files->path = rv_strdup("built in");
    files->count = question.part == RV_PART_TEST ? RV_DIGITS_TEST : RV_DIGITS_TRAIN;
    files->height = RV_DIGITS_SIDE;
    files->width = RV_DIGITS_SIDE;
    files->channels = 1;
    files->class_count = 10;
    if (question.labels)
        files->labels = rv_malloc((size_t)files->count * sizeof *files->labels);
    if (!files->path || (question.labels && !files->labels))
        return rv_fail_memory(context);
    if (question.labels)
        rv_digits_labels(question.seed, set_of(question.part), files->count, files->labels);
    return RV_OK;
}

static rv_status draw_row(const rv_source *source, int64_t index, uint8_t *row,
                          rv_source_error *error)
{
    (void)error; /* drawing cannot fail */
    rv_part part = source->info.split == RV_SPLIT_TEST ? RV_PART_TEST : RV_PART_TRAIN;
    int32_t digit = source->class_label[source->labels[index]];
    rv_digits_draw(source->info.seed, set_of(part), source->numbers[index], digit, row);
    return RV_OK;
}

/* Unused pages take no memory. */
static rv_status read_images(rv_context *context, const rv_data_files *files, rv_source *source)
{
    (void)files;
    source->make_row = draw_row;
    source->bytes = rv_calloc((size_t)source->info.count, RV_DIGITS_SIZE);
    source->made = rv_calloc((size_t)source->info.count, sizeof *source->made);
    return source->bytes && source->made ? RV_OK : rv_fail_memory(context);
}

const rv_data_kind rv_digits_kind = {.built_in = "digits", .look = look, .read = read_images};
