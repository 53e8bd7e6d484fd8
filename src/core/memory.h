/* All allocations of Reverie, so that tests can count them and make them fail.  All functions are
 * thread-safe.  Sizes are in bytes. */
#ifndef CORE_MEMORY_H
#define CORE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* As malloc/calloc/realloc/free; NULL on failure.  Freed with rv_free only. */
void *rv_malloc(size_t bytes);
void *rv_calloc(size_t count, size_t bytes);
void *rv_realloc(void *block, size_t bytes);
void rv_free(void *block);
char *rv_strdup(const char *text);
/* 64-byte aligned, zero-filled block; freed with rv_free_aligned. */
void *rv_malloc_aligned(size_t bytes);
void rv_free_aligned(void *block);

typedef struct rv_memory_counts {
    uint64_t calls; /* allocations ever asked for */
    int64_t live;   /* blocks allocated and not yet freed */
} rv_memory_counts;
rv_memory_counts rv_memory_counted(void);
/* Whether the calling thread is in one of these functions: a replacement of malloc can distinguish
 * their callers, which check for NULL, from others. */
int rv_memory_is_asked(void);
/* Test hook: the allocation number `after` from now (1 = the next) fails, and, when `persistent`,
 * every later one too.  0 turns it off. */
void rv_memory_fail_after(uint64_t after, int persistent);

#endif
