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

/* The bytes of a file of at most `most` bytes, and a 0 after them.  RV_BAD_FILE when it is missing,
 * a folder, or larger; RV_IO_ERROR when the machine fails to read it.  `*bytes` is NULL then. */
rv_status rv_file_read(rv_context *context, const char *path, size_t most, uint8_t **bytes,
                       size_t *count);
/* The first `wanted` bytes (all when 0; fewer when it ends before) of a file that may be gzipped,
 * and a 0 after them.  Reading stops there: the rest is neither inflated nor checked.  More than
 * `most` bytes are RV_BAD_FILE, and so is a gzip file that is truncated or corrupt: the message
 * says which.  Memory follows what the file holds, never what is asked for. */
rv_status rv_gzip_read(rv_context *context, const char *path, size_t wanted, size_t most,
                       uint8_t **bytes, size_t *count);
enum { RV_KIND_ROOM = 128 };
/* What a file is by its first bytes (4096 are enough), as a message can say it after "is": "a JPEG
 * image; save it as PNG", "a web page, not the data: the download failed; get it again", "a gzip
 * file that holds plain text", "empty".  Returns 0, and "a file of an unknown kind", when it is
 * none of those that are known. */
int rv_kind_of_bytes(const uint8_t *head, size_t count, char text[RV_KIND_ROOM]);
/* The same from the file; one that cannot be read is said to be that.  Latches nothing. */
int rv_kind_of_file(const char *path, char text[RV_KIND_ROOM]);
/* Whether a path is there, and is a folder. */
int rv_file_exists(const char *path);
int rv_folder_exists(const char *path);
/* Makes a folder and those above it.  One that is there is fine.  RV_IO_ERROR. */
rv_status rv_folder_make(rv_context *context, const char *path);
/* The same; *made: how much of the path, in bytes, is the first folder that was not there, 0 when
 * all were.  And the removal of those folders, from the innermost, as far as they are empty. */
rv_status rv_folder_make_noting(rv_context *context, const char *path, size_t *made);
void rv_folder_unmake(const char *path, size_t made);

/* ---- durable writing: new temporary, write, sync, rename, sync of the folder ---- */

typedef struct rv_writer rv_writer;
/* Begins to write `path`; a symbolic link is followed, also to a file that is not there yet.
 * RV_IO_ERROR, with the reason, when the folder takes no new file, or when the path is a folder, a
 * device or a pipe. */
rv_status rv_writer_open(rv_context *context, const char *path, rv_writer **out);
/* After a failure later calls do nothing and return the first status. */
rv_status rv_writer_append(rv_writer *writer, const void *bytes, size_t count);
/* Frees the writer, whatever happens; on failure the old file is untouched. */
rv_status rv_writer_commit(rv_writer *writer);
/* Removes the temporary and frees the writer.  NULL is ignored. */
void rv_writer_abandon(rv_writer *writer);
/* The whole file at once. */
rv_status rv_file_write(rv_context *context, const char *path, const void *bytes, size_t count);
/* Removes the temporaries that killed processes left in a folder; one that a living process is
 * still writing stays.  `ledger`: only those of files that it lists, and of no folder behind a
 * link; NULL: all. */
typedef struct rv_ledger rv_ledger;
void rv_temporaries_remove(const char *folder, const rv_ledger *ledger);

/* A file of lines that only grows: one write a line. */
typedef struct rv_lines rv_lines;
/* Opens for appending, cut to `keep` bytes first.  keep = -1 keeps every whole line: what a killed
 * process left of its last line is cut off.  A file shorter than `keep` keeps its whole lines too,
 * with a warning. */
rv_status rv_lines_open(rv_context *context, const char *path, int64_t keep, rv_lines **out);
/* `line` is given without its newline and holds none (RV_BAD_USAGE).  On RV_IO_ERROR the file still
 * ends with the line before. */
rv_status rv_lines_append(rv_lines *lines, const char *line);
int64_t rv_lines_position(const rv_lines *lines); /* bytes in the file */
/* Returns when the lines are on the disk. */
rv_status rv_lines_sync(rv_lines *lines);
/* NULL is ignored. */
void rv_lines_close(rv_lines *lines);

/* ---- locks, and what belongs to Reverie in a folder ---- */

/* A lock on `path`, a file that is made for it and removed with it.  The system lets go of it when
 * its process ends, however that ends; a line in it names the process and the host. */
typedef struct rv_lock rv_lock;
/* RV_BAD_USAGE, naming the holder, when it is held (by this process too): `what` is what the
 * message calls it.  RV_IO_ERROR when the file cannot be written.  It does not wait.  A file system
 * that has no locks gives it to everybody. */
rv_status rv_lock_take(rv_context *context, const char *path, const char *what, rv_lock **out);
void rv_lock_release(rv_lock *lock); /* NULL is ignored; after fork it is the parent's */

/* The list FOLDER/.reverie-files of what Reverie made in a folder: what is not in it is never
 * removed nor written over.  Paths are given whole, FOLDER/name. */
/* Reads the list, where there is one; it is written with the first claim.  RV_BAD_FILE when it
 * cannot be read.  The caller closes it, before the context is freed. */
rv_status rv_ledger_open(rv_context *context, const char *folder, rv_ledger **out);
void rv_ledger_close(rv_ledger *ledger);        /* NULL is ignored */
int rv_ledger_is_kept(const rv_ledger *ledger); /* the folder has a list */
int rv_ledger_has(const rv_ledger *ledger, const char *path);
/* Enters a file that is about to be made.  RV_BAD_USAGE for one that is there and not listed, or is
 * a link or a folder;
 * RV_IO_ERROR when the list cannot be written.  One that is listed is fine. */
rv_status rv_ledger_claim(rv_ledger *ledger, const char *path);
/* Makes a folder, and enters it when it was not there. */
rv_status rv_ledger_folder(rv_ledger *ledger, const char *path);
/* While `adopts`, what is there already may be claimed: of a folder whose list was lost. */
void rv_ledger_adopt(rv_ledger *ledger, int adopts);
/* Removes a listed file, and takes it off the list.  Links are never followed. */
void rv_ledger_remove(rv_ledger *ledger, const char *path);
/* Removes all that is listed, folders that are empty then, and the list. */
void rv_ledger_remove_all(rv_ledger *ledger);
/* Forgets all names: of a folder whose list was set aside. */
void rv_ledger_forget(rv_ledger *ledger);

/* Sets what is listed in a folder aside, within the folder, so that something else can take its
 * place; it loses nothing when the process is killed.  Under a lock of the caller's.  RV_IO_ERROR;
 * RV_BAD_USAGE where a listed file lies behind a link. */
rv_status rv_replace_begin(rv_context *context, const char *folder);
/* Whether something is set aside in a folder. */
int rv_replace_is_pending(const char *folder);
/* Removes for good what was set aside. */
rv_status rv_replace_finish(rv_context *context, const char *folder);
/* Ends what was begun and not finished: what was set aside comes back, and what had taken its place
 * (as the list that it has written says) is removed.  *undone: 1 if there was something. */
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
    /* Row-major, little endian.  Writing: the caller's.  Reading: inside `rv_tensors`, at any
     * alignment (copy it out, or use rv_tensors_read). */
    const void *data;
    size_t bytes; /* product of dim, times rv_element_bytes */
} rv_tensor;

typedef struct rv_text_pair {
    const char *key, *value;
} rv_text_pair;

/* Writes the file durably, with `pairs` and "xxh3_128" in __metadata__: the checksum of the whole
 * file with its own 32 digits taken as '0'.  The same content gives the same bytes.  The header
 * lists the tensors in the given order; their data lie by element size, the largest first, so that
 * every tensor is aligned, and begin at a multiple of 64 bytes.  RV_BAD_USAGE: a name or key that
 * stands twice or is no UTF-8, bytes that do not fit the shape. */
rv_status rv_tensors_write(rv_context *context, const char *path, const rv_tensor *tensors,
                           int count, const rv_text_pair *pairs, int pair_count);

typedef struct rv_tensors rv_tensors;
/* Reads and checks the whole file, its checksum too where it carries one: a file of Reverie with
 * any bit flipped is RV_BAD_FILE.  The caller owns `*out`; it must not outlive the context. */
rv_status rv_tensors_open(rv_context *context, const char *path, rv_tensors **out);
/* The same from memory, which is copied; `name` is for messages. */
rv_status rv_tensors_parse(rv_context *context, const char *name, const uint8_t *bytes,
                           size_t count, rv_tensors **out);
/* NULL is ignored. */
void rv_tensors_free(rv_tensors *tensors);
int rv_tensors_count(const rv_tensors *tensors);
/* In the order of their data; NULL outside [0, count). */
const rv_tensor *rv_tensors_at(const rv_tensors *tensors, int index);
const rv_tensor *rv_tensors_find(const rv_tensors *tensors, const char *name); /* NULL: none */
/* As floats; `count` must be the tensor's.  RV_BAD_FILE when it is absent or of another size. */
rv_status rv_tensors_read(const rv_tensors *tensors, const char *name, float *values, size_t count);
/* A metadata value, NULL when absent; owned by `tensors`. */
const char *rv_tensors_metadata(const rv_tensors *tensors, const char *key);
/* All of it, in the order of the file; the strings are owned by `tensors`.  Outside [0, count) both
 * are NULL. */
int rv_tensors_metadata_count(const rv_tensors *tensors);
rv_text_pair rv_tensors_metadata_at(const rv_tensors *tensors, int index);
/* Whether the file carried a checksum (which was right): Python's safetensors writes none. */
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
/* Versions 1 and 2, little endian f4 f8 i4 i8 u1 b1, C order.  On failure `*out` is zero.  Takes
 * the memory of the floats, and a small window. */
rv_status rv_array_load(rv_context *context, const char *path, rv_array *out);
rv_status rv_array_parse(rv_context *context, const char *name, const uint8_t *bytes, size_t count,
                         rv_array *out);
/* The header alone, `values` NULL; the size of the file is checked. */
rv_status rv_array_header(rv_context *context, const char *path, rv_array *out);
/* Rows of the first axis, in the file of that header; no more of the file is read. */
typedef struct rv_array_rows {
    const char *path;
    int64_t first, count;
} rv_array_rows;
/* The rows as floats, or as the bytes that they are (u1 and b1), into [count, dim[1] ...] of the
 * caller.  RV_BAD_USAGE for rows that are not there, RV_BAD_FILE for a file that has changed. */
rv_status rv_array_read(rv_context *context, const rv_array *array, rv_array_rows rows,
                        float *values);
rv_status rv_array_read_bytes(rv_context *context, const rv_array *array, rv_array_rows rows,
                              uint8_t *bytes);
/* Turns `count` images [C,pixels] into [pixels,C], in place; their values are `width` bytes each.
 * RV_NO_MEMORY: nothing is changed. */
rv_status rv_array_channels_last(rv_context *context, void *values, int64_t count, int64_t channels,
                                 int64_t pixels, size_t width);
/* Writes float32, durably. */
rv_status rv_array_save(rv_context *context, const char *path, const float *values, int rank,
                        const int64_t *dim);
/* The same for elements as they are: F32, F64, I64, I32 or U8 of `data` [dim...]. */
rv_status rv_array_save_as(rv_context *context, const char *path, rv_element element,
                           const void *data, int rank, const int64_t *dim);

/* ---- PNG, 8 bits, gray or RGB ---- */

typedef struct rv_pixels8 {
    int height, width, channels; /* 1 or 3 */
    uint8_t *bytes;              /* [height,width,channels]; rv_io_free */
} rv_pixels8;
/* Most pixels a side of a PNG that is read or written. */
enum { RV_PNG_SIDE_MOST = 32768 };
/* Durably.  The same pixels give the same bytes (with the same zlib). */
rv_status rv_png_write(rv_context *context, const char *path, const rv_pixels8 *pixels);
/* The same file in memory; rv_io_free. */
rv_status rv_png_encode(rv_context *context, const rv_pixels8 *pixels, uint8_t **bytes,
                        size_t *count);
/* As a viewer shows it: interlaced or not, 1, 2, 4 and 16 bits (scaled and rounded) as 8 bits, what
 * is transparent over the file's own background, or over white.  A palette is RGB, or gray when all
 * colours in use are; at most 32768 a side.  On failure `*out` is zero. */
rv_status rv_png_load(rv_context *context, const char *path, rv_pixels8 *out);
/* What the 8 bits do not tell. */
typedef struct rv_png_facts {
    int depth; /* bits a sample in the file */
    uint32_t
        largest; /* the largest sample that is not all transparent; of 16 bits before scaling */
    int has_palette;
} rv_png_facts;
rv_status rv_png_load_facts(rv_context *context, const char *path, rv_pixels8 *out,
                            rv_png_facts *facts);
/* The header alone, `bytes` NULL: height, width and channels, which for a palette are 3 or, as its
 * colours tell, 1. */
rv_status rv_png_header(rv_context *context, const char *path, rv_pixels8 *out, int *has_palette);
/* Whether red, green and blue are equal everywhere; so they are in gray images. */
int rv_pixels_are_gray(const rv_pixels8 *pixels);
rv_status rv_png_parse(rv_context *context, const char *name, const uint8_t *bytes, size_t count,
                       rv_pixels8 *out);
/* NUL-terminated base64 of the bytes (RFC 4648, padded); rv_io_free.  NULL when memory is out. */
char *rv_base64(const uint8_t *bytes, size_t count);

/* ---- animated GIF, gray or RGB ---- */

typedef struct rv_gif_config {
    int height, width, channels; /* 1 or 3 */
    int delay;                   /* milliseconds a picture, 0 to 655350, cut to whole tens */
} rv_gif_config;

/* Pictures one after the other, for ever.  Gray levels are kept exactly; coloured pictures have at
 * most 256 colours each. */
typedef struct rv_gif rv_gif;
/* Begins to write `path` durably.  RV_BAD_USAGE for sizes or a delay that a GIF cannot have. */
rv_status rv_gif_open(rv_context *context, const char *path, const rv_gif_config *config,
                      rv_gif **out);
/* One picture [height,width,channels].  After a failure later calls return the first status. */
rv_status rv_gif_add(rv_gif *gif, const uint8_t *pixels);
/* Frees the GIF, whatever happens; on failure the old file is untouched. */
rv_status rv_gif_commit(rv_gif *gif);
/* Gives the file up and frees the GIF.  NULL is ignored. */
void rv_gif_abandon(rv_gif *gif);

/* ---- IDX ---- */

typedef struct rv_idx {
    uint8_t *bytes; /* [dim...]; rv_io_free */
    int rank;
    int64_t dim[4]; /* dim[0] is what was read */
    int64_t stored; /* the count that the header gives */
} rv_idx;
/* Unsigned bytes, gzipped or not, of `rank` axes (1 to 4); `limit` > 0 reads the first so many
 * only, and no further.  RV_BAD_FILE, saying which: another magic, sizes that the file cannot hold
 * (found before memory is asked for), truncated, corrupt, or bytes too many.  On failure `*out` is
 * zero. */
rv_status rv_idx_load(rv_context *context, const char *path, int rank, int64_t limit, rv_idx *out);
/* The whole of it from memory, gzipped or not; `name` is for messages. */
rv_status rv_idx_parse(rv_context *context, const char *name, const uint8_t *bytes, size_t count,
                       int rank, rv_idx *out);
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
/* `name` is for messages ("recipe.yaml:3: ...").  RV_BAD_USAGE, with the line, for what is no YAML,
 * a key that stands twice (with both lines), anchors, aliases, tags, a second document, more than
 * 32 levels, 4096 keys in a mapping, 100000 values or 4 MiB. */
rv_status rv_yaml_parse(rv_context *context, const char *name, const char *text, rv_yaml **out);
/* The same from a file; one that cannot be read or is no text is RV_BAD_FILE. */
rv_status rv_yaml_load(rv_context *context, const char *path, rv_yaml **out);
const rv_yaml_node *rv_yaml_root(const rv_yaml *yaml); /* NULL for an empty document */
/* Frees every node.  NULL is ignored. */
void rv_yaml_free(rv_yaml *yaml);
/* The node as YAML flow text ("{residual: [linear 64, relu]}"); rv_io_free.  NULL: no memory. */
char *rv_yaml_flow(const rv_yaml_node *node);
/* The text as a YAML scalar of one line, quoted only where it must be to read back as the same
 * text, anywhere in a document; rv_io_free.  A byte that is no UTF-8 becomes that code point. */
char *rv_yaml_quote(const char *text);

#ifdef __cplusplus
}
#endif
#endif
