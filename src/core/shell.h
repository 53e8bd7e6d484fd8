/* Quotes words for a shell, for command lines in messages that a user can paste. */
#ifndef CORE_SHELL_H
#define CORE_SHELL_H

#include <stddef.h>

/* Room for the longest quoted path. */
enum { RV_SHELL_PATH = 4 * 4096 + 8 };

/* Writes `word` so that a shell reads back the same word: plain if possible, else in '...', or in
 * $'...' if it contains a newline or another control character.  Returns `text`, cut if it does not
 * fit: 4 bytes for each byte of the word and 4 more are enough. */
char *rv_shell_word(const char *word, char *text, size_t bytes);
/* The same for a path as a separate word: ./ precedes a path that looks like an option or a setting
 * (-x, a=1). */
char *rv_shell_path(const char *path, char text[RV_SHELL_PATH]);

#endif
