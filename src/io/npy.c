/* NumPy's .npy, versions 1 and 2 (numpy.lib.format): magic, a Python dictionary literal as header,
 * the values.  Little endian, C order, no objects.  The header is read strictly: the three keys,
 * each once, and nothing else. */
#include "core/memory.h"
#include "io/utf8.h"
#include "reverie/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { START = 12, HEADER_MOST = 1 << 20, WINDOW = 1 << 16 };
static const size_t file_most = (size_t)16 << 30;
static const size_t values_most = (size_t)4 << 30;

typedef struct header {
    char type[8];
    int fortran, rank;
    int64_t dim[RV_ARRAY_RANK];
    size_t start;  /* offset of the dictionary */
    size_t values; /* offset of the first value */
    size_t count;  /* values */
    size_t width;  /* bytes of a value */
    rv_element element;
} header;

static rv_status malformed(rv_context *context, const char *name, const char *what)
{
    return rv_fail(context, RV_BAD_FILE, "%s: not a readable .npy file: %s", name, what);
}

/* ---- the dictionary ---- */

typedef struct cursor {
    const char *at, *end;
} cursor;

/* Whether `text` is next; skips it and the spaces after it. */
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

/* The length of everything before the values; `count` bytes of it are known. */
static rv_status measure_header(rv_context *context, const char *name, const uint8_t *bytes,
                                size_t count, header *h)
{
    char kind[RV_KIND_ROOM];
    *h = (header){.rank = 0};
    if (count < 6 || memcmp(bytes, "\x93NUMPY", 6) != 0) {
        rv_kind_of_bytes(bytes, count, kind);
        return rv_fail(context, RV_BAD_FILE,
                       "%s: not a readable .npy file: the magic is missing: it is %s", name, kind);
    }
    if (count < START)
        return malformed(context, name, "it is truncated");
    int version = bytes[6];
    if (version < 1 || version > 2 || bytes[7] != 0)
        return malformed(context, name, "an unknown version; 1.0 and 2.0 are read");
    size_t start = version == 1 ? 10 : 12, length = (size_t)bytes[8] | (size_t)bytes[9] << 8;
    if (version == 2)
        length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    h->start = start;
    h->values = start + length;
    return RV_OK;
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

/* `bytes` holds the whole header, of a file of `size` bytes.  Fills everything in `h`. */
static rv_status read_header(rv_context *context, const char *name, const uint8_t *bytes,
                             size_t size, header *h)
{
    char shown[RV_PRINTABLE];
    int type = 0, fits;
    cursor c = {(const char *)bytes + h->start, (const char *)bytes + h->values};
    const char *wrong = read_dictionary(&c, h);
    if (wrong)
        return malformed(context, name, wrong);
    while (type < TYPES && strcmp(types[type].type, h->type) != 0)
        type++;
    if (type == TYPES)
        return rv_fail(context, RV_BAD_FILE,
                       "%s: elements `%s`; f4, f8, i4, i8, u1 and b1, little endian, are read",
                       name, rv_printable(h->type, shown));
    if (h->fortran && h->rank > 1)
        return malformed(context, name, "Fortran order; save numpy.ascontiguousarray of it");
    h->count = count_values(h->rank, h->dim, &fits);
    h->width = types[type].bytes;
    h->element = types[type].element;
    if (!fits)
        return malformed(context, name, "absurd sizes");
    if (size - h->values != h->count * h->width)
        return rv_fail(context, RV_BAD_FILE, "%s: %s: %zu values need %zu bytes, there are %zu",
                       name,
                       size - h->values < h->count * h->width ? "is truncated" : "is too long",
                       h->count, h->count * h->width, size - h->values);
    return RV_OK;
}

static void describe(const header *h, rv_array *out)
{
    out->rank = h->rank;
    out->count = h->count;
    memcpy(out->dim, h->dim, sizeof out->dim);
    memcpy(out->type, h->type, sizeof out->type);
}

rv_status rv_array_parse(rv_context *context, const char *name, const uint8_t *bytes, size_t count,
                         rv_array *out)
{
    header h;
    *out = (rv_array){0};
    rv_status status = measure_header(context, name, bytes, count, &h);
    if (status == RV_OK && h.values > count)
        status = malformed(context, name, "it is truncated in its header");
    if (status == RV_OK)
        status = read_header(context, name, bytes, count, &h);
    if (status != RV_OK)
        return status;
    out->values = rv_malloc(h.count * sizeof(float));
    if (!out->values)
        return rv_fail_memory(context);
    convert(h.element, bytes + h.values, out->values, h.count);
    describe(&h, out);
    return RV_OK;
}

/* ---- values of a file, without the whole file in memory ---- */

typedef struct array_file {
    rv_context *context;
    const char *path;
    int file;
    header h;
} array_file;

/* `count` bytes at `offset`, or fewer where the file ends. */
static rv_status read_at(const array_file *a, void *to, size_t count, size_t offset, size_t *got)
{
    *got = 0;
    while (*got < count) {
        ssize_t n = pread(a->file, (char *)to + *got, count - *got, (off_t)(offset + *got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return rv_fail(a->context, RV_IO_ERROR, "%s: cannot be read: %s", a->path,
                           strerror(errno));
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return RV_OK;
}

/* The header of the open file; `size` is the file's. */
static rv_status read_file_header(array_file *a, size_t size)
{
    uint8_t first[4096];
    size_t got;
    rv_status status = read_at(a, first, sizeof first, 0, &got);
    if (status == RV_OK)
        status = measure_header(a->context, a->path, first, got, &a->h);
    if (status == RV_OK && a->h.values > size)
        status = malformed(a->context, a->path, "it is truncated in its header");
    if (status == RV_OK && a->h.values > HEADER_MOST)
        status = malformed(a->context, a->path, "its header is longer than a mebibyte");
    if (status != RV_OK || a->h.values <= got)
        return status == RV_OK ? read_header(a->context, a->path, first, size, &a->h) : status;
    uint8_t *longer = rv_malloc(a->h.values);
    if (!longer)
        return rv_fail_memory(a->context);
    status = read_at(a, longer, a->h.values, 0, &got);
    if (status == RV_OK && got < a->h.values)
        status = malformed(a->context, a->path, "it is truncated in its header");
    if (status == RV_OK)
        status = read_header(a->context, a->path, longer, size, &a->h);
    rv_free(longer);
    return status;
}

static void close_array(array_file *a)
{
    if (a->file >= 0)
        close(a->file);
}

/* The caller closes it, even after a failure. */
static rv_status open_array(rv_context *context, const char *path, array_file *a)
{
    struct stat facts;
    *a = (array_file){.context = context, .path = path};
    a->file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not block */
    if (a->file < 0 || fstat(a->file, &facts) != 0)
        return rv_fail(context, RV_BAD_FILE, "%s: cannot be read: %s", path, strerror(errno));
    if (S_ISDIR(facts.st_mode))
        return rv_fail(context, RV_BAD_FILE, "%s: is a folder, not a file", path);
    if (!S_ISREG(facts.st_mode))
        return rv_fail(context, RV_BAD_FILE, "%s: is a device or a pipe, not a file", path);
    if ((size_t)facts.st_size > file_most)
        return rv_fail(context, RV_BAD_FILE, "%s: holds more than %zu bytes, which is too much",
                       path, file_most);
    return read_file_header(a, (size_t)facts.st_size);
}

static rv_status read_all_at(const array_file *a, void *to, size_t count, size_t offset)
{
    size_t got;
    rv_status status = read_at(a, to, count, offset, &got);
    if (status == RV_OK && got < count)
        status = rv_fail(a->context, RV_BAD_FILE, "%s: became shorter while it was read", a->path);
    return status;
}

/* Values first .. first + count - 1 as floats, through a small window if they are not floats. */
static rv_status read_floats(const array_file *a, size_t first, size_t count, float *to)
{
    const header *h = &a->h;
    size_t offset = h->values + first * h->width, done = 0;
    if (h->element == RV_ELEMENT_F32)
        return read_all_at(a, to, count * sizeof *to, offset);
    uint8_t *window = count > 0 ? rv_malloc(WINDOW) : NULL;
    if (count > 0 && !window)
        return rv_fail_memory(a->context);
    rv_status status = RV_OK;
    while (done < count && status == RV_OK) {
        size_t some = WINDOW / h->width < count - done ? WINDOW / h->width : count - done;
        status = read_all_at(a, window, some * h->width, offset + done * h->width);
        if (status == RV_OK)
            convert(h->element, window, to + done, some);
        done += some;
    }
    rv_free(window);
    return status;
}

char *rv_array_shape_text(const rv_array *array, char text[RV_ARRAY_SHAPE_TEXT])
{
    int used = snprintf(text, RV_ARRAY_SHAPE_TEXT, "[");
    for (int i = 0; i < array->rank; i++)
        used += snprintf(text + used, (size_t)(RV_ARRAY_SHAPE_TEXT - used), "%s%lld", i ? "," : "",
                         (long long)array->dim[i]);
    snprintf(text + used, (size_t)(RV_ARRAY_SHAPE_TEXT - used), "]");
    return text;
}

rv_status rv_array_load(rv_context *context, const char *path, rv_array *out)
{
    array_file a;
    *out = (rv_array){0};
    rv_status status = open_array(context, path, &a);
    float *values = status == RV_OK ? rv_malloc(a.h.count * sizeof *values) : NULL;
    if (status == RV_OK)
        status = values ? read_floats(&a, 0, a.h.count, values) : rv_fail_memory(context);
    close_array(&a);
    if (status != RV_OK) {
        rv_free(values);
        return status;
    }
    describe(&a.h, out);
    out->values = values;
    return RV_OK;
}

rv_status rv_array_header(rv_context *context, const char *path, rv_array *out)
{
    array_file a;
    *out = (rv_array){0};
    rv_status status = open_array(context, path, &a);
    if (status == RV_OK)
        describe(&a.h, out);
    close_array(&a);
    return status;
}

rv_status rv_array_channels_last(rv_context *context, void *values, int64_t count, int64_t channels,
                                 int64_t pixels, size_t width)
{
    size_t colors = (size_t)channels, places = (size_t)pixels, bytes = colors * places * width;
    uint8_t *image = values, *copy = channels > 1 ? rv_malloc(bytes) : NULL;
    if (channels > 1 && !copy)
        return rv_fail_memory(context);
    for (int64_t n = 0; copy && n < count; n++, image += bytes) {
        memcpy(copy, image, bytes);
        for (size_t c = 0; c < colors; c++)
            for (size_t i = 0; i < places; i++)
                memcpy(image + (i * colors + c) * width, copy + (c * places + i) * width, width);
    }
    rv_free(copy);
    return RV_OK;
}

/* Opens the file of `array` again and finds its rows: the first value of `rows`, and their
 * number. */
static rv_status open_rows(rv_context *context, const rv_array *array, rv_array_rows rows,
                           array_file *a, size_t *first, size_t *count)
{
    rv_array now = {0};
    rv_status status = open_array(context, rows.path, a);
    if (status != RV_OK)
        return status;
    describe(&a->h, &now);
    if (now.rank != array->rank || memcmp(now.dim, array->dim, sizeof now.dim) != 0 ||
        strcmp(now.type, array->type) != 0)
        return rv_fail(context, RV_BAD_FILE, "%s: is another array than a moment ago", rows.path);
    if (array->rank < 1 || rows.first < 0 || rows.count < 0 ||
        rows.first > array->dim[0] - rows.count)
        return rv_fail(context, RV_BAD_USAGE, "%s: there are no rows %lld to %lld", rows.path,
                       (long long)rows.first, (long long)(rows.first + rows.count - 1));
    size_t row = array->dim[0] > 0 ? array->count / (size_t)array->dim[0] : 0;
    *first = (size_t)rows.first * row;
    *count = (size_t)rows.count * row;
    return RV_OK;
}

rv_status rv_array_read(rv_context *context, const rv_array *array, rv_array_rows rows,
                        float *values)
{
    array_file a;
    size_t first, count;
    rv_status status = open_rows(context, array, rows, &a, &first, &count);
    if (status == RV_OK)
        status = read_floats(&a, first, count, values);
    close_array(&a);
    return status;
}

rv_status rv_array_read_bytes(rv_context *context, const rv_array *array, rv_array_rows rows,
                              uint8_t *bytes)
{
    array_file a;
    size_t first, count;
    rv_status status = open_rows(context, array, rows, &a, &first, &count);
    if (status == RV_OK && a.h.element != RV_ELEMENT_U8)
        status = rv_fail(context, RV_BAD_USAGE, "%s: its elements are no bytes", rows.path);
    if (status == RV_OK)
        status = read_all_at(&a, bytes, count, a.h.values + first);
    close_array(&a);
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
