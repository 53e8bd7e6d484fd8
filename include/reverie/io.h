/* reverie/io.h - a wing: file formats and durable writing, on plain arrays.
 *
 *     rv_writer *writer;
 *     rv_writer_open(context, "out.bin", &writer);       // a temporary file
 *     rv_writer_append(writer, bytes, count);
 *     rv_writer_commit(writer);                          // synced, renamed, folder synced
 *
 *     rv_tensors *tensors;
 *     rv_tensors_open(context, "model.safetensors", &tensors);
 *     rv_tensors_read(tensors, "decoder.0.weight", values, count);
 *     rv_tensors_free(tensors);
 *
 * Input files are not trusted: sizes are bounded, and a malformed file is RV_BAD_FILE with its
 * name, the place and the reason.  A write that fails is RV_IO_ERROR and leaves the old file.
 * Buffers that functions return are freed with rv_io_free.  Objects that functions open are the
 * caller's.
 */
#ifndef REVERIE_IO_H
#define REVERIE_IO_H

#include "reverie/core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Frees a buffer from this header.  NULL is ignored. */
void rv_io_free(void *block);

/* ---- whole files ---- */

/* Reads a file of at most `most` bytes, and adds a 0 byte; freed with rv_io_free.  RV_BAD_FILE when
 * the file is missing, a folder, or larger; RV_IO_ERROR when reading fails.  `*bytes` is then
 * NULL. */
rv_status rv_file_read(rv_context *context, const char *path, size_t most, uint8_t **bytes,
                       size_t *count);
/* The first `wanted` bytes (0: all; fewer if the file ends earlier) of a file that may be gzipped,
 * and a 0 byte.  Reading stops there: the rest is neither inflated nor checked.  RV_BAD_FILE for
 * more than `most` bytes, and for a truncated or corrupt gzip file: the message says which.  Memory
 * depends on the content of the file, never on `wanted`. */
rv_status rv_gzip_read(rv_context *context, const char *path, size_t wanted, size_t most,
                       uint8_t **bytes, size_t *count);
enum { RV_KIND_ROOM = 128 };
/* Recognises a file by its first bytes (4096 are enough) and writes words that fit after "is" in a
 * message: "a JPEG image; save it as PNG", "a web page, not the data: the download failed; get it
 * again", "a gzip file that holds plain text", "empty".  Returns 0, with "a file of an unknown
 * kind", for an unknown kind. */
int rv_kind_of_bytes(const uint8_t *head, size_t count, char text[RV_KIND_ROOM]);
/* The same from the file; the text also covers a file that cannot be read.  Latches nothing. */
int rv_kind_of_file(const char *path, char text[RV_KIND_ROOM]);
/* Whether something is at a path, also where that cannot be looked at, as without permission: then
 * reading it tells why.  Whether it is a folder. */
int rv_file_exists(const char *path);
int rv_folder_exists(const char *path);
/* Makes a folder and its parents.  An existing folder is fine.  RV_IO_ERROR. */
rv_status rv_folder_make(rv_context *context, const char *path);
/* The same; *made is the length, in bytes, of the path of the first folder that had to be made; 0
 * when all existed.  rv_folder_unmake removes these folders, from the innermost, while they are
 * empty. */
rv_status rv_folder_make_noting(rv_context *context, const char *path, size_t *made);
void rv_folder_unmake(const char *path, size_t made);

/* ---- durable writing: temporary file, write, sync, rename, sync of the folder ---- */

typedef struct rv_writer rv_writer;
/* Begins to write `path`; follows a symbolic link, also one to a file that does not exist yet.
 * RV_IO_ERROR, with the reason, when no file can be made in the folder, or when the path is a
 * folder, a device or a pipe. */
rv_status rv_writer_open(rv_context *context, const char *path, rv_writer **out);
/* After a failure later calls do nothing and return the first status. */
rv_status rv_writer_append(rv_writer *writer, const void *bytes, size_t count);
/* Puts the file in place and frees the writer in any case; on failure the old file is unchanged. */
rv_status rv_writer_commit(rv_writer *writer);
/* Removes the temporary and frees the writer.  NULL is ignored. */
void rv_writer_abandon(rv_writer *writer);
/* Writes a whole file durably. */
rv_status rv_file_write(rv_context *context, const char *path, const void *bytes, size_t count);
/* Removes the temporaries that killed processes left in a folder; those of living processes stay.
 * `ledger`: only those of files in its list, and in no folder behind a link; NULL: all. */
typedef struct rv_ledger rv_ledger;
void rv_temporaries_remove(const char *folder, const rv_ledger *ledger);

/* A file of lines that only grows, by one write for each line. */
typedef struct rv_lines rv_lines;
/* Cuts the file to `keep` bytes and opens it for appending.  keep = -1 keeps every whole line, and
 * removes an incomplete last line, which a killed process leaves.  A file shorter than `keep` keeps
 * its whole lines, with a warning. */
rv_status rv_lines_open(rv_context *context, const char *path, int64_t keep, rv_lines **out);
/* Appends `line` and a newline; `line` contains no newline (RV_BAD_USAGE).  On RV_IO_ERROR the file
 * still ends with the previous line. */
rv_status rv_lines_append(rv_lines *lines, const char *line);
int64_t rv_lines_position(const rv_lines *lines); /* bytes in the file */
/* Returns when the lines are on the disk.  RV_IO_ERROR. */
rv_status rv_lines_sync(rv_lines *lines);
/* NULL is ignored. */
void rv_lines_close(rv_lines *lines);

/* ---- locks, and the list of Reverie's files in a folder ---- */

/* A lock on `path`, a file that is made for the lock and removed with it.  The system releases the
 * lock when its process ends in any way; a line in the file names the process and the host. */
typedef struct rv_lock rv_lock;
/* Takes the lock without waiting.  RV_BAD_USAGE, with the holder, when it is held (also by this
 * process); messages call it `what`.  RV_IO_ERROR when the file cannot be written.  A file system
 * without locks gives it to everybody. */
rv_status rv_lock_take(rv_context *context, const char *path, const char *what, rv_lock **out);
void rv_lock_release(rv_lock *lock); /* NULL is ignored; after a fork it belongs to the parent */

/* The ledger FOLDER/.reverie-files lists the files that Reverie made in a folder: other files are
 * never removed or overwritten.  Paths are complete: FOLDER/name. */
/* Reads the list, if there is one; the first claim writes it.  RV_BAD_FILE when it cannot be read.
 * The caller closes the ledger before the context is freed. */
rv_status rv_ledger_open(rv_context *context, const char *folder, rv_ledger **out);
void rv_ledger_close(rv_ledger *ledger);        /* NULL is ignored */
int rv_ledger_is_kept(const rv_ledger *ledger); /* the folder has a list */
int rv_ledger_has(const rv_ledger *ledger, const char *path);
/* Enters a file before it is made.  RV_BAD_USAGE for an existing file that is not listed, a link or
 * a folder; RV_IO_ERROR when the list cannot be written.  A listed file is fine. */
rv_status rv_ledger_claim(rv_ledger *ledger, const char *path);
/* Makes a folder, and enters it if it is new. */
rv_status rv_ledger_folder(rv_ledger *ledger, const char *path);
/* While `adopts` is 1, existing files may be claimed: for a folder that has lost its list. */
void rv_ledger_adopt(rv_ledger *ledger, int adopts);
/* Removes a listed file, and its entry.  Links are never followed. */
void rv_ledger_remove(rv_ledger *ledger, const char *path);
/* Removes all listed files, the listed folders that are then empty, and the list. */
void rv_ledger_remove_all(rv_ledger *ledger);
/* Forgets all names: for a folder whose list rv_replace_begin has moved away. */
void rv_ledger_forget(rv_ledger *ledger);

/* Moves the listed files of a folder into a folder inside it, so that others can take their place;
 * nothing is lost when the process is killed.  The caller holds a lock.  RV_IO_ERROR; RV_BAD_USAGE
 * when a listed file is behind a link. */
rv_status rv_replace_begin(rv_context *context, const char *folder);
/* Whether a folder holds files that were moved away. */
int rv_replace_is_pending(const char *folder);
/* Removes the files that were moved away. */
rv_status rv_replace_finish(rv_context *context, const char *folder);
/* Undoes a replacement that was begun but not finished: removes the new files (by their list) and
 * moves the old ones back.  *undone: 1 if there was one. */
rv_status rv_replace_recover(rv_context *context, const char *folder, int *undone);

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
    /* Row-major, little endian.  For writing: the caller's memory.  For reading: memory of the
     * `rv_tensors`, at any alignment (copy it, or use rv_tensors_read). */
    const void *data;
    size_t bytes; /* product of dim, times rv_element_bytes */
} rv_tensor;

typedef struct rv_text_pair {
    const char *key, *value;
} rv_text_pair;

/* Writes the file durably, with `pairs` and "xxh3_128" in __metadata__: the checksum of the whole
 * file with its own 32 digits taken as '0'.  The same content gives the same bytes.  The header
 * lists the tensors in the given order; the data begin at a multiple of 64 bytes and are sorted by
 * element size, the largest first, so that every tensor is aligned.  RV_BAD_USAGE: a duplicate name
 * or key, one that is not UTF-8, bytes that do not fit the shape. */
rv_status rv_tensors_write(rv_context *context, const char *path, const rv_tensor *tensors,
                           int count, const rv_text_pair *pairs, int pair_count);

typedef struct rv_tensors rv_tensors;
/* Reads and checks the whole file, with its checksum if it has one: any flipped bit in a file of
 * Reverie is RV_BAD_FILE.  The caller owns `*out`; it must not outlive the context. */
rv_status rv_tensors_open(rv_context *context, const char *path, rv_tensors **out);
/* The same from memory, which is copied; messages call it `name`. */
rv_status rv_tensors_parse(rv_context *context, const char *name, const uint8_t *bytes,
                           size_t count, rv_tensors **out);
/* NULL is ignored. */
void rv_tensors_free(rv_tensors *tensors);
int rv_tensors_count(const rv_tensors *tensors);
/* In the order of their data; NULL outside [0, count). */
const rv_tensor *rv_tensors_at(const rv_tensors *tensors, int index);
const rv_tensor *rv_tensors_find(const rv_tensors *tensors, const char *name); /* NULL: none */
/* Copies a tensor as floats; `count` is its size.  RV_BAD_FILE when it is absent or has another
 * size. */
rv_status rv_tensors_read(const rv_tensors *tensors, const char *name, float *values, size_t count);
/* A metadata value, owned by `tensors`; NULL when absent. */
const char *rv_tensors_metadata(const rv_tensors *tensors, const char *key);
/* All metadata, in the order of the file; `tensors` owns the strings.  Outside [0, count) both are
 * NULL. */
int rv_tensors_metadata_count(const rv_tensors *tensors);
rv_text_pair rv_tensors_metadata_at(const rv_tensors *tensors, int index);
/* Whether the file had a checksum (which was right): Python's safetensors writes none. */
int rv_tensors_has_checksum(const rv_tensors *tensors);
size_t rv_element_bytes(rv_element element);
const char *rv_element_name(rv_element element); /* "F32" */

/* ---- npy ---- */

enum { RV_ARRAY_RANK = 8 };
/* Values as floats; `dim` is outermost first. */
typedef struct rv_array {
    float *values; /* rv_io_free */
    int rank;
    int64_t dim[RV_ARRAY_RANK];
    size_t count;
    char type[8]; /* as in the file: "<f4", "|u1" */
} rv_array;
enum { RV_ARRAY_SHAPE_TEXT = 192 };
/* Writes "[64,28,28]" to `text`; returns it. */
char *rv_array_shape_text(const rv_array *array, char text[RV_ARRAY_SHAPE_TEXT]);
/* Versions 1 and 2, little endian f4 f8 i4 i8 u1 b1, C order.  On failure `*out` is zero.  Needs
 * memory for the floats and a small buffer. */
rv_status rv_array_load(rv_context *context, const char *path, rv_array *out);
rv_status rv_array_parse(rv_context *context, const char *name, const uint8_t *bytes, size_t count,
                         rv_array *out);
/* Reads only the header and checks the size of the file; `values` is NULL. */
rv_status rv_array_header(rv_context *context, const char *path, rv_array *out);
/* Rows along the first axis of an .npy file. */
typedef struct rv_array_rows {
    const char *path;
    int64_t first, count;
} rv_array_rows;
/* Read only these rows, as floats or as the stored bytes (u1 and b1), into the caller's memory
 * [count, dim[1] ...].  `array` is the header.  RV_BAD_USAGE for rows that do not exist,
 * RV_BAD_FILE for a file that has changed. */
rv_status rv_array_read(rv_context *context, const rv_array *array, rv_array_rows rows,
                        float *values);
rv_status rv_array_read_bytes(rv_context *context, const rv_array *array, rv_array_rows rows,
                              uint8_t *bytes);
/* Changes `count` images [C,pixels] to [pixels,C] in place; each value has `width` bytes.
 * RV_NO_MEMORY leaves them unchanged. */
rv_status rv_array_channels_last(rv_context *context, void *values, int64_t count, int64_t channels,
                                 int64_t pixels, size_t width);
/* Writes float32, durably. */
rv_status rv_array_save(rv_context *context, const char *path, const float *values, int rank,
                        const int64_t *dim);
/* The same without conversion: F32, F64, I64, I32 or U8 elements of `data` [dim...]. */
rv_status rv_array_save_as(rv_context *context, const char *path, rv_element element,
                           const void *data, int rank, const int64_t *dim);

/* ---- PNG, 8 bits, gray or RGB ---- */

typedef struct rv_pixels8 {
    int height, width, channels; /* 1 or 3 */
    uint8_t *bytes;              /* [height,width,channels]; rv_io_free */
} rv_pixels8;
/* The largest height and width of a PNG that is read or written. */
enum { RV_PNG_SIDE_MOST = 32768 };
/* Writes a PNG durably.  The same pixels give the same bytes (with the same zlib). */
rv_status rv_png_write(rv_context *context, const char *path, const rv_pixels8 *pixels);
/* The same file in memory; freed with rv_io_free. */
rv_status rv_png_encode(rv_context *context, const rv_pixels8 *pixels, uint8_t **bytes,
                        size_t *count);
/* Reads a PNG as a viewer shows it: interlaced or not; 1, 2, 4 and 16 bits become 8 bits (scaled
 * and rounded); transparent pixels show the file's own background, or white.  A palette becomes
 * RGB, or gray when all used colours are gray.  RV_BAD_FILE, also above RV_PNG_SIDE_MOST.  On
 * failure `*out` is zero. */
rv_status rv_png_load(rv_context *context, const char *path, rv_pixels8 *out);
/* Facts about the file that the 8 bits do not show. */
typedef struct rv_png_facts {
    int depth; /* bits a sample in the file */
    uint32_t
        largest; /* the largest sample that is not fully transparent; for 16 bits before scaling */
    int has_palette;
    int is_whole; /* the file ends as a PNG does (rv_png_header) */
} rv_png_facts;
rv_status rv_png_load_facts(rv_context *context, const char *path, rv_pixels8 *out,
                            rv_png_facts *facts);
/* Reads only the header: height, width and channels (3 for a palette), `bytes` NULL; and the facts
 * except for `largest`. */
rv_status rv_png_header(rv_context *context, const char *path, rv_pixels8 *out,
                        rv_png_facts *facts);
/* Whether red, green and blue are equal everywhere; 1 for gray images. */
int rv_pixels_are_gray(const rv_pixels8 *pixels);
rv_status rv_png_parse(rv_context *context, const char *name, const uint8_t *bytes, size_t count,
                       rv_pixels8 *out);
/* NUL-terminated base64 of the bytes (RFC 4648, padded); freed with rv_io_free.  NULL when memory
 * is out. */
char *rv_base64(const uint8_t *bytes, size_t count);

/* ---- animated GIF, gray or RGB ---- */

typedef struct rv_gif_config {
    int height, width, channels; /* 1 or 3 */
    int delay;                   /* milliseconds for each picture, 0 to 655350, truncated to tens */
} rv_gif_config;

/* An animation that repeats forever.  Gray levels are exact; each coloured picture has at most 256
 * colours. */
typedef struct rv_gif rv_gif;
/* Begins to write `path` durably.  RV_BAD_USAGE for sizes or a delay that are impossible in a
 * GIF. */
rv_status rv_gif_open(rv_context *context, const char *path, const rv_gif_config *config,
                      rv_gif **out);
/* Adds a picture [height,width,channels].  After a failure later calls return the first status. */
rv_status rv_gif_add(rv_gif *gif, const uint8_t *pixels);
/* Sets the delay of the pictures that follow, within the same limits. */
void rv_gif_delay(rv_gif *gif, int delay);
/* Puts the file in place and frees the GIF in any case; on failure the old file is unchanged. */
rv_status rv_gif_commit(rv_gif *gif);
/* Removes the temporary and frees the GIF.  NULL is ignored. */
void rv_gif_abandon(rv_gif *gif);

/* ---- IDX ---- */

typedef struct rv_idx {
    uint8_t *bytes; /* [dim...]; rv_io_free */
    int rank;
    int64_t dim[4]; /* dim[0] is the number that was read */
    int64_t stored; /* the number in the header */
} rv_idx;
/* Reads unsigned bytes with `rank` axes (1 to 4), gzipped or not; `limit` > 0 reads only the first
 * `limit` items.  RV_BAD_FILE, with the reason: a wrong magic number, sizes that the file cannot
 * hold (detected before memory is allocated), a truncated or corrupt file, excess bytes.  On
 * failure `*out` is zero. */
rv_status rv_idx_load(rv_context *context, const char *path, int rank, int64_t limit, rv_idx *out);
/* The same from memory, without a limit; messages call it `name`. */
rv_status rv_idx_parse(rv_context *context, const char *name, const uint8_t *bytes, size_t count,
                       int rank, rv_idx *out);
/* Reads only the header: `dim` and `stored`; `bytes` is NULL. */
rv_status rv_idx_header(rv_context *context, const char *path, int rank, rv_idx *out);
/* The same, and compares the size of the file with the header: RV_BAD_FILE where rv_idx_load would
 * find it truncated or too long.  Only a gzip whose trailer does not name the right length is
 * inflated. */
rv_status rv_idx_check(rv_context *context, const char *path, int rank, rv_idx *out);

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
/* Messages begin with `name` ("recipe.yaml:3: ...").  RV_BAD_USAGE, with the line, for invalid
 * YAML, a duplicate key (with both lines), anchors, aliases, tags, a second document, more than 32
 * levels, 4096 keys in a mapping, 100000 values or 4 MiB. */
rv_status rv_yaml_parse(rv_context *context, const char *name, const char *text, rv_yaml **out);
/* The same from a file; RV_BAD_FILE when it cannot be read or is not text. */
rv_status rv_yaml_load(rv_context *context, const char *path, rv_yaml **out);
const rv_yaml_node *rv_yaml_root(const rv_yaml *yaml); /* NULL for an empty document */
/* Frees every node.  NULL is ignored. */
void rv_yaml_free(rv_yaml *yaml);
/* The node as YAML flow text ("{residual: [linear 64, relu]}"); freed with rv_io_free.  NULL when
 * memory is out. */
char *rv_yaml_flow(const rv_yaml_node *node);
/* The text as a YAML scalar of one line, valid anywhere in a document, and quoted only if it would
 * otherwise read back differently; freed with rv_io_free.  A byte that is not UTF-8 becomes the
 * code point of the same number. */
char *rv_yaml_quote(const char *text);

#ifdef __cplusplus
}
#endif
#endif
