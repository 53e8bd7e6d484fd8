/* Reads untrusted safetensors: every length, offset and name is checked before use.  The checksum
 * comes first, so that damage anywhere is reported as damage. */
#include "core/arena.h"
#include "core/memory.h"
#include "io/tensors.h"
#include "io/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static const size_t file_most = (size_t)64 << 30;

struct rv_tensors {
    rv_context *context;
    char *name;
    uint8_t *bytes;
    size_t count;
    size_t data; /* offset of the first tensor's bytes */
    rv_arena arena;
    rv_tensor *tensor;
    int tensor_count;
    rv_text_pair *pair; /* of the metadata; strings in `header` */
    int pair_count;
    json_t *header;
};

static rv_status malformed(const rv_tensors *t, const char *what)
{
    return rv_fail(t->context, RV_BAD_FILE, "%s: not a readable safetensors file: %s", t->name,
                   what);
}

/* The length of the header is impossible: a truncated file, or another kind of file. */
static rv_status fail_length(const rv_tensors *t)
{
    char kind[RV_KIND_ROOM];
    if (!rv_kind_of_bytes(t->bytes, t->count, kind) || strstr(kind, "safetensors"))
        return malformed(t, "it is truncated, or its header length is wrong");
    return rv_fail(t->context, RV_BAD_FILE,
                   "%s: not a readable safetensors file: it is %s (or truncated)", t->name, kind);
}

static rv_status corrupt(const rv_tensors *t)
{
    return rv_fail(t->context, RV_BAD_FILE, "%s: checksum mismatch: the file is corrupt", t->name);
}

void rv_tensors_free(rv_tensors *tensors)
{
    if (!tensors)
        return;
    json_decref(tensors->header);
    rv_arena_free(&tensors->arena);
    rv_free(tensors->bytes);
    rv_free(tensors->name);
    rv_free(tensors);
}

/* ---- metadata and checksum ---- */

int rv_tensors_metadata_count(const rv_tensors *tensors)
{
    return tensors->pair_count;
}

rv_text_pair rv_tensors_metadata_at(const rv_tensors *tensors, int index)
{
    if (index < 0 || index >= tensors->pair_count)
        return (rv_text_pair){NULL, NULL};
    return tensors->pair[index];
}

const char *rv_tensors_metadata(const rv_tensors *tensors, const char *key)
{
    for (int i = 0; i < tensors->pair_count; i++)
        if (strcmp(tensors->pair[i].key, key) == 0)
            return tensors->pair[i].value;
    return NULL;
}

int rv_tensors_has_checksum(const rv_tensors *tensors)
{
    return rv_tensors_metadata(tensors, RV_CHECKSUM_KEY) != NULL;
}

/* Compares the checksum with the file, if the raw header has its digits; *found tells whether it
 * has. */
static rv_status check_digits(rv_tensors *t, int *found)
{
    char stored[RV_CHECKSUM_DIGITS + 1] = "", digits[RV_CHECKSUM_DIGITS + 1];
    char *at = rv_checksum_place((char *)t->bytes + 8, t->data - 8);
    *found = at != NULL;
    if (!at)
        return RV_OK;
    memcpy(stored, at, RV_CHECKSUM_DIGITS);
    memset(at, '0', RV_CHECKSUM_DIGITS);
    XXH128_hash_t hash = XXH3_128bits(t->bytes, t->count);
    memcpy(at, stored, RV_CHECKSUM_DIGITS);
    snprintf(digits, sizeof digits, "%016llx%016llx", (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
    return strcmp(stored, digits) == 0 ? RV_OK : corrupt(t);
}

/* Whether a key is that of the checksum with one changed character: then the key is damaged, and
 * the file must not count as one without a checksum. */
static int is_damaged_key(const char *key)
{
    int differences = 0;
    if (strlen(key) != strlen(RV_CHECKSUM_KEY))
        return 0;
    for (size_t i = 0; key[i]; i++)
        differences += key[i] != RV_CHECKSUM_KEY[i];
    return differences == 1;
}

/* Fills the pairs: all values are text, and check_digits has checked the checksum. */
static rv_status read_metadata(rv_tensors *t, int checked)
{
    const char *key;
    json_t *value, *metadata = json_object_get(t->header, "__metadata__");
    if (!metadata)
        return RV_OK;
    if (!json_is_object(metadata))
        return malformed(t, "__metadata__ is no object");
    t->pair = rv_arena_alloc(&t->arena, (json_object_size(metadata) + 1) * sizeof *t->pair);
    if (!t->pair)
        return rv_fail_memory(t->context);
    json_object_foreach(metadata, key, value)
    {
        if (!json_is_string(value))
            return malformed(t, "a value in __metadata__ is no text");
        if (is_damaged_key(key) || (strcmp(key, RV_CHECKSUM_KEY) == 0 && !checked))
            return corrupt(t);
        t->pair[t->pair_count++] = (rv_text_pair){key, json_string_value(value)};
    }
    return RV_OK;
}

/* ---- tensors ---- */

static rv_status bad_tensor(const rv_tensors *t, const char *name, const char *what)
{
    char shown[RV_PRINTABLE];
    return rv_fail(t->context, RV_BAD_FILE, "%s: tensor %s: %s", t->name, rv_printable(name, shown),
                   what);
}

static int read_shape(rv_tensor *tensor, const json_t *shape)
{
    size_t rank = json_array_size(shape);
    if (!json_is_array(shape) || rank > RV_TENSOR_RANK)
        return 0;
    for (size_t i = 0; i < rank; i++) {
        const json_t *size = json_array_get(shape, i);
        if (!json_is_integer(size))
            return 0;
        tensor->dim[tensor->rank++] = json_integer_value(size);
    }
    return 1;
}

static rv_status read_tensor(rv_tensors *t, const char *name, const json_t *entry, rv_tensor *out)
{
    const json_t *type = json_object_get(entry, "dtype");
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    char shown[RV_PRINTABLE], what[2 * RV_PRINTABLE];
    int64_t room = (int64_t)(t->count - t->data);
    int element = json_is_string(type) ? rv_element_find(json_string_value(type)) : -1;
    if (element < 0) {
        snprintf(what, sizeof what, "element type %s is not read",
                 rv_printable(json_is_string(type) ? json_string_value(type) : "(none)", shown));
        return bad_tensor(t, name, what);
    }
    out->element = (rv_element)element;
    if (!read_shape(out, json_object_get(entry, "shape")))
        return bad_tensor(t, name, "its shape is no list of at most 8 sizes");
    int64_t bytes = rv_tensor_bytes(out, room);
    if (bytes < 0)
        return bad_tensor(t, name, "its shape needs more bytes than the file has");
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end))
        return bad_tensor(t, name, "its data_offsets are no two numbers");
    int64_t from = json_integer_value(begin), to = json_integer_value(end);
    if (from < 0 || to < from || to > room || to - from != bytes) {
        snprintf(what, sizeof what, "offsets %lld to %lld do not fit its %lld bytes in the file",
                 (long long)from, (long long)to, (long long)bytes);
        return bad_tensor(t, name, what);
    }
    out->name = name;
    out->data = t->bytes + t->data + from;
    out->bytes = (size_t)bytes;
    return RV_OK;
}

static int by_offset(const void *a, const void *b)
{
    const rv_tensor *p = a, *q = b;
    const uint8_t *at = p->data, *other = q->data;
    if (at != other)
        return at < other ? -1 : 1;
    if (p->bytes != q->bytes)
        return p->bytes < q->bytes ? -1 : 1;
    return strcmp(p->name, q->name); /* empty ones: the order must not depend on qsort */
}

/* The tensors must tile the data: no overlap, no gap. */
static rv_status check_tiling(rv_tensors *t)
{
    const uint8_t *expected = t->bytes + t->data;
    qsort(t->tensor, (size_t)t->tensor_count, sizeof *t->tensor, by_offset);
    for (int i = 0; i < t->tensor_count; i++) {
        if ((const uint8_t *)t->tensor[i].data != expected)
            return malformed(t, "tensors overlap or leave a gap");
        expected += t->tensor[i].bytes;
    }
    return expected == t->bytes + t->count ? RV_OK : malformed(t, "bytes after the last tensor");
}

static rv_status read_tensors(rv_tensors *t)
{
    const char *key;
    json_t *entry;
    size_t entries = json_object_size(t->header);
    t->tensor = rv_arena_alloc(&t->arena, (entries + 1) * sizeof *t->tensor);
    if (!t->tensor)
        return rv_fail_memory(t->context);
    json_object_foreach(t->header, key, entry)
    {
        if (strcmp(key, "__metadata__") == 0)
            continue;
        rv_status status = read_tensor(t, key, entry, &t->tensor[t->tensor_count]);
        if (status != RV_OK)
            return status;
        t->tensor_count++;
    }
    return check_tiling(t);
}

/* ---- the file ---- */

static rv_status parse(rv_tensors *t)
{
    json_error_t error = {.text = ""};
    uint64_t length = 0;
    int checked;
    if (t->count < 8)
        return t->count == 0 ? malformed(t, "it is empty") : malformed(t, "it is truncated");
    for (int i = 0; i < 8; i++)
        length |= (uint64_t)t->bytes[i] << (8 * i);
    if (length > RV_TENSORS_HEADER_MOST || length > t->count - 8)
        return fail_length(t);
    t->data = 8 + (size_t)length;
    rv_status status = check_digits(t, &checked);
    if (status != RV_OK)
        return status;
    if (length == 0 || t->bytes[8] != '{')
        return malformed(t, "its header is not JSON");
    status = rv_json_read(t->context, (const char *)t->bytes + 8, (size_t)length,
                          JSON_REJECT_DUPLICATES, &t->header, &error);
    if (status != RV_OK)
        return status;
    if (!t->header)
        return rv_fail(t->context, RV_BAD_FILE,
                       "%s: not a readable safetensors file: its header is not JSON (byte %d)",
                       t->name, 8 + error.position);
    status = read_metadata(t, checked);
    return status == RV_OK ? read_tensors(t) : status;
}

/* Takes the bytes over. */
static rv_status open_bytes(rv_context *context, const char *name, uint8_t *bytes, size_t count,
                            rv_tensors **out)
{
    rv_tensors *t = rv_calloc(1, sizeof *t);
    if (t)
        t->name = rv_strdup(name);
    if (!t || !t->name) {
        rv_free(t);
        rv_free(bytes);
        return rv_fail_memory(context);
    }
    t->context = context;
    t->bytes = bytes;
    t->count = count;
    rv_status status = parse(t);
    if (status != RV_OK) {
        rv_tensors_free(t);
        return status;
    }
    *out = t;
    return RV_OK;
}

rv_status rv_tensors_open(rv_context *context, const char *path, rv_tensors **out)
{
    uint8_t *bytes;
    size_t count;
    *out = NULL;
    rv_status status = rv_file_read(context, path, file_most, &bytes, &count);
    return status == RV_OK ? open_bytes(context, path, bytes, count, out) : status;
}

rv_status rv_tensors_parse(rv_context *context, const char *name, const uint8_t *bytes,
                           size_t count, rv_tensors **out)
{
    *out = NULL;
    uint8_t *copy = rv_malloc(count);
    if (!copy)
        return rv_fail_memory(context);
    if (count > 0)
        memcpy(copy, bytes, count);
    return open_bytes(context, name, copy, count, out);
}

/* ---- values ---- */

int rv_tensors_count(const rv_tensors *tensors)
{
    return tensors->tensor_count;
}

const rv_tensor *rv_tensors_at(const rv_tensors *tensors, int index)
{
    return index >= 0 && index < tensors->tensor_count ? &tensors->tensor[index] : NULL;
}

const rv_tensor *rv_tensors_find(const rv_tensors *tensors, const char *name)
{
    for (int i = 0; i < tensors->tensor_count; i++)
        if (strcmp(tensors->tensor[i].name, name) == 0)
            return &tensors->tensor[i];
    return NULL;
}

/* IEEE 754 binary16. */
static float half(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    float value = exponent == 31  ? (fraction ? NAN : INFINITY)
                  : exponent == 0 ? ldexpf((float)fraction, -24)
                                  : ldexpf((float)(fraction + 1024), exponent - 25);
    return bits & 0x8000 ? -value : value;
}

static float value_at(rv_element element, const uint8_t *at)
{
    float f;
    double d;
    int64_t l;
    int32_t i;
    uint16_t h;
    uint32_t w;
    switch (element) {
    case RV_ELEMENT_F32: return memcpy(&f, at, 4), f;
    case RV_ELEMENT_F64: return memcpy(&d, at, 8), (float)d;
    case RV_ELEMENT_I64: return memcpy(&l, at, 8), (float)l;
    case RV_ELEMENT_I32: return memcpy(&i, at, 4), (float)i;
    case RV_ELEMENT_F16: return memcpy(&h, at, 2), half(h);
    case RV_ELEMENT_BF16: /* the upper half of a float */
        memcpy(&h, at, 2);
        w = (uint32_t)h << 16;
        return memcpy(&f, &w, 4), f;
    case RV_ELEMENT_U8: break;
    }
    return *at;
}

rv_status rv_tensors_read(const rv_tensors *tensors, const char *name, float *values, size_t count)
{
    const rv_tensor *tensor = rv_tensors_find(tensors, name);
    if (!tensor)
        return rv_fail(tensors->context, RV_BAD_FILE, "%s: there is no tensor %s", tensors->name,
                       name);
    size_t width = rv_element_bytes(tensor->element);
    const uint8_t *bytes = tensor->data;
    if (tensor->bytes / width != count)
        return rv_fail(tensors->context, RV_BAD_FILE, "%s: tensor %s has %zu values, not %zu",
                       tensors->name, name, tensor->bytes / width, count);
    if (tensor->element == RV_ELEMENT_F32 && count > 0) {
        memcpy(values, bytes, tensor->bytes);
        return RV_OK;
    }
    for (size_t i = 0; i < count; i++)
        values[i] = value_at(tensor->element, bytes + i * width);
    return RV_OK;
}
