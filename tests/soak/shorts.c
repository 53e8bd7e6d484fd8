/* Preloaded: every third read, write and sync of a file is interrupted (EINTR), and the others move
 * a random part of what was asked for.  SHORTS_SEED chooses, SHORTS_COUNT names a file to which the
 * number of such calls is added as a line. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

typedef ssize_t write_function(int file, const void *bytes, size_t count);
typedef ssize_t read_function(int file, void *bytes, size_t count);
typedef ssize_t pread_function(int file, void *bytes, size_t count, off_t offset);
typedef int sync_function(int file);

static write_function *real_write;
static read_function *real_read;
static pread_function *real_pread;
static sync_function *real_fsync;
static _Thread_local uint64_t state;
static uint64_t seed;
static _Atomic long disturbed;

__attribute__((constructor)) static void begin(void)
{
    const char *text = getenv("SHORTS_SEED");
    seed = text ? strtoull(text, NULL, 10) : 1;
    real_write = (write_function *)dlsym(RTLD_NEXT, "write");
    real_read = (read_function *)dlsym(RTLD_NEXT, "read");
    real_pread = (pread_function *)dlsym(RTLD_NEXT, "pread");
    real_fsync = (sync_function *)dlsym(RTLD_NEXT, "fsync");
}

__attribute__((destructor)) static void end(void)
{
    char line[32];
    const char *path = getenv("SHORTS_COUNT");
    int file = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
    if (file < 0)
        return;
    int length = snprintf(line, sizeof line, "%ld\n", disturbed);
    if (real_write(file, line, (size_t)length) != length)
        abort();
    close(file);
}

/* splitmix64 */
static uint64_t draw(void)
{
    uint64_t z = state ? state : seed * 0x9e3779b97f4a7c15u + 1;
    state = z += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* 0: interrupted; else how many bytes to move. */
static size_t part_of(int file, size_t count)
{
    if (file <= STDERR_FILENO || count == 0)
        return count;
    disturbed++;
    if (draw() % 3 == 0) {
        errno = EINTR;
        return 0;
    }
    return 1 + draw() % count;
}

ssize_t write(int file, const void *bytes, size_t count)
{
    size_t part = part_of(file, count);
    return part || !count ? real_write(file, bytes, part) : -1;
}

ssize_t read(int file, void *bytes, size_t count)
{
    size_t part = part_of(file, count);
    return part || !count ? real_read(file, bytes, part) : -1;
}

ssize_t pread(int file, void *bytes, size_t count, off_t offset)
{
    size_t part = part_of(file, count);
    return part || !count ? real_pread(file, bytes, part, offset) : -1;
}

int fsync(int file)
{
    return part_of(file, 1) ? real_fsync(file) : -1;
}
