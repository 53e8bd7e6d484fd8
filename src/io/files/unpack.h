/* A stream of bytes from a file or a block of memory, gzipped or not.  It inflates only the
 * requested bytes, and reports a truncated or damaged gzip. */
#ifndef FILES_UNPACK_H
#define FILES_UNPACK_H

#include "reverie/io.h"

#include <zlib.h>

typedef struct rv_unpacker rv_unpacker;

/* Opens a file.  A file without gzip's magic number is read without change. */
rv_status rv_unpacker_open(rv_context *context, const char *path, rv_unpacker **out);
/* Over memory, which is borrowed; `name` is for messages. */
rv_status rv_unpacker_over(rv_context *context, const char *name, const uint8_t *bytes,
                           size_t count, rv_unpacker **out);
/* The next `wanted` bytes; `*got` is less only at the end of a complete stream with a correct gzip
 * checksum.  RV_BAD_FILE: truncated or corrupt; RV_IO_ERROR: reading fails. */
rv_status rv_unpacker_read(rv_unpacker *unpacker, uint8_t *buffer, size_t wanted, size_t *got);
/* The largest possible size of the rest: its size, or 1100 times that when gzipped (deflate reaches
 * 1032).
 */
uint64_t rv_unpacker_most(const rv_unpacker *unpacker);
/* Whether the whole content has `length` bytes, as the size of a plain file, or the trailer of a
 * gzip of one member, says; 0 may also mean that the trailer cannot tell. */
int rv_unpacker_has_length(const rv_unpacker *unpacker, uint64_t length);
/* NULL is ignored. */
void rv_unpacker_close(rv_unpacker *unpacker);
/* A zlib stream that allocates through core/memory.h. */
z_stream rv_z_stream(void);

#endif
