/* Functions shared by the durable writer and the writer of lines. */
#ifndef FILES_WRITE_H
#define FILES_WRITE_H

#include "reverie/io.h"

#include <dirent.h>

/* Writes everything, also after EINTR and short writes; 0 and errno on failure. */
int rv_write_all(int file, const void *bytes, size_t count);
/* fsync, repeated after EINTR; 0 and errno on failure. */
int rv_sync_file(int file);
/* Syncs the folder that holds `path`, so that a new name is durable. */
rv_status rv_sync_folder_of(rv_context *context, const char *path);
/* RV_IO_ERROR "PATH: WHAT: reason", the reason from errno. */
rv_status rv_fail_errno(rv_context *context, const char *path, const char *what);

/* The names in a folder; *list is NULL when there is no such folder.  An unreadable folder, from a
 * lack of memory or another reason, is a failure, not an empty folder. */
rv_status rv_folder_open(rv_context *context, const char *path, DIR **list);

#endif
