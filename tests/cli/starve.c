/* Loaded before a program, this takes its memory away: STARVE_AT=N fails the allocation number N,
 * counted from the program's first, and with STARVE_ALL=1 every later one too.  STARVE_COUNT=FILE
 * writes how many there were.  STARVE_TRACE=FILE writes who asked for the one that failed first. */
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The C library's own, under the names that it keeps for such as this. */
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *block, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

static atomic_long asked;
static long fail_at; /* 0: never */
static int fails_on, is_ready;
static const char *count_path, *trace_path;
static _Thread_local int is_inside; /* what tracing asks for is not counted */

static long number_of(const char *name)
{
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

/* backtrace loads a library when it is first called: that is done before anything counts. */
__attribute__((constructor)) static void begin(void)
{
    void *frame[2];
    trace_path = getenv("STARVE_TRACE");
    if (trace_path)
        backtrace(frame, 2);
    fail_at = number_of("STARVE_AT");
    fails_on = number_of("STARVE_ALL") != 0;
    count_path = getenv("STARVE_COUNT");
    is_ready = 1;
}

__attribute__((destructor)) static void end(void)
{
    char text[32];
    int file = count_path ? open(count_path, O_WRONLY | O_CREAT | O_TRUNC, 0644) : -1;
    int length = snprintf(text, sizeof text, "%ld\n", atomic_load(&asked));
    if (file >= 0 && write(file, text, (size_t)length) == length)
        close(file);
}

static void trace(void)
{
    void *frame[24];
    is_inside++;
    int file = open(trace_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    int count = backtrace(frame, 24);
    if (file >= 0) {
        backtrace_symbols_fd(frame + 2, count - 2, file);
        close(file);
    }
    is_inside--;
}

static int starves(void)
{
    if (!is_ready || is_inside)
        return 0;
    long number = atomic_fetch_add(&asked, 1) + 1;
    if (fail_at == 0 || number < fail_at || (number > fail_at && !fails_on))
        return 0;
    if (trace_path && number == fail_at)
        trace();
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t bytes)
{
    return starves() ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    return starves() ? NULL : __libc_calloc(count, bytes);
}

void *realloc(void *block, size_t bytes)
{
    return starves() ? NULL : __libc_realloc(block, bytes);
}

void *memalign(size_t alignment, size_t bytes)
{
    return starves() ? NULL : __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return memalign(alignment, bytes);
}

int posix_memalign(void **block, size_t alignment, size_t bytes)
{
    void *made = memalign(alignment, bytes);
    if (made)
        *block = made;
    return made ? 0 : ENOMEM;
}
