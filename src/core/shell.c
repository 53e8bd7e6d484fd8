/* See shell.h. */
#include "core/shell.h"

#include "core/text.h"

#include <stdio.h>
#include <string.h>

typedef enum form { PLAIN, QUOTED, ESCAPED } form;

static int is_control(unsigned char c)
{
    return c < 0x20 || c == 0x7f;
}

/* Bytes of UTF-8 mean nothing to a shell; zsh looks up =word. */
static form form_of(const char *word)
{
    form found = *word && *word != '=' ? PLAIN : QUOTED;
    for (const char *at = word; *at; at++) {
        unsigned char c = (unsigned char)*at;
        if (is_control(c))
            return ESCAPED;
        if (!rv_is_letter(c) && !rv_is_digit(c) && c < 0x80 && !strchr("%+,-./:=@_", c))
            found = QUOTED;
    }
    return found;
}

static const char *piece(form f, char c, char room[8])
{
    if (f == QUOTED && c == '\'')
        return "'\\''";
    if (f == ESCAPED && is_control((unsigned char)c))
        snprintf(room, 8, "\\%03o", (unsigned)(unsigned char)c);
    else if (f == ESCAPED && (c == '\'' || c == '\\'))
        snprintf(room, 8, "\\%c", c);
    else
        snprintf(room, 8, "%c", c);
    return room;
}

static void add(char *text, size_t bytes, size_t *used, const char *what)
{
    size_t length = strlen(what);
    if (*used + length < bytes) {
        memcpy(text + *used, what, length + 1);
        *used += length;
    }
}

char *rv_shell_word(const char *word, char *text, size_t bytes)
{
    static const char *const opening[] = {"", "'", "$'"}, *const closing[] = {"", "'", "'"};
    char room[8];
    size_t used = 0;
    form f = form_of(word);
    *text = '\0';
    add(text, bytes, &used, opening[f]);
    for (; *word; word++)
        add(text, bytes - 1, &used, piece(f, *word, room));
    add(text, bytes, &used, closing[f]);
    return text;
}

char *rv_shell_path(const char *path, char text[RV_SHELL_PATH])
{
    size_t plain = strcspn(path, "=/");
    int is_taken = *path == '-' || path[plain] == '=';
    if (!is_taken)
        return rv_shell_word(path, text, RV_SHELL_PATH);
    char whole[4096 + 4];
    snprintf(whole, sizeof whole, "./%s", path);
    return rv_shell_word(whole, text, RV_SHELL_PATH);
}
