/* The kinds of data set: how each makes rows of its files.
 *
 * It looks at headers and labels first; then it reads the rows that a source has selected. */
#ifndef DATA_READER_H
#define DATA_READER_H

#include "core/memory.h"
#include "reverie/io.h"

#include <stdatomic.h>
#include <stdint.h>

/* Which of a data set's two sets of files: validation images are training images. */
typedef enum rv_part { RV_PART_TRAIN, RV_PART_TEST } rv_part;

/* The question about a place. */
typedef struct rv_data_question {
    rv_part part;
    int labels;    /* 0: rv_data_list asks: no labels, but whether headers and sizes are right */
    uint64_t seed; /* data.seed */
} rv_data_question;

/* One part of a data set, before its images are read. */
typedef struct rv_data_files {
    char *path;                  /* of the images: a file, or the folder of the class folders */
    int64_t count;               /* images in the files */
    int height, width, channels; /* of each */
    int are_points;              /* rows of real numbers, no pixels */
    int energy;                  /* the energy whose points they are, 1 to 4; 0: none */
    double entropy;              /* of the law of the points, nats; 0: not known */
    int32_t *labels;             /* [count], or NULL */
    int class_count;             /* labels are below */
    int64_t bytes;               /* on disk, labels included */
    int absent;                  /* looking failed because the set has no such part */
    int rank;                    /* IDX: axes of the images' file */
    char **image;                /* PNG: [count] paths */
    char **class_name;           /* PNG: [class_count], or NULL */
    rv_array array;              /* NPY: its header */
    int channels_first;          /* NPY: [N,C,H,W] */
} rv_data_files;

/* Images as they are stored, a row each. */
typedef struct rv_rows rv_rows;
struct rv_rows {
    rv_data_question question;
    int64_t count, size;                 /* N, and D: the values of an image */
    const uint32_t *numbers;             /* [N] the image's place in its file, ascending */
    const int32_t *labels, *class_label; /* image i shows class_label[labels[i]]; or NULL */
    /* Filled by `read`. */
    uint8_t *bytes;  /* [N,D], or NULL */
    float *values;   /* [N,D] where there are no bytes */
    void *from_file; /* the block of io that contains `bytes` or `values`: rv_io_free */
    /* Makes one row of bytes on demand, or NULL.  made[i]: row i exists. */
    void (*make)(const rv_rows *rows, int64_t index, uint8_t *row);
    atomic_uchar *made;
};

/* A kind of data set: one file that defines rv_NAME_kind, and one line of kinds.def.  A set is
 * built in, a file with some ending, or a folder. */
typedef struct rv_data_kind {
    const char *built_in; /* the data.name that it is, at no path; or NULL */
    const char *about;    /* otherwise, the thing at its path, for errors: "a folder of ..." */
    const char *ending;   /* of its file's name, in any case; or NULL */
    /* Whether the folder at `path` is one, or NULL.  RV_NO_MEMORY is not latched. */
    rv_status (*holds)(const char *path, int *found);
    /* Looks at headers and labels; `files` starts zeroed, and the caller frees it even after a
     * failure.  The path is NULL for a built-in set. */
    rv_status (*look)(rv_context *context, const char *path, rv_data_question question,
                      rv_data_files *files);
    /* Reads the images rows->numbers[0 .. N) into rows->bytes, or rows->values, which the caller
     * frees even after a failure. */
    rv_status (*read)(rv_context *context, const rv_data_files *files, rv_rows *rows);
    /* Whether it has test images; NULL: always. */
    rv_status (*has_test)(rv_context *context, const char *path, int *has_test);
} rv_data_kind;

#define DATA_KIND(name) extern const rv_data_kind rv_##name##_kind;
#include "data/readers/kinds.def"
#undef DATA_KIND

/* Every kind; NULL ends it. */
extern const rv_data_kind *const rv_data_kinds[];
/* The kind of the data set at a path, NULL when there is none.  RV_NO_MEMORY is not latched. */
rv_status rv_data_kind_of(const char *path, const rv_data_kind **kind);
/* The start of the ending that makes `name` the file of a data set, or NULL. */
const char *rv_data_ending(const char *name);
/* "an .npy file, a folder of ..., or ...": all kinds at a path. */
void rv_data_kinds_text(char *text, size_t size);

/* The sizes of an image, which must be at least 1 and multiply to less than 2^31. */
rv_status rv_data_set_shape(rv_context *context, int64_t height, int64_t width, int64_t channels,
                            rv_data_files *files);
void rv_data_files_free(rv_data_files *files);
void rv_rows_free(rv_rows *rows);

#endif
