/* A stream of bytes out of a file or a block of memory that may be gzipped.  It inflates no more
 * than is asked for, and says whether a gzip ended before its time or is damaged. */
#ifndef FILES_UNPACK_H
#define FILES_UNPACK_H

#include "reverie/io.h"

#include <zlib.h>

typedef struct rv_unpacker rv_unpacker;

/* Opens a file.  A name without gzip's magic is read as it is. */
rv_status rv_unpacker_open(rv_context *context, const char *path, rv_unpacker **out);
/* Over memory, which is borrowed; `name` is for messages. */
rv_status rv_unpacker_over(rv_context *context, const char *name, const uint8_t *bytes,
                           size_t count, rv_unpacker **out);
/* The next `wanted` bytes; `*got` is less only where the stream ends, whole and with the checksum
 * that gzip keeps.  RV_BAD_FILE: truncated or corrupt; RV_IO_ERROR: the machine cannot read. */
rv_status rv_unpacker_read(rv_unpacker *unpacker, uint8_t *buffer, size_t wanted, size_t *got);
/* What the rest can hold at most: its size, or 1100 times that when gzipped (deflate reaches 1032).
 */
uint64_t rv_unpacker_most(const rv_unpacker *unpacker);
/* NULL is ignored. */
void rv_unpacker_close(rv_unpacker *unpacker);
/* A stream of zlib's that takes its memory where the library takes all of it. */
z_stream rv_z_stream(void);

#endif
