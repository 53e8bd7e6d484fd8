/* What the tests of src/viz share: a context and a temporary folder for each test, and whole files
 * as text. */
#ifndef VIZ_FIXTURE_H
#define VIZ_FIXTURE_H

#include "check.h"
#include "reverie/io.h"
#include "reverie/viz.h"

#include <dirent.h>
#include <unistd.h>

typedef struct fixture {
    rv_context *context;
    char folder[64];
    int64_t live; /* blocks at the start */
} fixture;

static inline int set_up(void **state)
{
    static fixture shared;
    shared.live = rv_memory_counted().live;
    shared.context = rv_context_new();
    strcpy(shared.folder, "/tmp/reverie-viz-XXXXXX");
    *state = &shared;
    return !shared.context || !mkdtemp(shared.folder);
}

/* The number of files in the folder; removes them when asked to. */
static inline int count_files(const fixture *f, int remove_them)
{
    int count = 0;
    DIR *folder = opendir(f->folder);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[400];
        if (entry->d_name[0] == '.' && strlen(entry->d_name) < 3)
            continue;
        count++;
        snprintf(path, sizeof path, "%s/%s", f->folder, entry->d_name);
        if (remove_them)
            unlink(path);
    }
    closedir(folder);
    return count;
}

/* Nothing may be left: no error, no block of memory. */
static inline int tear_down(void **state)
{
    fixture *f = *state;
    check_ok(f->context);
    rv_context_free(f->context);
    int64_t left = rv_memory_counted().live - f->live;
    if (left != 0)
        fail_msg("%lld blocks of memory were not freed", (long long)left);
    count_files(f, 1);
    return rmdir(f->folder);
}

static inline const char *path_in(const fixture *f, const char *name)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    return path;
}

#endif
