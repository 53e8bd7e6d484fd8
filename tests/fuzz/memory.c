/* Counts every byte that the process allocates, also those of libpng, libyaml, zlib and jansson.
 * Under AddressSanitizer its hooks are used; without it malloc itself is wrapped. */
#include "fuzz.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HOOKS
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define HOOKS
#endif

static atomic_int_fast64_t now, most;

static void add(size_t bytes)
{
    int64_t sum = atomic_fetch_add(&now, (int64_t)bytes) + (int64_t)bytes;
    int64_t seen = atomic_load(&most);
    while (sum > seen && !atomic_compare_exchange_weak(&most, &seen, sum))
        continue;
}

int64_t fuzz_memory_now(void)
{
    return atomic_load(&now);
}

int64_t fuzz_memory_most(void)
{
    return atomic_load(&most);
}

#ifdef HOOKS

int __sanitizer_install_malloc_and_free_hooks(void (*allocated)(const volatile void *, size_t),
                                              void (*freed)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *block);

static void on_allocation(const volatile void *block, size_t bytes)
{
    (void)block;
    add(bytes);
}

static void on_free(const volatile void *block)
{
    if (block)
        atomic_fetch_sub(&now, (int64_t)__sanitizer_get_allocated_size(block));
}

void fuzz_memory_begin(void)
{
    static int installed;
    if (!installed)
        installed = __sanitizer_install_malloc_and_free_hooks(on_allocation, on_free);
    atomic_store(&most, atomic_load(&now));
}

#else

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *block, size_t bytes);
void *__libc_memalign(size_t unit, size_t bytes);
void __libc_free(void *block);

static void *counted(void *block)
{
    if (block)
        add(malloc_usable_size(block));
    return block;
}

void *malloc(size_t bytes)
{
    return counted(__libc_malloc(bytes));
}

void *calloc(size_t count, size_t bytes)
{
    return counted(__libc_calloc(count, bytes));
}

void *realloc(void *block, size_t bytes)
{
    size_t before = malloc_usable_size(block);
    void *grown = __libc_realloc(block, bytes);
    if (grown || bytes == 0)
        atomic_fetch_sub(&now, (int64_t)before);
    return counted(grown);
}

void *memalign(size_t unit, size_t bytes)
{
    return counted(__libc_memalign(unit, bytes));
}

void *aligned_alloc(size_t unit, size_t bytes)
{
    return memalign(unit, bytes);
}

int posix_memalign(void **block, size_t unit, size_t bytes)
{
    void *made = memalign(unit, bytes);
    if (made)
        *block = made;
    return made ? 0 : ENOMEM;
}

void free(void *block)
{
    atomic_fetch_sub(&now, (int64_t)malloc_usable_size(block));
    __libc_free(block);
}

void fuzz_memory_begin(void)
{
    atomic_store(&most, atomic_load(&now));
}

#endif
