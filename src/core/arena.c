/* Bump allocation in blocks of at least 16 KiB. */
#include "core/arena.h"

#include "core/memory.h"
#include "core/text.h"

#include <stdio.h>
#include <string.h>

#define BLOCK_BYTES (16 * 1024)

struct rv_arena_block {
    struct rv_arena_block *older;
    size_t used, size;
    _Alignas(16) unsigned char bytes[];
};

void *rv_arena_alloc(rv_arena *arena, size_t bytes)
{
    struct rv_arena_block *block = arena->newest;
    size_t rounded = (bytes + 15) / 16 * 16;
    if (rounded < bytes)
        return NULL;
    if (!block || block->size - block->used < rounded) {
        size_t size = rounded > BLOCK_BYTES ? rounded : BLOCK_BYTES;
        block = rv_calloc(1, sizeof *block + size);
        if (!block)
            return NULL;
        block->size = size;
        block->older = arena->newest;
        arena->newest = block;
    }
    void *result = block->bytes + block->used;
    block->used += rounded;
    return result;
}

char *rv_arena_strdup(rv_arena *arena, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = rv_arena_alloc(arena, bytes);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

char *rv_arena_printf(rv_arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = rv_text_format_list(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = length < 0 ? NULL : rv_arena_alloc(arena, (size_t)length + 1);
    if (!text)
        return NULL;
    va_start(arguments, format);
    rv_text_format_list(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}

void rv_arena_free(rv_arena *arena)
{
    struct rv_arena_block *block = arena->newest;
    while (block) {
        struct rv_arena_block *older = block->older;
        rv_free(block);
        block = older;
    }
    arena->newest = NULL;
}
