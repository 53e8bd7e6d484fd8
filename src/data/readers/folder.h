/* The content of a folder, by name. */
#ifndef DATA_FOLDER_H
#define DATA_FOLDER_H

#include "reverie/core.h"

#include <stdint.h>

typedef struct rv_folder {
    char **name; /* sorted, without hidden files */
    int64_t count;
} rv_folder;

/* 0 when the folder cannot be read (`errno` says why; ENOMEM when memory is out). */
int rv_folder_list(const char *path, rv_folder *folder);
/* The same, but an unreadable folder counts as empty; only RV_NO_MEMORY, not latched. */
rv_status rv_folder_read(const char *path, rv_folder *folder);
void rv_folder_free(rv_folder *folder);

/* Why the file or folder at a path cannot be looked at, or not be listed, as "Permission denied";
 * NULL if it can, or there is none. */
const char *rv_path_problem(const char *path);
/* A file, not a folder. */
int rv_path_is_file(const char *path);
/* Bytes of a file, 0 when there is none. */
int64_t rv_path_bytes(const char *path);
/* "folder/name", NULL when memory is out; freed with rv_free. */
char *rv_path_join(const char *folder, const char *name);
/* In any case: cameras and Windows write .PNG. */
int rv_text_ends_with(const char *text, const char *end);
/* Files that a desktop adds to folders of pictures. */
int rv_name_is_litter(const char *name);

#endif
