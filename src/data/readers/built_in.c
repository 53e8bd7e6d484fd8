/* The built-in digits as a data set: each image is drawn at its first use. */
#include "data/readers/digits.h"
#include "data/readers/reader.h"

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

static void draw_row(const rv_rows *rows, int64_t index, uint8_t *row)
{
    int32_t digit = rows->class_label[rows->labels[index]];
    rv_digits_draw(rows->question.seed, set_of(rows->question.part), rows->numbers[index], digit,
                   row);
}

/* Unused pages take no memory. */
static rv_status read_images(rv_context *context, const rv_data_files *files, rv_rows *rows)
{
    (void)files;
    rows->make = draw_row;
    rows->bytes = rv_calloc((size_t)rows->count, RV_DIGITS_SIZE);
    rows->made = rv_calloc((size_t)rows->count, sizeof *rows->made);
    return rows->bytes && rows->made ? RV_OK : rv_fail_memory(context);
}

const rv_data_kind rv_digits_kind = {.built_in = "digits", .look = look, .read = read_images};
