/* NumPy's .npy, versions 1 and 2: magic, a Python dictionary literal as header, the values.  Little
 * endian, C order, no objects. */
#include "core/memory.h"
#include "reverie/io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const size_t file_most = (size_t)16 << 30;
static const size_t values_most = (size_t)4 << 30;

typedef struct header {
    char type[8];
    int fortran, rank;
    int64_t dim[RV_ARRAY_RANK];
    size_t values; /* offset of the first value */
} header;

static rv_status malformed(rv_context *context, const char *name, const char *what)
{
    return rv_fail(context, RV_BAD_FILE, "%s: not a readable .npy file: %s", name, what);
}

/* What follows 'key': in the dictionary, NULL when absent. */
static const char *after_key(const char *text, const char *key)
{
    char quoted[32];
    snprintf(quoted, sizeof quoted, "'%s':", key);
    const char *at = strstr(text, quoted);
    if (!at)
        return NULL;
    at += strlen(quoted);
    while (*at == ' ')
        at++;
    return at;
}

static int read_shape(const char *at, header *h)
{
    if (*at++ != '(')
        return 0;
    for (;;) {
        while (*at == ' ' || *at == ',')
            at++;
        if (*at == ')')
            return 1;
        char *end;
        long long size = strtoll(at, &end, 10);
        if (end == at || size < 0 || h->rank == RV_ARRAY_RANK)
            return 0;
        h->dim[h->rank++] = size;
        at = end;
    }
}

static rv_status read_header(rv_context *context, const char *name, const uint8_t *bytes,
                             size_t count, header *h)
{
    char text[1024] = "";
    memset(h, 0, sizeof *h);
    if (count < 12 || memcmp(bytes, "\x93NUMPY", 6) != 0)
        return malformed(context, name, "the magic is missing");
    int version = bytes[6];
    size_t start = version == 1 ? 10 : 12;
    size_t length = version == 1 ? (size_t)(bytes[8] | bytes[9] << 8)
                                 : (size_t)bytes[8] | (size_t)bytes[9] << 8 |
                                       (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (version < 1 || version > 2)
        return malformed(context, name, "an unknown version");
    if (length >= sizeof text || start + length > count)
        return malformed(context, name, "the header is truncated or too long");
    memcpy(text, bytes + start, length);
    const char *type = after_key(text, "descr"), *order = after_key(text, "fortran_order");
    const char *shape = after_key(text, "shape");
    if (!type || !order || !shape || *type != '\'')
        return malformed(context, name, "descr, fortran_order or shape is missing");
    size_t width = strcspn(type + 1, "'");
    if (width >= sizeof h->type)
        return malformed(context, name, "an unsupported element type");
    memcpy(h->type, type + 1, width);
    h->fortran = strncmp(order, "True", 4) == 0;
    if (!read_shape(shape, h))
        return malformed(context, name, "the shape does not parse");
    h->values = start + length;
    return RV_OK;
}

static float element(const char *type, const uint8_t *at)
{
    float f;
    double d;
    int32_t i;
    int64_t l;
    switch (type[1]) {
    case 'f':
        if (type[2] == '4')
            return memcpy(&f, at, 4), f;
        return memcpy(&d, at, 8), (float)d;
    case 'i':
        if (type[2] == '4')
            return memcpy(&i, at, 4), (float)i;
        return memcpy(&l, at, 8), (float)l;
    default: return *at; /* u1 and b1 */
    }
}

static size_t element_bytes(const char *type)
{
    static const char *const known[] = {"<f4", "<f8", "<i4", "<i8", "|u1", "|b1"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(type, known[i]) == 0)
            return (size_t)(known[i][2] - '0');
    return 0;
}

rv_status rv_array_parse(rv_context *context, const char *name, const uint8_t *bytes, size_t count,
                         rv_array *out)
{
    header h;
    size_t values = 1;
    memset(out, 0, sizeof *out);
    rv_status status = read_header(context, name, bytes, count, &h);
    if (status != RV_OK)
        return status;
    size_t width = element_bytes(h.type);
    if (width == 0)
        return rv_fail(context, RV_BAD_FILE,
                       "%s: elements `%s`; f4, f8, i4, i8, u1 and b1, little endian, are read",
                       name, h.type);
    if (h.fortran && h.rank > 1)
        return malformed(context, name, "Fortran order; save numpy.ascontiguousarray of it");
    for (int i = 0; i < h.rank; i++) {
        if (h.dim[i] != 0 && values > values_most / (size_t)h.dim[i])
            return malformed(context, name, "absurd sizes");
        values *= (size_t)h.dim[i];
    }
    if (count - h.values != values * width)
        return rv_fail(context, RV_BAD_FILE, "%s: %zu values need %zu bytes, there are %zu", name,
                       values, values * width, count - h.values);
    out->values = rv_malloc(values * sizeof(float));
    if (!out->values)
        return rv_fail_memory(context);
    for (size_t i = 0; i < values; i++)
        out->values[i] = element(h.type, bytes + h.values + i * width);
    out->rank = h.rank;
    out->count = values;
    memcpy(out->dim, h.dim, sizeof out->dim);
    memcpy(out->type, h.type, sizeof out->type);
    return RV_OK;
}

rv_status rv_array_load(rv_context *context, const char *path, rv_array *out)
{
    uint8_t *bytes;
    size_t count;
    memset(out, 0, sizeof *out);
    rv_status status = rv_file_read(context, path, file_most, &bytes, &count);
    if (status == RV_OK)
        status = rv_array_parse(context, path, bytes, count, out);
    rv_free(bytes);
    return status;
}

rv_status rv_array_save(rv_context *context, const char *path, const float *values, int rank,
                        const int64_t *dim)
{
    char text[256] = "", line[256];
    size_t count = 1;
    rv_writer *writer;
    for (int i = 0; i < rank; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%lld%s", (long long)dim[i],
                 i + 1 < rank ? ", "
                 : rank == 1  ? ","
                              : "");
        count *= (size_t)dim[i];
    }
    int length = snprintf(line, sizeof line,
                          "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }", text);
    int padded = (10 + length + 1 + 63) / 64 * 64 - 10;
    memset(line + length, ' ', (size_t)(padded - length));
    line[padded - 1] = '\n';
    const uint8_t start[10] = {
        0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (uint8_t)(padded & 255), (uint8_t)(padded >> 8)};
    rv_status status = rv_writer_open(context, path, &writer);
    if (status != RV_OK)
        return status;
    rv_writer_append(writer, start, sizeof start);
    rv_writer_append(writer, line, (size_t)padded);
    rv_writer_append(writer, values, count * sizeof *values);
    return rv_writer_commit(writer);
}
