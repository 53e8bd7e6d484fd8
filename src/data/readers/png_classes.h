/* The class folders of a set of PNG files, and the ignored files in them. */
#ifndef DATA_PNG_CLASSES_H
#define DATA_PNG_CLASSES_H

#include "data/readers/folder.h"
#include "data/readers/reader.h"

typedef struct rv_png_class {
    char *name;      /* of its folder */
    rv_folder files; /* the PNG files in it */
} rv_png_class;

/* Ignored files: no image, or in a place without images; their number, and the first. */
typedef struct rv_png_passed {
    int64_t count;
    char *first; /* its path, or NULL */
} rv_png_passed;

typedef struct rv_png_classes {
    rv_png_class *of; /* [count] sorted by name */
    int64_t count;
    int64_t images;       /* in all of them */
    rv_folder loose;      /* PNG files next to the class folders */
    rv_png_passed others; /* files in class folders that are no PNG */
    rv_png_passed deep;   /* folders inside class folders */
} rv_png_classes;

/* RV_BAD_FILE for a folder that cannot be read. */
rv_status rv_png_list_folder(rv_context *context, const char *path, rv_folder *folder);
/* The folders of `root` that hold a PNG; `classes` starts zeroed, and is freed by the caller even
 * after a failure. */
rv_status rv_png_list_classes(rv_context *context, const char *root, rv_png_classes *classes);
void rv_png_free_classes(rv_png_classes *classes);
/* Reports, once, the ignored files. */
void rv_png_say_passed(rv_context *context, const char *root, const rv_png_classes *classes);

#endif
