/* The inside of a source, and the kinds of data set that make one.
 *
 * Opening goes in four steps: find the files, look at their headers and labels, select the images,
 * read those. */
#ifndef DATA_SOURCE_H
#define DATA_SOURCE_H

#include "core/memory.h"
#include "data/pixels.h"
#include "reverie/data.h"
#include "reverie/io.h"

#include <pthread.h>
#include <stdatomic.h>

/* Which of a data set's two sets of files: validation images are training images. */
typedef enum rv_part { RV_PART_TRAIN, RV_PART_TEST } rv_part;

typedef struct rv_source_error {
    rv_status status;
    char message[512];
} rv_source_error;

/* Makes one row of bytes on demand; a failure is written to `error`. */
typedef rv_status (*rv_row_maker)(const rv_source *source, int64_t index, uint8_t *row,
                                  rv_source_error *error);

struct rv_source {
    rv_context *context;
    rv_source_info info;
    char *name, *path, *place;
    rv_pixel_rule rule;
    uint8_t *bytes;       /* [N,D], or NULL */
    float *values;        /* [N,D] where there are no bytes */
    void *from_file;      /* the block of io that contains `bytes` or `values`: rv_io_free */
    int32_t *labels;      /* [N], or NULL */
    uint32_t *numbers;    /* [N] the image's place in its file, ascending */
    int32_t *class_label; /* [class_count] of the files, ascending; NULL without labels */
    char **class_name;    /* [class_count] */
    /* Rows made on demand, or NULL.  `made[i]`: row i exists; `lock` protects making one. */
    rv_row_maker make_row;
    atomic_uchar *made;
    pthread_mutex_t lock;
    unsigned generation; /* of the lock (core/fork.h) */
};

/* After a fork: a thread of the parent may have held the lock.  Call it before another thread uses
 * the source. */
void rv_source_renew(rv_source *source);

/* rv_source_fetch, but a failure is written to `error` for the caller, who reports it in time. */
rv_status rv_source_rows(rv_source *source, const int64_t *indices, int64_t count, int64_t epoch,
                         float *images, int32_t *labels, rv_source_error *error);

/* ---- Kinds of data set ---- */

typedef struct rv_data_files rv_data_files;

/* The question about a place. */
typedef struct rv_data_question {
    rv_part part;
    int labels;    /* 0: only what rv_data_list needs */
    uint64_t seed; /* data.seed */
} rv_data_question;

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
    /* Reads the images source->numbers[0 .. N) into source->bytes, or source->values. */
    rv_status (*read)(rv_context *context, const rv_data_files *files, rv_source *source);
    /* Whether it has test images; NULL: always. */
    rv_status (*has_test)(rv_context *context, const char *path, int *has_test);
} rv_data_kind;

#define DATA_KIND(name) extern const rv_data_kind rv_##name##_kind;
#include "data/kinds.def"
#undef DATA_KIND

/* Every kind; NULL ends it. */
extern const rv_data_kind *const rv_data_kinds[];
/* The kind of the data set at a path, NULL when there is none.  RV_NO_MEMORY is not latched. */
rv_status rv_data_kind_of(const char *path, const rv_data_kind **kind);
/* The start of the ending that makes `name` the file of a data set, or NULL. */
const char *rv_data_ending(const char *name);
/* "an .npy file, a folder of ..., or ...": all kinds at a path. */
void rv_data_kinds_text(char *text, size_t size);

/* ---- Finding ---- */

typedef struct rv_data_place {
    const rv_data_kind *kind; /* NULL: none */
    char *path;               /* folder or file; NULL when it is built in */
} rv_data_place;

/* Where `config->name` is; the path is the caller's to free with rv_free. */
rv_status rv_data_find(rv_context *context, const rv_data_config *config, rv_data_place *place);

/* ---- Looking and reading ---- */

/* One part of a data set, before its images are read. */
struct rv_data_files {
    char *path;                  /* of the images: a file, or the folder of the class folders */
    int64_t count;               /* images in the files */
    int height, width, channels; /* of each */
    int32_t *labels;             /* [count], or NULL */
    int class_count;             /* labels are below */
    int64_t bytes;               /* on disk, labels included */
    int absent;                  /* looking failed because the set has no such part */
    int rank;                    /* IDX: axes of the images' file */
    char **image;                /* PNG: [count] paths */
    char **class_name;           /* PNG: [class_count], or NULL */
    rv_array array;              /* NPY: its header */
    int channels_first;          /* NPY: [N,C,H,W] */
};

/* The sizes of an image, which must be at least 1 and multiply to less than 2^31. */
rv_status rv_data_set_shape(rv_context *context, int64_t height, int64_t width, int64_t channels,
                            rv_data_files *files);
rv_status rv_data_look(rv_context *context, const rv_data_place *place, rv_data_question question,
                       rv_data_files *files);
void rv_data_files_free(rv_data_files *files);
/* Reports, once, the classes of the training images that are missing among the held-out images, or
 * after a limit. */
rv_status rv_data_say_missing(rv_context *context, const rv_data_config *config,
                              const rv_data_files *files, const rv_source *source);
/* Reports, once, that all pixels have the same value. */
void rv_data_say_constant(rv_context *context, const rv_source *source);

/* ---- Selecting ---- */

/* classes.c: writes the classes of the training files to the source; then numbers the source's own
 * labels, RV_BAD_FILE for an unknown one. */
rv_status rv_data_classes_find(rv_context *context, const rv_data_config *config,
                               const rv_data_files *files, rv_source *source);
rv_status rv_data_classes_number(rv_context *context, rv_source *source);
void rv_data_classes_free(rv_source *source);
/* fingerprint.c: into source->info. */
void rv_data_fingerprint(rv_source *source);
/* Whether data.classes keeps a label; an empty list keeps all. */
int rv_data_keeps(const rv_data_integers *classes, int32_t label);

/* Fills source->numbers, ->labels and ->info.count by the classes, the validation and the limit. */
rv_status rv_data_select(rv_context *context, const rv_data_config *config,
                         const rv_data_files *files, rv_source *source);

#endif
