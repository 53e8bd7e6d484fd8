/* The program's allocation functions, which replace the C library's.
 *
 * The libraries below Reverie do not survive a failed allocation: fontconfig crashes or loops for
 * ever, cairo omits strokes or jumps into a dead stack frame, oneDNN constructs objects at
 * address 0 or throws through C.  So a failed allocation of theirs ends the program, with the
 * usual line and exit code; Reverie's own allocations (core/memory.h) fail as the library's do.
 * Files are written under temporary names and renamed, so the run is as after a kill: it can be
 * resumed. */
#include "verb.h"

#include "core/memory.h"
#include "reverie/core.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

static void (*at_want)(void);

void cli_at_want(void (*leave)(void))
{
    at_want = leave;
}

/* The sanitizers have their own. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

typedef void *(*give)(size_t bytes);
typedef void *(*give_many)(size_t count, size_t bytes);
typedef void *(*give_more)(void *block, size_t bytes);

static _Thread_local int is_finding;

/* One of several threads prints the message; its cleanup (cli_at_want) may fail in the same way. */
static _Noreturn void end(void)
{
    static const char line[] = "reverie: error: out of memory\n", erase[] = "\r\033[K";
    static atomic_flag is_said = ATOMIC_FLAG_INIT;
    static _Thread_local int is_ending;
    if (is_ending)
        _exit(RV_NO_MEMORY);
    is_ending = 1;
    while (atomic_flag_test_and_set(&is_said))
        pause();
    if (isatty(STDERR_FILENO)) /* a bar may be on the line */
        (void)!write(STDERR_FILENO, erase, sizeof erase - 1);
    (void)!write(STDERR_FILENO, line, sizeof line - 1);
    if (at_want)
        at_want();
    _exit(RV_NO_MEMORY);
}

/* The next function of this name: the C library's, or that of a library loaded earlier. */
static intptr_t find(_Atomic(intptr_t) *next, const char *name)
{
    if (!*next) {
        is_finding = 1;
        *next = (intptr_t)dlsym(RTLD_NEXT, name);
        is_finding = 0;
    }
    return *next;
}

static void *checked(void *block)
{
    if (!block && !rv_memory_is_asked())
        end();
    return block;
}

void *malloc(size_t bytes)
{
    static _Atomic(intptr_t) next;
    if (is_finding) /* dlsym works without it */
        return NULL;
    return checked(((give)find(&next, "malloc"))(bytes));
}

void *calloc(size_t count, size_t bytes)
{
    static _Atomic(intptr_t) next;
    if (is_finding)
        return NULL;
    return checked(((give_many)find(&next, "calloc"))(count, bytes));
}

void *realloc(void *block, size_t bytes)
{
    static _Atomic(intptr_t) next;
    if (is_finding)
        return NULL;
    void *moved = ((give_more)find(&next, "realloc"))(block, bytes);
    return bytes > 0 ? checked(moved) : moved; /* zero bytes: freed */
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    static _Atomic(intptr_t) next;
    return checked(((give_many)find(&next, "aligned_alloc"))(alignment, bytes));
}

int posix_memalign(void **block, size_t alignment, size_t bytes)
{
    *block = aligned_alloc(alignment, bytes);
    return 0;
}

#endif
