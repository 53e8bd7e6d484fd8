/* What the harnesses share: bounds on memory and time, files, and a way to stop. */
#include "fuzz.h"

#include "core/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { PATH_ROOM = 4096 };
static const int64_t memory_spare = (int64_t)64 << 20;
static const double seconds_most = 1;

void fuzz_require(int holds, const char *format, ...)
{
    va_list arguments;
    if (holds)
        return;
    va_start(arguments, format);
    fputs("fuzz: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    abort();
}

void fuzz_told(rv_context *context, rv_status status)
{
    fuzz_require(status == rv_error_status(context), "the status is %d, the latched one %d (%s)",
                 status, rv_error_status(context), rv_error_message(context));
    fuzz_require(status == RV_OK || *rv_error_message(context), "no message with status %d",
                 status);
}

/* ---- bounds ---- */

static struct {
    rv_context *context;
    size_t size;
    int64_t memory, live;
    double seconds;
} at_begin;

/* Of the process's threads: independent of what else the machine does. */
static double seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

rv_context *fuzz_begin(size_t size)
{
    if (!at_begin.context) {
        at_begin.context = rv_context_new();
        fuzz_require(at_begin.context != NULL, "no context");
        rv_context_set_threads(at_begin.context, 1);
    }
    rv_error_clear(at_begin.context);
    at_begin.size = size;
    at_begin.live = rv_memory_counted().live;
    at_begin.seconds = seconds();
    fuzz_memory_begin();
    at_begin.memory = fuzz_memory_now();
    return at_begin.context;
}

void fuzz_bounds(void)
{
    double took = seconds() - at_begin.seconds;
    int64_t used = fuzz_memory_most() - at_begin.memory;
    int64_t most = 2 * (int64_t)at_begin.size + memory_spare;
    fuzz_require(used <= most, "%lld bytes of memory for an input of %zu, not at most %lld",
                 (long long)used, at_begin.size, (long long)most);
    fuzz_require(took <= seconds_most, "%.2f s of processor time, not at most %.0f", took,
                 seconds_most);
}

int fuzz_end(void)
{
    int64_t kept = rv_memory_counted().live - at_begin.live;
    fuzz_bounds();
    fuzz_require(kept == 0, "%lld blocks of memory were not given back", (long long)kept);
    return 0;
}

/* ---- text and files ---- */

const char *fuzz_text(const uint8_t *data, size_t size)
{
    static char *text;
    free(text);
    text = malloc(size + 1); /* a block of the exact size: reading past it is seen */
    fuzz_require(text != NULL, "no memory");
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

const char *fuzz_file(const uint8_t *data, size_t size)
{
    static int file = -1;
    static char path[64];
    if (file < 0)
        file = memfd_create("input", MFD_CLOEXEC);
    fuzz_require(file >= 0 && ftruncate(file, 0) == 0 &&
                     pwrite(file, data, size, 0) == (ssize_t)size,
                 "no file in memory");
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    return path;
}

static char folder[PATH_ROOM];

static void remove_folder(void)
{
    char command[PATH_ROOM + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command) != 0)
        fprintf(stderr, "fuzz: %s was not removed\n", folder);
}

const char *fuzz_folder(void)
{
    const char *above = getenv("TMPDIR");
    if (folder[0])
        return folder;
    snprintf(folder, sizeof folder, "%s/reverie-fuzz-XXXXXX", above && *above ? above : "/tmp");
    fuzz_require(mkdtemp(folder) != NULL, "no folder %s", folder);
    atexit(remove_folder);
    return folder;
}

const char *fuzz_path(const char *name)
{
    static char path[PATH_ROOM + 256];
    snprintf(path, sizeof path, "%s/%.200s", fuzz_folder(), name);
    return path;
}
