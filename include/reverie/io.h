/* reverie/io.h - a wing: file formats and durable writing, over plain arrays.
 *
 *     rv_writer *writer;
 *     rv_writer_open(context, "out.bin", &writer);       // a temporary beside it
 *     rv_writer_append(writer, bytes, count);
 *     rv_writer_commit(writer);                          // synced, renamed, folder synced
 *
 *     rv_tensors *tensors;
 *     rv_tensors_open(context, "model.safetensors", &tensors);
 *     rv_tensors_read(tensors, "decoder.0.weight", values, count);
 *     rv_tensors_free(tensors);
 *
 * Files that are read are not trusted: sizes are bounded, and a malformed one is RV_BAD_FILE with
 * the file's name, the place, and what is wrong.  A write that fails is RV_IO_ERROR and leaves what
 * was there before.  Buffers handed out are freed with rv_io_free.
 */
#ifndef REVERIE_IO_H
#define REVERIE_IO_H

#include "reverie/core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Frees what this room allocated.  NULL is ignored. */
void rv_io_free(void *block);

/* ---- whole files ---- */

/* The bytes of a file of at most `most` bytes, and a 0 after them.  RV_BAD_FILE when it cannot be
 * read or is larger. */
rv_status rv_file_read(rv_context *context, const char *path, size_t most, uint8_t **bytes,
                       size_t *count);
/* The first `wanted` bytes (all when 0) of a file that may be gzipped, at most `most`.  Reading
 * stops there: the rest is neither inflated nor checked.  RV_BAD_FILE: truncated or corrupt. */
rv_status rv_gzip_read(rv_context *context, const char *path, size_t wanted, size_t most,
                       uint8_t **bytes, size_t *count);
/* Whether a path is there, and is a folder. */
int rv_file_exists(const char *path);
int rv_folder_exists(const char *path);
/* Makes a folder and those above it.  One that is there is fine. */
rv_status rv_folder_make(rv_context *context, const char *path);

/* ---- durable writing: new temporary, write, sync, rename, sync of the folder ---- */

typedef struct rv_writer rv_writer;
rv_status rv_writer_open(rv_context *context, const char *path, rv_writer **out);
/* After a failure later calls do nothing and return the first status. */
rv_status rv_writer_append(rv_writer *writer, const void *bytes, size_t count);
/* Frees the writer, whatever happens; on failure the old file is untouched. */
rv_status rv_writer_commit(rv_writer *writer);
/* Removes the temporary and frees the writer.  NULL is ignored. */
void rv_writer_abandon(rv_writer *writer);
/* The whole file at once. */
rv_status rv_file_write(rv_context *context, const char *path, const void *bytes, size_t count);
/* Removes temporaries that a killed process left in a folder. */
void rv_temporaries_remove(const char *folder);

/* A file of lines that only grows: one write a line. */
typedef struct rv_lines rv_lines;
/* Opens for appending, cut to `keep` bytes first (-1: all are kept). */
rv_status rv_lines_open(rv_context *context, const char *path, int64_t keep, rv_lines **out);
rv_status rv_lines_append(rv_lines *lines, const char *line); /* without its newline */
int64_t rv_lines_position(const rv_lines *lines);             /* bytes in the file */
rv_status rv_lines_sync(rv_lines *lines);
void rv_lines_close(rv_lines *lines);

/* ---- safetensors ---- */

typedef enum rv_element {
    RV_ELEMENT_F32,
    RV_ELEMENT_F64,
    RV_ELEMENT_F16,
    RV_ELEMENT_BF16,
    RV_ELEMENT_I64,
    RV_ELEMENT_I32,
    RV_ELEMENT_U8
} rv_element;

enum { RV_TENSOR_RANK = 8 };
typedef struct rv_tensor {
    const char *name;
    rv_element element;
    int rank;
    int64_t dim[RV_TENSOR_RANK];
    const void *data; /* row-major, little endian; writing: the caller's; reading: the file's */
    size_t bytes;
} rv_tensor;

typedef struct rv_text_pair {
    const char *key, *value;
} rv_text_pair;

/* Writes tensors in the given order, with `pairs` and "xxh3_128" in __metadata__: the checksum of
 * the whole file with its own 32 digits taken as '0'.  The same content gives the same bytes. */
rv_status rv_tensors_write(rv_context *context, const char *path, const rv_tensor *tensors,
                           int count, const rv_text_pair *pairs, int pair_count);

typedef struct rv_tensors rv_tensors;
/* Reads and checks the whole file, its checksum too where it carries one. */
rv_status rv_tensors_open(rv_context *context, const char *path, rv_tensors **out);
/* The same from memory, which is copied; `name` is for messages. */
rv_status rv_tensors_parse(rv_context *context, const char *name, const uint8_t *bytes,
                           size_t count, rv_tensors **out);
void rv_tensors_free(rv_tensors *tensors);
int rv_tensors_count(const rv_tensors *tensors);
const rv_tensor *rv_tensors_at(const rv_tensors *tensors, int index);
const rv_tensor *rv_tensors_find(const rv_tensors *tensors, const char *name); /* NULL: none */
/* As floats, converted; `count` must be the tensor's.  RV_BAD_FILE when absent or of another size. */
rv_status rv_tensors_read(const rv_tensors *tensors, const char *name, float *values, size_t count);
/* A metadata value, NULL when absent; owned by `tensors`. */
const char *rv_tensors_metadata(const rv_tensors *tensors, const char *key);
int rv_tensors_has_checksum(const rv_tensors *tensors);
size_t rv_element_bytes(rv_element element);
const char *rv_element_name(rv_element element); /* "F32" */

/* ---- npy ---- */

enum { RV_ARRAY_RANK = 8 };
/* Values as floats; `dim` outermost first. */
typedef struct rv_array {
    float *values; /* rv_io_free */
    int rank;
    int64_t dim[RV_ARRAY_RANK];
    size_t count;
    char type[8]; /* as in the file: "<f4", "|u1" */
} rv_array;
rv_status rv_array_load(rv_context *context, const char *path, rv_array *out);
rv_status rv_array_parse(rv_context *context, const char *name, const uint8_t *bytes, size_t count,
                         rv_array *out);
rv_status rv_array_save(rv_context *context, const char *path, const float *values, int rank,
                        const int64_t *dim);

/* ---- PNG, 8 bits, gray or RGB ---- */

typedef struct rv_pixels8 {
    int height, width, channels; /* 1 or 3 */
    uint8_t *bytes;              /* [height,width,channels]; rv_io_free */
} rv_pixels8;
rv_status rv_png_write(rv_context *context, const char *path, const rv_pixels8 *pixels);
rv_status rv_png_encode(rv_context *context, const rv_pixels8 *pixels, uint8_t **bytes,
                        size_t *count);
rv_status rv_png_load(rv_context *context, const char *path, rv_pixels8 *out);
rv_status rv_png_parse(rv_context *context, const char *name, const uint8_t *bytes, size_t count,
                       rv_pixels8 *out);
/* NUL-terminated base64 of the bytes; NULL when memory is out. */
char *rv_base64(const uint8_t *bytes, size_t count);

/* ---- IDX ---- */

typedef struct rv_idx {
    uint8_t *bytes; /* [dim...]; rv_io_free */
    int rank;
    int64_t dim[4]; /* dim[0] is what was read */
    int64_t stored; /* the count that the header gives */
} rv_idx;
/* Unsigned bytes, gzipped or not, of `rank` axes; `limit` > 0 reads the first so many only. */
rv_status rv_idx_load(rv_context *context, const char *path, int rank, int64_t limit, rv_idx *out);
/* The header alone: dim[] and stored, no bytes. */
rv_status rv_idx_header(rv_context *context, const char *path, int rank, rv_idx *out);

/* ---- YAML: mappings, sequences, scalars; no anchors, aliases or tags ---- */

typedef enum rv_yaml_kind { RV_YAML_SCALAR, RV_YAML_SEQUENCE, RV_YAML_MAPPING } rv_yaml_kind;
typedef struct rv_yaml_node {
    rv_yaml_kind kind;
    int line;        /* from 1 */
    const char *key; /* in a mapping; NULL elsewhere */
    int key_line;
    const char *text; /* of a scalar */
    int quoted;
    const struct rv_yaml_node *child; /* of a sequence or mapping */
    const struct rv_yaml_node *next;  /* sibling */
} rv_yaml_node;
typedef struct rv_yaml rv_yaml;
/* `name` is for messages ("recipe.yaml").  Duplicate keys and unsupported features are errors. */
rv_status rv_yaml_parse(rv_context *context, const char *name, const char *text, rv_yaml **out);
rv_status rv_yaml_load(rv_context *context, const char *path, rv_yaml **out);
const rv_yaml_node *rv_yaml_root(const rv_yaml *yaml); /* NULL for an empty document */
void rv_yaml_free(rv_yaml *yaml);
/* The node as YAML flow text ("{residual: [linear 64, relu]}"); rv_io_free. */
char *rv_yaml_flow(const rv_yaml_node *node);
/* The text as a YAML scalar, quoted only where it must be; rv_io_free. */
char *rv_yaml_quote(const char *text);

#ifdef __cplusplus
}
#endif
#endif
