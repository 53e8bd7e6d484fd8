/* What the fuzz harnesses share.  A harness is a file with one function: it takes bytes as one kind
 * of input and checks what must hold whatever they are.  Built with clang it is a libFuzzer program
 * (REVERIE_FUZZ), built with gcc a part of `fuzz_replay`, which reads files (replay.c).
 *
 *     int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
 *     {
 *         rv_context *context = fuzz_begin(size);
 *         ...
 *         return fuzz_end();
 *     }
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include "reverie/core.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Begins to measure, and gives the context of the process, without an error. */
rv_context *fuzz_begin(size_t size);
/* What every reader promises: at most 2 x size + 64 MiB of memory beyond what there was, and one
 * second of processor time. */
void fuzz_bounds(void);
/* The same, and every block was given back.  Returns 0. */
int fuzz_end(void);

/* Stops the process, saying why, unless `holds`. */
void fuzz_require(int holds, const char *format, ...) RV_PRINTF(2, 3);
/* The status is fine, or an error is latched: nothing fails without a word. */
void fuzz_told(rv_context *context, rv_status status);

/* The bytes up to the first NUL as text; the process's, valid until the next call. */
const char *fuzz_text(const uint8_t *data, size_t size);
/* A path that reads as these bytes, valid until the next call. */
const char *fuzz_file(const uint8_t *data, size_t size);
/* A folder of the process for what is written, removed when it ends; in $TMPDIR or /tmp. */
const char *fuzz_folder(void);
/* "FOLDER/name"; valid until the next call. */
const char *fuzz_path(const char *name);

/* memory.c: bytes allocated now, and the most since fuzz_memory_begin. */
void fuzz_memory_begin(void);
int64_t fuzz_memory_now(void);
int64_t fuzz_memory_most(void);

#endif
