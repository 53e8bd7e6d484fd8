/* Text of unknown origin: its code points, and a safe form for messages. */
#ifndef IO_UTF8_H
#define IO_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The code point at the start of a NUL-terminated text and its length in bytes, 1 to 4; 0 at the
 * end and for bytes that are not UTF-8 (RFC 3629: no overlong forms, no surrogates). */
static inline size_t rv_utf8_next(const char *text, uint32_t *code)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *at = (const unsigned char *)text;
    size_t length = at[0] < 0x80 ? 1 : at[0] < 0xc0 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (at[0] == 0 || length == 0 || at[0] > 0xf4)
        return 0;
    *code = length == 1 ? at[0] : at[0] & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (at[i] & 0x3f);
    }
    int fits = *code >= least[length] && *code <= 0x10ffff && (*code < 0xd800 || *code > 0xdfff);
    return fits ? length : 0;
}

/* Whether all of the text is UTF-8. */
static inline int rv_is_utf8(const char *text)
{
    uint32_t code;
    for (size_t length; (length = rv_utf8_next(text, &code)) > 0;)
        text += length;
    return *text == '\0';
}

enum { RV_PRINTABLE = 96 };

/* A name from a file in a safe form for a message: at most 92 bytes, with '?' for bytes that are
 * not UTF-8 and for control characters, which could move the cursor or begin another line. */
static inline const char *rv_printable(const char *text, char out[RV_PRINTABLE])
{
    size_t used = 0;
    uint32_t code;
    while (*text && used < RV_PRINTABLE - 8) {
        size_t length = rv_utf8_next(text, &code);
        if (length == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0))
            out[used++] = '?';
        else
            for (size_t i = 0; i < length; i++)
                out[used++] = text[i];
        text += length ? length : 1;
    }
    for (int i = 0; *text && i < 3; i++)
        out[used++] = '.';
    out[used] = '\0';
    return out;
}

#endif
