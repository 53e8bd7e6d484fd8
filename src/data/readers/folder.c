/* Lists folders, joins paths, and tells litter from files. */
#include "data/readers/folder.h"

#include "core/memory.h"
#include "core/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_name(rv_folder *folder, int64_t *room, const char *name)
{
    if (folder->count == *room) {
        int64_t more = *room ? 2 * *room : 16;
        char **grown = rv_realloc(folder->name, (size_t)more * sizeof *grown);
        if (!grown)
            return 0;
        folder->name = grown;
        *room = more;
    }
    folder->name[folder->count] = rv_strdup(name);
    return folder->name[folder->count] && ++folder->count;
}

int rv_folder_list(const char *path, rv_folder *folder)
{
    int64_t room = 0;
    int error = 0;
    struct dirent *entry;
    *folder = (rv_folder){0};
    DIR *open = opendir(path);
    if (!open)
        return 0;
    while (!error && (errno = 0, entry = readdir(open)) != NULL)
        if (entry->d_name[0] != '.' && !add_name(folder, &room, entry->d_name))
            error = ENOMEM;
    if (!error)
        error = errno;
    closedir(open);
    if (error) {
        rv_folder_free(folder);
        errno = error;
        return 0;
    }
    if (folder->count > 1)
        qsort(folder->name, (size_t)folder->count, sizeof *folder->name, by_name);
    return 1;
}

rv_status rv_folder_read(const char *path, rv_folder *folder)
{
    return rv_folder_list(path, folder) || errno != ENOMEM ? RV_OK : RV_NO_MEMORY;
}

void rv_folder_free(rv_folder *folder)
{
    for (int64_t i = 0; i < folder->count; ++i)
        rv_free(folder->name[i]);
    rv_free(folder->name);
    *folder = (rv_folder){0};
}

const char *rv_path_problem(const char *path)
{
    struct stat facts;
    if (stat(path, &facts) != 0)
        return errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG ? NULL
                                                                            : strerror(errno);
    DIR *open = S_ISDIR(facts.st_mode) ? opendir(path) : NULL;
    if (open)
        closedir(open);
    return open || !S_ISDIR(facts.st_mode) || errno == ENOMEM ? NULL : strerror(errno);
}

int rv_path_is_file(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 && S_ISREG(facts.st_mode);
}

int64_t rv_path_bytes(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 && S_ISREG(facts.st_mode) ? (int64_t)facts.st_size : 0;
}

char *rv_path_join(const char *folder, const char *name)
{
    size_t length = strlen(folder), bytes = length + strlen(name) + 2;
    const char *slash = length > 0 && folder[length - 1] == '/' ? "" : "/";
    char *path = rv_malloc(bytes);
    if (path)
        snprintf(path, bytes, "%s%s%s", folder, slash, name);
    return path;
}

int rv_text_ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && rv_text_same(text + length - tail, end);
}

int rv_name_is_litter(const char *name)
{
    return rv_text_same(name, "thumbs.db") || rv_text_same(name, "desktop.ini");
}
