/* A lock is a file with a flock by its holder, and a line that names the holder.  The system
 * releases the flock when the process ends in any way, so a file without a flock is stale, whatever
 * its line says: process numbers are reused, and containers share them. */
#include "core/memory.h"
#include "io/files/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 256, TRIES = 100 };

struct rv_lock {
    char *path;
    int file;
    pid_t process; /* a forked child has the descriptor, but not the lock */
};

/* The line of the holder, "" for none.  It may be about to write, so this waits half a second. */
static void read_holder(int file, char line[LINE])
{
    const struct timespec pause = {0, 10 * 1000 * 1000};
    for (int i = 0; i < 50; i++) {
        ssize_t n = pread(file, line, LINE - 1, 0);
        line[n > 0 ? n : 0] = '\0';
        size_t length = strcspn(line, "\n");
        int is_whole = line[length] == '\n';
        line[length] = '\0';
        if (is_whole)
            return;
        nanosleep(&pause, NULL);
    }
}

static int write_holder(int file)
{
    char line[LINE], host[96] = "", when[32] = "";
    time_t now = time(NULL);
    struct tm utc;
    if (gethostname(host, sizeof host - 1) != 0)
        snprintf(host, sizeof host, "an unnamed host");
    if (gmtime_r(&now, &utc))
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S UTC", &utc);
    int length =
        snprintf(line, sizeof line, "process %ld on %s since %s\n", (long)getpid(), host, when);
    return ftruncate(file, 0) == 0 && lseek(file, 0, SEEK_SET) == 0 &&
           rv_write_all(file, line, (size_t)length);
}

/* Whether the open file still has that name: its last holder may have removed it. */
static int is_at(int file, const char *path)
{
    struct stat open_one, named;
    return fstat(file, &open_one) == 0 && stat(path, &named) == 0 &&
           open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev;
}

/* Whether the file at the path is one of our locks, or empty: any other file is somebody else's. */
static int is_lock(int file)
{
    static const char begins[] = "process ";
    char text[sizeof begins] = "";
    struct stat facts;
    if (fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode))
        return 0;
    return facts.st_size == 0 || (pread(file, text, sizeof begins - 1, 0) > 0 &&
                                  strcmp(text, begins) == 0 && facts.st_size < LINE);
}

/* The open and locked file; -1: it is held, `holder` says by whom, or errno is set. */
static int open_locked(const char *path, char holder[LINE])
{
    holder[0] = '\0';
    for (int i = 0; i < TRIES; i++) {
        int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
        if (file < 0)
            return -1;
        if (!is_lock(file)) {
            close(file);
            errno = EEXIST;
            return -1;
        }
        /* A file system without locks cannot tell; training is still allowed. */
        int locked = flock(file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
        if (locked && is_at(file, path))
            return file;
        if (!locked) {
            read_holder(file, holder);
            if (!holder[0])
                snprintf(holder, LINE, "another process");
        }
        close(file);
        if (!locked)
            return -1;
    }
    errno = EBUSY;
    return -1;
}

rv_status rv_lock_take(rv_context *context, const char *path, const char *what, rv_lock **out)
{
    char holder[LINE];
    *out = NULL;
    rv_lock *lock = rv_calloc(1, sizeof *lock);
    char *copy = lock ? rv_strdup(path) : NULL;
    if (!copy) {
        rv_free(lock);
        return rv_fail_memory(context);
    }
    lock->path = copy;
    lock->process = getpid();
    lock->file = open_locked(path, holder);
    if (lock->file >= 0 && write_holder(lock->file)) {
        *out = lock;
        return RV_OK;
    }
    rv_status status =
        holder[0] ? rv_fail(context, RV_BAD_USAGE,
                            "%s: is in use by %s; wait until it ends, or stop it", what, holder)
        : errno == EEXIST
            ? rv_fail(context, RV_BAD_USAGE,
                      "%s: is there already, and is no lock of Reverie's: move it away", path)
            : rv_fail_errno(context, path, "the lock cannot be written");
    if (lock->file >= 0) {
        unlink(path);
        close(lock->file);
    }
    rv_free(lock->path);
    rv_free(lock);
    return status;
}

void rv_lock_release(rv_lock *lock)
{
    if (!lock)
        return;
    if (lock->process == getpid() && is_at(lock->file, lock->path))
        unlink(lock->path); /* while it is held: a process that opens it now sees that it has no
                               name */
    close(lock->file);
    rv_free(lock->path);
    rv_free(lock);
}
