/* NumPy's .npy, versions 1 and 2 (numpy.lib.format): magic, a Python dictionary literal as header,
 * the values.  Little endian, C order, no objects.  The header is read strictly: the three keys,
 * each once, and nothing else. */
#include "core/memory.h"
#include "io/utf8.h"
#include "reverie/io.h"

#include <stdio.h>
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

/* ---- the dictionary ---- */

typedef struct cursor {
    const char *at, *end;
} cursor;

/* Whether `text` stands next; passes over it and the spaces after it. */
static int take(cursor *c, const char *text)
{
    size_t length = strlen(text);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, text, length) != 0)
        return 0;
    c->at += length;
    while (c->at < c->end && *c->at == ' ')
        c->at++;
    return 1;
}

static int take_string(cursor *c, char *text, size_t room)
{
    char quote = c->at < c->end ? *c->at : 0;
    const char *close = quote == '\'' || quote == '"'
                            ? memchr(c->at + 1, quote, (size_t)(c->end - c->at - 1))
                            : NULL;
    size_t length = close ? (size_t)(close - c->at - 1) : room;
    if (length >= room)
        return 0;
    memcpy(text, c->at + 1, length);
    text[length] = '\0';
    c->at = close;
    return take(c, quote == '"' ? "\"" : "'");
}

static int take_size(cursor *c, int64_t *size)
{
    const char *start = c->at;
    *size = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        if (*size > (INT64_MAX - 9) / 10)
            return 0;
        *size = 10 * *size + (*c->at - '0');
    }
    return c->at > start && take(c, "");
}

/* (), (3,), (3, 4) or (3, 4,); not (3), which is a number. */
static int take_shape(cursor *c, header *h)
{
    int comma = 1;
    if (!take(c, "("))
        return 0;
    while (!take(c, ")")) {
        if (!comma || h->rank == RV_ARRAY_RANK || !take_size(c, &h->dim[h->rank]))
            return 0;
        h->rank++;
        comma = take(c, ",");
    }
    return h->rank != 1 || comma;
}

static const char *take_entry(cursor *c, header *h, int seen[3])
{
    char key[16];
    if (!take_string(c, key, sizeof key) || !take(c, ":"))
        return "its header does not parse";
    int which = strcmp(key, "descr") == 0           ? 0
                : strcmp(key, "fortran_order") == 0 ? 1
                : strcmp(key, "shape") == 0         ? 2
                                                    : -1;
    if (which < 0 || seen[which]++)
        return "its header has an unknown key, or one twice";
    if (which == 0)
        return take_string(c, h->type, sizeof h->type) ? NULL : "an unsupported element type";
    if (which == 2)
        return take_shape(c, h) ? NULL : "its shape does not parse, or has more than 8 axes";
    h->fortran = take(c, "True");
    return h->fortran || take(c, "False") ? NULL : "its fortran_order is neither True nor False";
}

/* NULL, or what is wrong. */
static const char *read_dictionary(cursor *c, header *h)
{
    int seen[3] = {0}, comma = 1;
    if (!take(c, "{"))
        return "its header does not parse";
    while (!take(c, "}")) {
        const char *wrong = comma ? take_entry(c, h, seen) : "its header does not parse";
        if (wrong)
            return wrong;
        comma = take(c, ",");
    }
    if (!seen[0] || !seen[1] || !seen[2])
        return "descr, fortran_order or shape is missing";
    return take(c, "\n") && c->at == c->end ? NULL : "its header does not end in a newline";
}

static rv_status read_header(rv_context *context, const char *name, const uint8_t *bytes,
                             size_t count, header *h)
{
    *h = (header){.rank = 0};
    if (count < 12 || memcmp(bytes, "\x93NUMPY", 6) != 0)
        return malformed(context, name, count < 12 ? "it is truncated" : "the magic is missing");
    int version = bytes[6];
    if (version < 1 || version > 2 || bytes[7] != 0)
        return malformed(context, name, "an unknown version; 1.0 and 2.0 are read");
    size_t start = version == 1 ? 10 : 12, length = (size_t)bytes[8] | (size_t)bytes[9] << 8;
    if (version == 2)
        length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (length > count - start)
        return malformed(context, name, "it is truncated in its header");
    cursor c = {(const char *)bytes + start, (const char *)bytes + start + length};
    const char *wrong = read_dictionary(&c, h);
    h->values = start + length;
    return wrong ? malformed(context, name, wrong) : RV_OK;
}

/* ---- values ---- */

static const struct {
    const char *type;
    size_t bytes;
    rv_element element;
} types[] = {{"<f4", 4, RV_ELEMENT_F32}, {"<f8", 8, RV_ELEMENT_F64}, {"<i4", 4, RV_ELEMENT_I32},
             {"<i8", 8, RV_ELEMENT_I64}, {"|u1", 1, RV_ELEMENT_U8},  {"|b1", 1, RV_ELEMENT_U8}};

enum { TYPES = sizeof types / sizeof *types };

static void convert(rv_element element, const uint8_t *from, float *to, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double d;
        int32_t n;
        int64_t l;
        switch (element) {
        case RV_ELEMENT_F64:
            memcpy(&d, from + 8 * i, 8);
            to[i] = (float)d;
            break;
        case RV_ELEMENT_I32:
            memcpy(&n, from + 4 * i, 4);
            to[i] = (float)n;
            break;
        case RV_ELEMENT_I64:
            memcpy(&l, from + 8 * i, 8);
            to[i] = (float)l;
            break;
        case RV_ELEMENT_F32: memcpy(&to[i], from + 4 * i, 4); break;
        default: to[i] = from[i];
        }
    }
}

/* The number of values.  *fits = 0: a negative size, or more than values_most. */
static size_t count_values(int rank, const int64_t *dim, int *fits)
{
    size_t values = 1;
    *fits = 1;
    for (int i = 0; i < rank; i++) {
        *fits = *fits && dim[i] >= 0;
        values = dim[i] == 0 ? 0 : values;
    }
    for (int i = 0; i < rank && *fits && values > 0; i++) {
        *fits = (size_t)dim[i] <= values_most / values;
        values *= (size_t)dim[i];
    }
    return values;
}

rv_status rv_array_parse(rv_context *context, const char *name, const uint8_t *bytes, size_t count,
                         rv_array *out)
{
    header h;
    char shown[RV_PRINTABLE];
    int type = 0, fits;
    *out = (rv_array){0};
    rv_status status = read_header(context, name, bytes, count, &h);
    if (status != RV_OK)
        return status;
    while (type < TYPES && strcmp(types[type].type, h.type) != 0)
        type++;
    if (type == TYPES)
        return rv_fail(context, RV_BAD_FILE,
                       "%s: elements `%s`; f4, f8, i4, i8, u1 and b1, little endian, are read",
                       name, rv_printable(h.type, shown));
    if (h.fortran && h.rank > 1)
        return malformed(context, name, "Fortran order; save numpy.ascontiguousarray of it");
    size_t values = count_values(h.rank, h.dim, &fits), width = types[type].bytes;
    if (!fits)
        return malformed(context, name, "absurd sizes");
    if (count - h.values != values * width)
        return rv_fail(context, RV_BAD_FILE, "%s: %s: %zu values need %zu bytes, there are %zu",
                       name, count - h.values < values * width ? "is truncated" : "is too long",
                       values, values * width, count - h.values);
    out->values = rv_malloc(values * sizeof(float));
    if (!out->values)
        return rv_fail_memory(context);
    convert(types[type].element, bytes + h.values, out->values, values);
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
    *out = (rv_array){0};
    rv_status status = rv_file_read(context, path, file_most, &bytes, &count);
    if (status == RV_OK)
        status = rv_array_parse(context, path, bytes, count, out);
    rv_free(bytes);
    return status;
}

/* ---- writing ---- */

enum { HEADER_ROOM = 320 };

/* Magic, version 1.0, length and dictionary, padded so that the values begin at a multiple of 64
 * bytes.  At most 8 sizes of 19 digits: that is long enough.  Returns the length. */
static size_t make_header(const char *type, int rank, const int64_t *dim, char out[HEADER_ROOM])
{
    char text[256];
    size_t used = (size_t)snprintf(text, sizeof text,
                                   "{'descr': '%s', 'fortran_order': False, "
                                   "'shape': (",
                                   type);
    for (int i = 0; i < rank; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, i ? ", %lld" : "%lld",
                                 (long long)dim[i]);
    used += (size_t)snprintf(text + used, sizeof text - used, rank == 1 ? ",), }" : "), }");
    size_t length = (10 + used + 1 + 63) / 64 * 64;
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    out[8] = (char)((length - 10) & 255);
    out[9] = (char)((length - 10) >> 8);
    memset(out + 10, ' ', length - 10);
    memcpy(out + 10, text, used);
    out[length - 1] = '\n';
    return length;
}

rv_status rv_array_save_as(rv_context *context, const char *path, rv_element element,
                           const void *data, int rank, const int64_t *dim)
{
    char start[HEADER_ROOM];
    int type = 0, fits = 0;
    rv_writer *writer;
    while (type < TYPES && types[type].element != element)
        type++;
    size_t values = rank >= 0 && rank <= RV_ARRAY_RANK ? count_values(rank, dim, &fits) : 0;
    if (type == TYPES || !fits)
        return rv_fail(context, RV_BAD_USAGE, "%s: no .npy file has this %s", path,
                       type == TYPES ? "element type" : "shape");
    size_t length = make_header(types[type].type, rank, dim, start);
    rv_status status = rv_writer_open(context, path, &writer);
    if (status != RV_OK)
        return status;
    rv_writer_append(writer, start, length);
    rv_writer_append(writer, data, values * types[type].bytes);
    return rv_writer_commit(writer);
}

rv_status rv_array_save(rv_context *context, const char *path, const float *values, int rank,
                        const int64_t *dim)
{
    return rv_array_save_as(context, path, RV_ELEMENT_F32, values, rank, dim);
}
