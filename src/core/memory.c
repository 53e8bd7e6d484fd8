/* A counted malloc: the counters prove that a training step allocates nothing, and the planted
 * failures prove that the library survives a lack of memory. */
#include "core/memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static atomic_uint_fast64_t calls;
static atomic_int_fast64_t live;
static atomic_uint_fast64_t fail_at; /* value of `calls` that fails; 0 = never */
static atomic_int fail_persistently;

static int may_allocate(void)
{
    uint64_t call = atomic_fetch_add(&calls, 1) + 1;
    uint64_t at = atomic_load(&fail_at);
    if (at == 0)
        return 1;
    return !(call == at || (call > at && atomic_load(&fail_persistently)));
}

static _Thread_local int is_asked;

int rv_memory_is_asked(void)
{
    return is_asked;
}

static void *counted(void *block)
{
    if (block)
        atomic_fetch_add(&live, 1);
    return block;
}

void *rv_malloc(size_t bytes)
{
    if (!may_allocate())
        return NULL;
    is_asked = 1;
    void *block = malloc(bytes ? bytes : 1);
    is_asked = 0;
    return counted(block);
}

void *rv_calloc(size_t count, size_t bytes)
{
    if (!may_allocate())
        return NULL;
    is_asked = 1;
    void *block = calloc(count ? count : 1, bytes ? bytes : 1);
    is_asked = 0;
    return counted(block);
}

void *rv_realloc(void *block, size_t bytes)
{
    if (!block)
        return rv_malloc(bytes);
    if (!may_allocate())
        return NULL;
    is_asked = 1;
    void *moved = realloc(block, bytes ? bytes : 1);
    is_asked = 0;
    return moved;
}

void rv_free(void *block)
{
    if (block)
        atomic_fetch_sub(&live, 1);
    free(block);
}

char *rv_strdup(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = rv_malloc(bytes);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

/* Large blocks ask for huge pages: a walk with large steps then misses fewer translations. */
void *rv_malloc_aligned(size_t bytes)
{
    enum { LINE = 64, HUGE_PAGE = 2 * 1024 * 1024 };
    size_t unit = bytes >= 2 * (size_t)HUGE_PAGE ? HUGE_PAGE : LINE;
    if (!may_allocate() || bytes > SIZE_MAX - unit)
        return NULL;
    size_t rounded = (bytes + unit) / unit * unit;
    is_asked = 1;
    void *block = counted(aligned_alloc(unit, rounded));
    is_asked = 0;
#if defined(MADV_HUGEPAGE)
    if (block && unit == HUGE_PAGE)
        madvise(block, rounded, MADV_HUGEPAGE); /* a hint: a refusal does no harm */
#endif
    if (block)
        memset(block, 0, rounded);
    return block;
}

void rv_free_aligned(void *block)
{
    rv_free(block);
}

rv_memory_counts rv_memory_counted(void)
{
    return (rv_memory_counts){atomic_load(&calls), atomic_load(&live)};
}

void rv_memory_fail_after(uint64_t after, int persistent)
{
    atomic_store(&fail_persistently, persistent);
    atomic_store(&fail_at, after ? atomic_load(&calls) + after : 0);
}
