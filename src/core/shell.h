/* Words as a shell reads them, for command lines that a message prints to be pasted. */
#ifndef CORE_SHELL_H
#define CORE_SHELL_H

#include <stddef.h>

/* Room for the longest path there is, quoted. */
enum { RV_SHELL_PATH = 4 * 4096 + 8 };

/* Writes `word` so that a shell reads it back as it is: plain where it can be, else in '...', or in
 * $'...' where it holds a line's end or another control character.  Returns `text`, cut where it
 * does not fit: 4 bytes for each of the word and 4 more are enough. */
char *rv_shell_word(const char *word, char *text, size_t bytes);
/* The same of a path that stands alone among the words: ./ goes before one that would be taken for
 * an option or a setting (-x, a=1). */
char *rv_shell_path(const char *path, char text[RV_SHELL_PATH]);

#endif
