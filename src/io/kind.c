/* Recognises a file by its first bytes, for errors about an unexpected file: a page that says "not
 * found" under the name of a data set, or a picture with a wrong ending. */
#include "core/text.h"
#include "io/files/unpack.h"
#include "io/utf8.h"
#include "reverie/io.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { HEAD_MOST = 4096, TAR_MARK = 257 };

typedef struct signature {
    size_t offset, count;
    const char *bytes;
    const char *kind;
} signature;

static const signature signatures[] = {
    {0, 8, "\x89PNG\r\n\x1a\n", "a PNG image"},
    {0, 3, "\xff\xd8\xff", "a JPEG image; save it as PNG"},
    {0, 6, "GIF87a", "a GIF image; save it as PNG"},
    {0, 6, "GIF89a", "a GIF image; save it as PNG"},
    {8, 4, "WEBP", "a WebP image; save it as PNG"},
    {0, 4, "II*\0", "a TIFF image; save it as PNG"},
    {0, 4, "MM\0*", "a TIFF image; save it as PNG"},
    {0, 6, "\x93NUMPY", "a NumPy array (.npy)"},
    {0, 5, "%PDF-", "a PDF document"},
    {0, 8, "\x89HDF\r\n\x1a\n", "an HDF5 file; save its array as .npy"},
    {0, 4, "PAR1", "a Parquet file; save its images as PNG or .npy"},
    {TAR_MARK, 5, "ustar", "a tar archive; unpack it"},
    {0, 3, "BZh", "a bzip2 file; unpack it"},
    {0, 6,
     "\xfd"
     "7zXZ\0",
     "an xz file; unpack it"},
    {0, 4, "\x28\xb5\x2f\xfd", "a zstd file; unpack it"},
    {0, 6, "7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it"},
    {0, 4, "Rar!", "a RAR archive; unpack it"},
    {0, 11, "version htt", "a Git LFS pointer, not the data; `git lfs pull` fetches those"},
};

static int matches(const signature *s, const uint8_t *head, size_t count)
{
    return count >= s->offset + s->count && memcmp(head + s->offset, s->bytes, s->count) == 0;
}

/* Whether the bytes begin with the word, in any case; `word` is in lower case. */
static int begins_with(const uint8_t *at, size_t count, const char *word)
{
    size_t length = strlen(word);
    if (count < length)
        return 0;
    for (size_t i = 0; i < length; i++)
        if (rv_lower(at[i]) != (unsigned char)word[i])
            return 0;
    return 1;
}

/* HTML begins with one of these, after a UTF-8 mark, spaces and a line of XML. */
static int is_page(const uint8_t *head, size_t count)
{
    static const char *const tags[] = {"<!doctype html", "<html", "<head", "<body", "<script"};
    size_t at = begins_with(head, count, "\xef\xbb\xbf") ? 3 : 0;
    size_t most = count < 1024 ? count : 1024;
    while (at < count && strchr(" \t\r\n", head[at]) && head[at])
        at++;
    if (at == count || head[at] != '<')
        return 0;
    for (; at < most; at++)
        for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
            if (begins_with(head + at, count - at, tags[i]))
                return 1;
    return 0;
}

/* NumPy's .npz is a zip of .npy files: its header has the name of the first file. */
static const char *zip_kind(const uint8_t *head, size_t count)
{
    size_t length = count > 28 ? (size_t)head[26] | (size_t)head[27] << 8 : 0;
    if (length > 4 && 30 + length <= count && memcmp(head + 30 + length - 4, ".npy", 4) == 0)
        return "an .npz archive of NumPy; save one of its arrays as .npy";
    return "a zip archive; unpack it";
}

/* safetensors begin with the length of a JSON header and the header. */
static int is_safetensors(const uint8_t *head, size_t count)
{
    return count > 9 && head[8] == '{' && head[5] == 0 && head[6] == 0 && head[7] == 0 &&
           (head[9] == '"' || head[9] == ' ' || head[9] == '}');
}

/* A Windows bitmap: BM, the size of the file, four zeros, an offset below 2^24. */
static int is_bitmap(const uint8_t *head, size_t count)
{
    static const uint8_t zeros[4] = {0};
    return count >= 14 && head[0] == 'B' && head[1] == 'M' && memcmp(head + 6, zeros, 4) == 0 &&
           head[13] == 0;
}

/* Whether all characters are those of text; the last character may be incomplete. */
static int is_text(const uint8_t *head, size_t count)
{
    char text[HEAD_MOST + 1];
    if (count == 0 || memchr(head, 0, count))
        return 0;
    memcpy(text, head, count);
    text[count] = '\0';
    for (size_t at = 0; at < count;) {
        uint32_t code = 0;
        size_t length = rv_utf8_next(text + at, &code);
        if (length == 0)
            return count - at < 4 && count == HEAD_MOST;
        if (code < 0x20 && !strchr("\t\n\r\f\v", (int)code))
            return 0;
        at += length;
    }
    return 1;
}

static int is_gzip(const uint8_t *head, size_t count)
{
    return count >= 2 && head[0] == 0x1f && head[1] == 0x8b;
}

/* NULL for none of these; the caller handles gzip. */
static const char *kind_of(const uint8_t *head, size_t count)
{
    if (count == 0)
        return "empty";
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
        if (matches(&signatures[i], head, count))
            return signatures[i].kind;
    if (count >= 4 && head[0] == 'P' && head[1] == 'K' && (head[2] == 3 || head[2] == 5))
        return zip_kind(head, count);
    if (is_page(head, count))
        return "a web page, not the data: the download failed; get it again";
    if (is_safetensors(head, count))
        return "a safetensors file";
    if (is_bitmap(head, count))
        return "a BMP image; save it as PNG";
    if (count >= 2 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5)
        return "a pickle of Python; save its array as .npy";
    if (count >= 4 && head[0] == 0 && head[1] == 0 && head[2] >= 8 && head[2] <= 14 &&
        head[3] >= 1 && head[3] <= 4)
        return "an IDX file";
    return is_text(head, count) ? "plain text" : NULL;
}

/* The first unpacked bytes of a gzip; returns their number. */
static size_t unpack_head(const uint8_t *head, size_t count, uint8_t out[HEAD_MOST])
{
    z_stream z = rv_z_stream();
    if (inflateInit2(&z, 15 + 16) != Z_OK)
        return 0;
    z.next_in = (Bytef *)(uintptr_t)head;
    z.avail_in = (uInt)count;
    z.next_out = out;
    z.avail_out = HEAD_MOST;
    inflate(&z, Z_SYNC_FLUSH);
    size_t made = HEAD_MOST - z.avail_out;
    inflateEnd(&z);
    return made;
}

int rv_kind_of_bytes(const uint8_t *head, size_t count, char text[RV_KIND_ROOM])
{
    uint8_t inside[HEAD_MOST];
    count = count < HEAD_MOST ? count : HEAD_MOST;
    if (is_gzip(head, count)) {
        size_t made = unpack_head(head, count, inside);
        const char *kind = made > 0 ? kind_of(inside, made) : NULL;
        snprintf(text, RV_KIND_ROOM, kind ? "a gzip file that holds %s" : "a gzip file", kind);
        return 1;
    }
    const char *kind = kind_of(head, count);
    snprintf(text, RV_KIND_ROOM, "%s", kind ? kind : "a file of an unknown kind");
    return kind != NULL;
}

int rv_kind_of_file(const char *path, char text[RV_KIND_ROOM])
{
    uint8_t head[HEAD_MOST];
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t count = file >= 0 ? pread(file, head, sizeof head, 0) : -1;
    if (file >= 0)
        close(file);
    if (count < 0) {
        snprintf(text, RV_KIND_ROOM, "a file that cannot be read");
        return 0;
    }
    return rv_kind_of_bytes(head, (size_t)count, text);
}
