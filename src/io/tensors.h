/* What writing and reading safetensors share. */
#ifndef IO_TENSORS_H
#define IO_TENSORS_H

#include "core/memory.h"
#include "reverie/io.h"

#include <jansson.h>
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

int rv_element_find(const char *name); /* -1: unknown */
void rv_checksum_text(XXH128_hash_t hash, char digits[33]);

#endif
