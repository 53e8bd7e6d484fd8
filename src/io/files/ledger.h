/* The inside of a ledger. */
#ifndef FILES_LEDGER_H
#define FILES_LEDGER_H

#include "reverie/io.h"

#define LEDGER_LIST ".reverie-files"

enum { LEDGER_NAME = 4096 };

struct rv_ledger {
    rv_context *context;
    char *folder;
    char **name; /* [count] within the folder, "samples/" for a folder; in the order of making */
    int count, room;
    int file;      /* the list, open to append; -1: not yet */
    int is_kept;   /* the folder has a list */
    int is_others; /* a file of that name exists, but is no list: somebody else's */
    int adopts;    /* existing files may be claimed */
};

/* "FOLDER/name", the caller's to rv_free; NULL when memory is out. */
char *ledger_path(const char *folder, const char *name);
/* The folder itself, opened; -1 and errno. */
int ledger_root(const char *folder);
/* The folder that holds `name`, opened from `root` without following a link, -1 when there is none;
 * *leaf is the rest of the name. */
int ledger_walk(int root, const char *name, const char **leaf);
/* Removes a name under `root`: a regular file, or an empty folder. */
void ledger_unlink(int root, const char *name);

#endif
