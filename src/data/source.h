/* The inside of a source, and the steps that open one: find the files, look at their headers and
 * labels, select the images, read those. */
#ifndef DATA_SOURCE_H
#define DATA_SOURCE_H

#include "data/pixels.h"
#include "data/readers/reader.h"
#include "reverie/data.h"

#include <pthread.h>

struct rv_source {
    rv_context *context;
    rv_source_info info;
    char *name, *path, *place;
    rv_pixel_rule rule;
    rv_rows rows;         /* the images as stored */
    int32_t *labels;      /* [N], or NULL */
    uint32_t *numbers;    /* [N] the image's place in its file, ascending */
    int32_t *class_label; /* [class_count] of the files, ascending; NULL without labels */
    char **class_name;    /* [class_count] */
    pthread_mutex_t lock; /* held to make a row on demand */
    unsigned generation;  /* of the lock (core/fork.h) */
};

/* After a fork: a thread of the parent may have held the lock.  Call it before another thread uses
 * the source. */
void rv_source_renew(rv_source *source);

/* RV_BAD_USAGE for a number below zero, and for a position outside the source. */
rv_status rv_source_check(rv_context *context, const rv_source *source, const int64_t *indices,
                          int64_t count);
/* rv_source_fetch of images that are there. */
void rv_source_rows(rv_source *source, const int64_t *indices, int64_t count, int64_t epoch,
                    float *images, int32_t *labels);

/* ---- Finding ---- */

typedef struct rv_data_place {
    const rv_data_kind *kind; /* NULL: none */
    char *path;               /* folder or file; NULL when it is built in */
} rv_data_place;

/* Where `config->name` is; the path is the caller's to free with rv_free. */
rv_status rv_data_find(rv_context *context, const rv_data_config *config, rv_data_place *place);

/* ---- Looking and reading ---- */

rv_status rv_data_look(rv_context *context, const rv_data_place *place, rv_data_question question,
                       rv_data_files *files);
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
