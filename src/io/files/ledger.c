/* The list of Reverie's files in a folder, FOLDER/.reverie-files: a line "+ NAME" before a file (or
 * "+ NAME/", a folder) is made, "- NAME" after it was removed.  Only listed files are ever removed,
 * and never through a symbolic link: other files in the folder belong to somebody else.  The line
 * is on the disk before the file. */
#include "io/files/ledger.h"
#include "core/memory.h"
#include "io/files/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIST_MOST = 64 << 20 };
static const char list_name[] = LEDGER_LIST;
static const char heading[] = "# Reverie made these files of this folder, and removes no others.\n";

/* ---- names ---- */

static int find(const rv_ledger *ledger, const char *name, size_t length)
{
    for (int i = ledger->count - 1; i >= 0; i--)
        if (strncmp(ledger->name[i], name, length) == 0 && ledger->name[i][length] == '\0')
            return i;
    return -1;
}

static int add(rv_ledger *ledger, const char *name, size_t length)
{
    if (ledger->count == ledger->room) {
        int room = ledger->room ? 2 * ledger->room : 64;
        char **grown = rv_realloc(ledger->name, (size_t)room * sizeof *grown);
        if (!grown)
            return 0;
        ledger->name = grown;
        ledger->room = room;
    }
    char *copy = rv_malloc(length + 1);
    if (!copy)
        return 0;
    memcpy(copy, name, length);
    copy[length] = '\0';
    ledger->name[ledger->count++] = copy;
    return 1;
}

static void drop(rv_ledger *ledger, int at)
{
    rv_free(ledger->name[at]);
    memmove(&ledger->name[at], &ledger->name[at + 1],
            (size_t)(--ledger->count - at) * sizeof *ledger->name);
}

/* Whether a name stays in the folder: a forged list must not lead elsewhere. */
static int is_within(const char *name, size_t length)
{
    int parts_ok = length > 0 && length < LEDGER_NAME && name[0] != '/';
    for (size_t i = 0; i < length; i++)
        if (i == 0 || name[i - 1] == '/')
            parts_ok = parts_ok && !(name[i] == '.' && i + 1 < length && name[i + 1] == '.' &&
                                     (i + 2 == length || name[i + 2] == '/'));
    return parts_ok;
}

/* The name of a path in the folder; NULL for a path outside. */
static const char *name_of(const rv_ledger *ledger, const char *path)
{
    size_t length = strlen(ledger->folder);
    if (strncmp(path, ledger->folder, length) != 0 || path[length] != '/' ||
        !is_within(path + length + 1, strlen(path + length + 1)))
        return NULL;
    return path + length + 1;
}

/* ---- the list's file ---- */

/* A list begins with the heading; a damaged list still has lines, or is empty.  Any other file of
 * that name is neither written nor removed. */
static int is_list(const rv_ledger *ledger, const char *text, size_t count)
{
    size_t length = strlen(heading);
    return ledger->count > 0 || strncmp(text, heading, count < length ? count : length) == 0;
}

/* An incomplete line has no newline, and its file was not made yet. */
static rv_status take_lines(rv_ledger *ledger, const char *text)
{
    for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1) {
        size_t length = (size_t)(end - text);
        if (length < 3 || text[1] != ' ' || (text[0] != '+' && text[0] != '-') ||
            !is_within(text + 2, length - 2))
            continue;
        int at = find(ledger, text + 2, length - 2);
        if (text[0] == '-' && at >= 0)
            drop(ledger, at);
        if (text[0] == '+' && at < 0 && !add(ledger, text + 2, length - 2))
            return rv_fail_memory(ledger->context);
    }
    return RV_OK;
}

static rv_status read_list(rv_ledger *ledger)
{
    uint8_t *text;
    size_t count;
    char *path = ledger_path(ledger->folder, list_name);
    if (!path)
        return rv_fail_memory(ledger->context);
    struct stat facts;
    rv_status status = RV_OK;
    if (lstat(path, &facts) == 0) {
        ledger->is_kept = 1;
        status = rv_file_read(ledger->context, path, LIST_MOST, &text, &count);
        if (status == RV_OK) {
            status = take_lines(ledger, (const char *)text);
            ledger->is_others = !is_list(ledger, (const char *)text, count);
            rv_free(text);
        }
    }
    rv_free(path);
    return status;
}

char *ledger_path(const char *folder, const char *name)
{
    size_t bytes = strlen(folder) + strlen(name) + 2;
    char *path = rv_malloc(bytes);
    if (path)
        snprintf(path, bytes, "%s/%s", folder, name);
    return path;
}

/* Appends "SIGN NAME" and waits until it is on the disk. */
static rv_status append(rv_ledger *ledger, char sign, const char *name)
{
    struct stat facts;
    char *path = ledger_path(ledger->folder, list_name);
    size_t room = strlen(name) + sizeof heading + 8;
    char *line = rv_malloc(room);
    rv_status status = path && line ? RV_OK : rv_fail_memory(ledger->context);
    if (status == RV_OK && ledger->is_others)
        status = rv_fail(ledger->context, RV_BAD_USAGE,
                         "%s: is there already, and is no list of Reverie's: move it away", path);
    if (status == RV_OK && ledger->file < 0)
        ledger->file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (status == RV_OK && (ledger->file < 0 || fstat(ledger->file, &facts) != 0))
        status = rv_fail_errno(ledger->context, path, "cannot be written");
    if (status == RV_OK) {
        char last = '\n'; /* a killed process may leave an incomplete line */
        if (facts.st_size > 0)
            (void)!pread(ledger->file, &last, 1, facts.st_size - 1);
        int length = snprintf(line, room, "%s%s%c %s\n", facts.st_size == 0 ? heading : "",
                              last == '\n' ? "" : "\n", sign, name);
        ledger->is_kept = 1;
        if (!rv_write_all(ledger->file, line, (size_t)length) || !rv_sync_file(ledger->file))
            status = rv_fail_errno(ledger->context, path, "cannot be written");
        else if (facts.st_size == 0)
            status = rv_sync_folder_of(ledger->context, path);
    }
    rv_free(path);
    rv_free(line);
    return status;
}

/* ---- opening ---- */

rv_status rv_ledger_open(rv_context *context, const char *folder, rv_ledger **out)
{
    *out = NULL;
    rv_ledger *ledger = rv_calloc(1, sizeof *ledger);
    if (!ledger)
        return rv_fail_memory(context);
    ledger->context = context;
    ledger->file = -1;
    ledger->folder = rv_strdup(folder);
    rv_status status = ledger->folder ? read_list(ledger) : rv_fail_memory(context);
    if (status != RV_OK) {
        rv_ledger_close(ledger);
        return status;
    }
    *out = ledger;
    return RV_OK;
}

void rv_ledger_close(rv_ledger *ledger)
{
    if (!ledger)
        return;
    if (ledger->file >= 0)
        close(ledger->file);
    for (int i = 0; i < ledger->count; i++)
        rv_free(ledger->name[i]);
    rv_free(ledger->name);
    rv_free(ledger->folder);
    rv_free(ledger);
}

int rv_ledger_is_kept(const rv_ledger *ledger)
{
    return ledger->is_kept;
}

int rv_ledger_has(const rv_ledger *ledger, const char *path)
{
    const char *name = name_of(ledger, path);
    return name && find(ledger, name, strlen(name)) >= 0;
}

/* ---- claiming ---- */

static rv_status enter(rv_ledger *ledger, const char *name)
{
    rv_status status = append(ledger, '+', name);
    if (status == RV_OK && !add(ledger, name, strlen(name)))
        status = rv_fail_memory(ledger->context);
    return status;
}

rv_status rv_ledger_claim(rv_ledger *ledger, const char *path)
{
    struct stat facts;
    const char *name = name_of(ledger, path);
    if (!name)
        return rv_fail(ledger->context, RV_BAD_USAGE, "%s: is not in the folder %s", path,
                       ledger->folder);
    int is_there = lstat(path, &facts) == 0;
    if (is_there && !S_ISREG(facts.st_mode))
        return rv_fail(ledger->context, RV_BAD_USAGE,
                       "%s: is a %s where Reverie would write a file: move it away", path,
                       S_ISLNK(facts.st_mode)   ? "link"
                       : S_ISDIR(facts.st_mode) ? "folder"
                                                : "device or a pipe");
    if (find(ledger, name, strlen(name)) >= 0)
        return RV_OK;
    if (is_there && !ledger->adopts)
        return rv_fail(ledger->context, RV_BAD_USAGE,
                       "%s: is there already, and Reverie did not make it: move it away, or choose "
                       "another folder",
                       path);
    return enter(ledger, name);
}

rv_status rv_ledger_folder(rv_ledger *ledger, const char *path)
{
    char name[LEDGER_NAME];
    const char *within = name_of(ledger, path);
    if (!within || snprintf(name, sizeof name, "%s/", within) >= (int)sizeof name)
        return rv_fail(ledger->context, RV_BAD_USAGE, "%s: is no folder in %s", path,
                       ledger->folder);
    if (rv_folder_exists(path))
        return RV_OK;
    rv_status status = find(ledger, name, strlen(name)) >= 0 ? RV_OK : enter(ledger, name);
    return status == RV_OK ? rv_folder_make(ledger->context, path) : status;
}

void rv_ledger_adopt(rv_ledger *ledger, int adopts)
{
    ledger->adopts = adopts;
    ledger->is_others = 0; /* a run with a damaged list continues with it */
}

/* ---- removing ---- */

/* The folder that holds `name`, opened from `root` without following a link; *leaf: the rest of the
 * name. -1 when a part is no folder. */
int ledger_walk(int root, const char *name, const char **leaf)
{
    char part[LEDGER_NAME];
    int folder = fcntl(root, F_DUPFD_CLOEXEC, 3);
    for (const char *slash; folder >= 0 && (slash = strchr(name, '/')) != NULL && slash[1];
         name = slash + 1) {
        size_t length = (size_t)(slash - name);
        int next = -1;
        if (length > 0 && length < sizeof part) {
            memcpy(part, name, length);
            part[length] = '\0';
            next = openat(folder, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        }
        close(folder);
        folder = next;
    }
    *leaf = name;
    return folder;
}

/* Removes one listed name under `root`: a regular file, or an empty folder. */
void ledger_unlink(int root, const char *name)
{
    struct stat facts;
    char leaf[LEDGER_NAME];
    const char *left;
    int folder = ledger_walk(root, name, &left);
    if (folder < 0)
        return;
    if (snprintf(leaf, sizeof leaf, "%s", left) < (int)sizeof leaf) {
        size_t length = strlen(leaf);
        int is_folder = length > 0 && leaf[length - 1] == '/';
        if (is_folder)
            leaf[length - 1] = '\0';
        if (is_folder)
            unlinkat(folder, leaf, AT_REMOVEDIR);
        else if (fstatat(folder, leaf, &facts, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(facts.st_mode))
            unlinkat(folder, leaf, 0);
    }
    close(folder);
}

int ledger_root(const char *folder)
{
    return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void rv_ledger_remove(rv_ledger *ledger, const char *path)
{
    const char *name = name_of(ledger, path);
    int at = name ? find(ledger, name, strlen(name)) : -1,
        root = at >= 0 ? ledger_root(ledger->folder) : -1;
    if (root < 0)
        return;
    ledger_unlink(root, name);
    close(root);
    if (append(ledger, '-', name) == RV_OK)
        drop(ledger, at);
}

void rv_ledger_remove_all(rv_ledger *ledger)
{
    int root = ledger_root(ledger->folder);
    /* Files first, then folders, the innermost first: they were entered before their content. */
    for (int i = ledger->count - 1; root >= 0 && i >= 0; i--)
        ledger_unlink(root, ledger->name[i]);
    if (root >= 0 && ledger->is_kept && !ledger->is_others)
        unlinkat(root, list_name, 0);
    if (root >= 0)
        close(root);
    rv_ledger_forget(ledger);
}

void rv_ledger_forget(rv_ledger *ledger)
{
    while (ledger->count > 0)
        drop(ledger, ledger->count - 1);
    if (ledger->file >= 0)
        close(ledger->file);
    ledger->file = -1;
    ledger->is_kept = ledger->is_others = 0;
}
