/* Writing safetensors (huggingface/safetensors, format of version 0.4): 8 bytes of header length, a
 * JSON header, the data.
 *
 * Reverie adds "xxh3_128" to __metadata__: XXH3-128 of the whole file with those 32 digits taken as
 * '0'.  The format itself has no checksum. */
#include "core/memory.h"
#include "io/tensors.h"
#include "io/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static const struct {
    const char *name;
    size_t bytes;
} elements[] = {{"F32", 4}, {"F64", 8}, {"F16", 2}, {"BF16", 2}, {"I64", 8}, {"I32", 4}, {"U8", 1}};

enum { ELEMENTS = sizeof elements / sizeof *elements };
static const char zeros[] = "00000000000000000000000000000000";
static const char before_digits[] = "\"" RV_CHECKSUM_KEY "\":\"";
static const int64_t bytes_most = (int64_t)1 << 40;

size_t rv_element_bytes(rv_element element)
{
    return (unsigned)element < ELEMENTS ? elements[element].bytes : 0;
}

const char *rv_element_name(rv_element element)
{
    return (unsigned)element < ELEMENTS ? elements[element].name : "unknown";
}

int rv_element_find(const char *name)
{
    for (int i = 0; i < ELEMENTS; i++)
        if (strcmp(elements[i].name, name) == 0)
            return i;
    return -1;
}

int64_t rv_tensor_bytes(const rv_tensor *tensor, int64_t most)
{
    int64_t bytes = (int64_t)rv_element_bytes(tensor->element);
    for (int i = 0; i < tensor->rank; i++) {
        if (tensor->dim[i] < 0)
            return -1;
        bytes = tensor->dim[i] == 0 ? 0 : bytes;
    }
    for (int i = 0; i < tensor->rank && bytes > 0; i++) {
        if (tensor->dim[i] > most / bytes)
            return -1;
        bytes *= tensor->dim[i];
    }
    return bytes;
}

char *rv_checksum_place(char *header, size_t length)
{
    char *at = memmem(header, length, before_digits, strlen(before_digits));
    at = at ? at + strlen(before_digits) : NULL;
    return at && header + length - at >= RV_CHECKSUM_DIGITS ? at : NULL;
}

/* ---- what is given ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static rv_status check_text(rv_context *context, const char *path, const char *text)
{
    if (!text || !rv_is_utf8(text))
        return rv_fail(context, RV_BAD_USAGE, "%s: a name or value is %s", path,
                       text ? "not UTF-8" : "NULL");
    return RV_OK;
}

static rv_status check_name(rv_context *context, const char *path, const char *name,
                            const char *reserved)
{
    rv_status status = check_text(context, path, name);
    if (status == RV_OK && strcmp(name, reserved) == 0)
        status = rv_fail(context, RV_BAD_USAGE, "%s: the name %s is taken", path, name);
    return status;
}

/* Checks that names are unique: after sorting, equal names are neighbours. */
static rv_status check_distinct(rv_context *context, const char *path, const char **names,
                                int count)
{
    qsort(names, (size_t)count, sizeof *names, by_name);
    for (int i = 1; i < count; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            return rv_fail(context, RV_BAD_USAGE, "%s: the name %s stands twice", path, names[i]);
    return RV_OK;
}

static rv_status check_tensor(rv_context *context, const char *path, const rv_tensor *tensor)
{
    rv_status status = check_name(context, path, tensor->name, "__metadata__");
    if (status != RV_OK)
        return status;
    int fits = rv_element_bytes(tensor->element) > 0 && tensor->rank >= 0 &&
               tensor->rank <= RV_TENSOR_RANK;
    int64_t bytes = fits ? rv_tensor_bytes(tensor, bytes_most) : -1;
    if (bytes < 0 || (uint64_t)bytes != tensor->bytes || (bytes > 0 && !tensor->data))
        return rv_fail(context, RV_BAD_USAGE,
                       "%s: tensor %s: %zu bytes are not what its type and shape need", path,
                       tensor->name, tensor->bytes);
    return RV_OK;
}

static rv_status check_all(rv_context *context, const char *path, const rv_tensor *tensors,
                           int count, const rv_text_pair *pairs, int pair_count)
{
    int most = count > pair_count ? count : pair_count;
    const char **names = rv_malloc((size_t)(most > 0 ? most : 1) * sizeof *names);
    rv_status status = names ? RV_OK : rv_fail_memory(context);
    for (int i = 0; i < pair_count && status == RV_OK; i++) {
        status = check_name(context, path, names[i] = pairs[i].key, RV_CHECKSUM_KEY);
        if (status == RV_OK)
            status = check_text(context, path, pairs[i].value);
    }
    if (status == RV_OK)
        status = check_distinct(context, path, names, pair_count);
    for (int i = 0; i < count && status == RV_OK; i++) {
        status = check_tensor(context, path, &tensors[i]);
        names[i] = tensors[i].name;
    }
    if (status == RV_OK)
        status = check_distinct(context, path, names, count);
    rv_free(names);
    return status;
}

/* ---- the header ---- */

/* order[] = the tensors by element size, the largest first, so that each is aligned to its
 * element. */
static void lay_out(const rv_tensor *tensors, int count, int *order)
{
    int at = 0;
    for (size_t bytes = 8; bytes > 0; bytes /= 2)
        for (int i = 0; i < count; i++)
            if (rv_element_bytes(tensors[i].element) == bytes)
                order[at++] = i;
}

/* NULL when memory is out. */
static json_t *describe(const rv_tensor *tensor, int64_t begin)
{
    json_t *shape = json_array();
    int ok = shape != NULL;
    for (int i = 0; ok && i < tensor->rank; i++)
        ok = json_array_append_new(shape, json_integer(tensor->dim[i])) == 0;
    json_t *entry = ok ? json_pack("{s:s, s:O, s:[I,I]}", "dtype", rv_element_name(tensor->element),
                                   "shape", shape, "data_offsets", (json_int_t)begin,
                                   (json_int_t)(begin + (int64_t)tensor->bytes))
                       : NULL;
    json_decref(shape);
    return entry;
}

static json_t *metadata_of(const rv_text_pair *pairs, int count)
{
    json_t *metadata = json_object();
    int ok = metadata != NULL;
    for (int i = 0; ok && i < count; i++)
        ok = json_object_set_new(metadata, pairs[i].key, json_string(pairs[i].value)) == 0;
    if (ok && json_object_set_new(metadata, RV_CHECKSUM_KEY, json_string(zeros)) == 0)
        return metadata;
    json_decref(metadata);
    return NULL;
}

/* The JSON text, with zeros for the checksum; freed with rv_free; NULL when memory is out. */
static char *make_json(rv_context *context, const rv_tensor *tensors, int count, const int *order,
                       const rv_text_pair *pairs, int pair_count)
{
    int64_t offset = 0;
    char *text = NULL;
    int64_t *begin = rv_malloc((size_t)(count > 0 ? count : 1) * sizeof *begin);
    json_t *header = json_object();
    for (int i = 0; begin && i < count; i++) {
        begin[order[i]] = offset;
        offset += (int64_t)tensors[order[i]].bytes;
    }
    int ok = begin && header &&
             json_object_set_new(header, "__metadata__", metadata_of(pairs, pair_count)) == 0;
    for (int i = 0; ok && i < count; i++)
        ok = json_object_set_new(header, tensors[i].name, describe(&tensors[i], begin[i])) == 0;
    if (ok)
        rv_json_write(context, header, JSON_COMPACT | JSON_PRESERVE_ORDER, &text);
    else
        json_decref(header);
    rv_free(begin);
    return text;
}

/* Length and header, padded with spaces so that the data begin at a multiple of 64 bytes. */
static char *make_start(const char *json, size_t *length)
{
    size_t used = strlen(json);
    *length = (8 + used + 63) / 64 * 64;
    char *start = rv_malloc(*length);
    if (!start)
        return NULL;
    for (int i = 0; i < 8; i++)
        start[i] = (char)((uint64_t)(*length - 8) >> (8 * i) & 255);
    memcpy(start + 8, json, used);
    memset(start + 8 + used, ' ', *length - 8 - used);
    return start;
}

/* Replaces the zeros by the digits of the whole file's checksum. */
static void sign(char *start, size_t length, const rv_tensor *tensors, int count, const int *order)
{
    char digits[RV_CHECKSUM_DIGITS + 1];
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    XXH3_128bits_update(&state, start, length);
    for (int i = 0; i < count; i++)
        XXH3_128bits_update(&state, tensors[order[i]].data, tensors[order[i]].bytes);
    XXH128_hash_t hash = XXH3_128bits_digest(&state);
    snprintf(digits, sizeof digits, "%016llx%016llx", (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
    memcpy(rv_checksum_place(start + 8, length - 8), digits, RV_CHECKSUM_DIGITS);
}

/* ---- the file ---- */

static rv_status write_file(rv_context *context, const char *path, const char *start, size_t length,
                            const rv_tensor *tensors, int count, const int *order)
{
    rv_writer *writer;
    rv_status status = rv_writer_open(context, path, &writer);
    if (status != RV_OK)
        return status;
    rv_writer_append(writer, start, length);
    for (int i = 0; i < count; i++)
        rv_writer_append(writer, tensors[order[i]].data, tensors[order[i]].bytes);
    return rv_writer_commit(writer);
}

rv_status rv_tensors_write(rv_context *context, const char *path, const rv_tensor *tensors,
                           int count, const rv_text_pair *pairs, int pair_count)
{
    size_t length = 0;
    rv_status status = check_all(context, path, tensors, count, pairs, pair_count);
    if (status != RV_OK)
        return status;
    int *order = rv_malloc((size_t)(count > 0 ? count : 1) * sizeof *order);
    if (order)
        lay_out(tensors, count, order);
    char *json = order ? make_json(context, tensors, count, order, pairs, pair_count) : NULL;
    char *start = json ? make_start(json, &length) : NULL;
    if (!start) {
        status = rv_fail_memory(context);
    } else if (length - 8 > RV_TENSORS_HEADER_MOST) {
        status = rv_fail(context, RV_BAD_USAGE, "%s: the names and metadata are too long", path);
    } else {
        sign(start, length, tensors, count, order);
        status = write_file(context, path, start, length, tensors, count, order);
    }
    rv_free(json);
    rv_free(start);
    rv_free(order);
    return status;
}
