/* Reading safetensors that nobody vouches for: every length, offset and name is checked before it
 * is used, and the checksum where the file carries one. */
#include "core/arena.h"
#include "io/tensors.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TENSORS_MOST = 1 << 20 };
static const size_t file_most = (size_t)64 << 30;
static const size_t header_most = 100 << 20;

struct rv_tensors {
    rv_context *context;
    char *name;
    uint8_t *bytes;
    size_t count;
    size_t data; /* offset of the first tensor's bytes */
    rv_arena arena;
    rv_tensor *tensor;
    int tensor_count;
    json_t *header;
};

static rv_status malformed(const rv_tensors *t, const char *what)
{
    return rv_fail(t->context, RV_BAD_FILE, "%s: not a readable safetensors file: %s", t->name,
                   what);
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

const char *rv_tensors_metadata(const rv_tensors *tensors, const char *key)
{
    json_t *metadata = json_object_get(tensors->header, "__metadata__");
    return json_string_value(json_object_get(metadata, key));
}

int rv_tensors_has_checksum(const rv_tensors *tensors)
{
    return rv_tensors_metadata(tensors, "xxh3_128") != NULL;
}

/* ---- checks ---- */

/* The digits' place in the raw header, found after its key; NULL when it is not there plainly. */
static uint8_t *find_digits(const rv_tensors *t, const char *digits)
{
    char pattern[64];
    int length = snprintf(pattern, sizeof pattern, "\"xxh3_128\":\"%s\"", digits);
    for (size_t i = 8; i + (size_t)length <= t->data; i++)
        if (memcmp(t->bytes + i, pattern, (size_t)length) == 0)
            return t->bytes + i + strlen("\"xxh3_128\":\"");
    return NULL;
}

static rv_status check_sum(rv_tensors *t)
{
    char expected[33], digits[33];
    const char *stored = rv_tensors_metadata(t, "xxh3_128");
    if (!stored)
        return RV_OK;
    snprintf(expected, sizeof expected, "%s", stored);
    uint8_t *at = strlen(stored) == 32 ? find_digits(t, expected) : NULL;
    if (at) {
        memset(at, '0', 32);
        rv_checksum_text(XXH3_128bits(t->bytes, t->count), digits);
        memcpy(at, expected, 32);
    }
    if (!at || strcmp(expected, digits) != 0)
        return rv_fail(t->context, RV_BAD_FILE, "%s: checksum mismatch: the file is corrupt",
                       t->name);
    return RV_OK;
}

static int read_shape(rv_tensor *tensor, const json_t *shape, size_t *values)
{
    *values = 1;
    if (!json_is_array(shape) || json_array_size(shape) > RV_TENSOR_RANK)
        return 0;
    for (size_t i = 0; i < json_array_size(shape); i++) {
        const json_t *size = json_array_get(shape, i);
        json_int_t dim = json_integer_value(size);
        if (!json_is_integer(size) || dim < 0)
            return 0;
        if (dim != 0 && *values > file_most / (size_t)dim)
            return 0;
        *values *= (size_t)dim;
        tensor->dim[tensor->rank++] = dim;
    }
    return 1;
}

static rv_status read_tensor(rv_tensors *t, const char *name, const json_t *entry, rv_tensor *out)
{
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    size_t values, room = t->count - t->data;
    int element = type ? rv_element_find(type) : -1;
    if (element < 0)
        return rv_fail(t->context, RV_BAD_FILE, "%s: tensor %s: element type %s is not read",
                       t->name, name, type ? type : "missing");
    if (!read_shape(out, json_object_get(entry, "shape"), &values))
        return rv_fail(t->context, RV_BAD_FILE, "%s: tensor %s: bad shape", t->name, name);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end))
        return rv_fail(t->context, RV_BAD_FILE, "%s: tensor %s: bad offsets", t->name, name);
    json_int_t from = json_integer_value(begin), to = json_integer_value(end);
    if (from < 0 || to < from || (size_t)to > room ||
        (size_t)(to - from) != values * rv_element_bytes((rv_element)element))
        return rv_fail(t->context, RV_BAD_FILE,
                       "%s: tensor %s: offsets %lld to %lld do not fit its shape or the file",
                       t->name, name, (long long)from, (long long)to);
    out->name = name;
    out->element = (rv_element)element;
    out->data = t->bytes + t->data + from;
    out->bytes = (size_t)(to - from);
    return RV_OK;
}

static int by_offset(const void *a, const void *b)
{
    const rv_tensor *p = a, *q = b;
    if (p->data != q->data)
        return (const uint8_t *)p->data < (const uint8_t *)q->data ? -1 : 1;
    return p->bytes < q->bytes ? -1 : p->bytes > q->bytes;
}

/* The tensors must tile the data: no overlap, no gap. */
static rv_status check_tiling(rv_tensors *t)
{
    const uint8_t *expected = t->bytes + t->data;
    qsort(t->tensor, (size_t)t->tensor_count, sizeof *t->tensor, by_offset);
    for (int i = 0; i < t->tensor_count; i++) {
        if (t->tensor[i].data != expected)
            return malformed(t, "tensors overlap or leave a gap");
        expected += t->tensor[i].bytes;
    }
    return expected == t->bytes + t->count ? RV_OK : malformed(t, "bytes after the last tensor");
}

static rv_status read_entries(rv_tensors *t)
{
    const char *key;
    json_t *entry, *metadata = json_object_get(t->header, "__metadata__");
    size_t entries = json_object_size(t->header);
    if (entries > TENSORS_MOST)
        return malformed(t, "too many tensors");
    if (metadata && !json_is_object(metadata))
        return malformed(t, "__metadata__ is no object");
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
    rv_status status = check_tiling(t);
    return status == RV_OK ? check_sum(t) : status;
}

static rv_status parse(rv_tensors *t)
{
    json_error_t error;
    uint64_t length = 0;
    if (t->count < 8)
        return malformed(t, "it is truncated");
    for (int i = 0; i < 8; i++)
        length |= (uint64_t)t->bytes[i] << (8 * i);
    if (length > header_most || length > t->count - 8)
        return malformed(t, "it is truncated, or its header length is wrong");
    t->data = 8 + (size_t)length;
    t->header =
        json_loadb((const char *)t->bytes + 8, (size_t)length, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(t->header))
        return malformed(t, "its header is not JSON");
    return read_entries(t);
}

/* Takes the bytes over. */
static rv_status open_bytes(rv_context *context, const char *name, uint8_t *bytes, size_t count,
                            rv_tensors **out)
{
    *out = NULL;
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
    uint8_t *copy = rv_malloc(count + 1);
    if (!copy)
        return rv_fail_memory(context);
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
    case RV_ELEMENT_BF16:
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
    if (tensor->bytes != count * width)
        return rv_fail(tensors->context, RV_BAD_FILE, "%s: tensor %s has %zu values, not %zu",
                       tensors->name, name, tensor->bytes / width, count);
    for (size_t i = 0; i < count; i++)
        values[i] = value_at(tensor->element, (const uint8_t *)tensor->data + i * width);
    return RV_OK;
}
