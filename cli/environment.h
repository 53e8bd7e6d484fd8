/* The environment; the only code of Reverie that reads it. */
#ifndef CLI_ENVIRONMENT_H
#define CLI_ENVIRONMENT_H

#include "verb.h"

#include "core/arena.h"

/* The cache folder ($XDG_CACHE_HOME or ~/.cache, /reverie).  The folders of data sets: --data-dir
 * (`first`, NULL: absent), $REVERIE_DATA, the cache folder.  The folders of recipes: ./recipes,
 * then the folder next to the program (a link in a build folder), or the installed one in
 * ../share/reverie. */
rv_status cli_environment_read(cli_call *call, rv_arena *arena, const char *first);
/* Whether `stream` is a terminal that can move its cursor, and whether it should have colours
 * (NO_COLOR, https://no-color.org, is not set). */
int cli_is_terminal(int descriptor);
int cli_wants_color(int descriptor);
/* Columns of the terminal; 80 if unknown. */
int cli_terminal_width(int descriptor);

/* ---- tuning_cache.c: the tuning of this machine, kept from one call to the next ----
 *
 * A file of choices in the user's cache folder; its name contains the processor and the versions
 * for which the choices are valid.  Without a writable folder each call chooses again. */

/* Gives the context the choices in the file, if it exists.  A damaged file is a warning. */
rv_status cli_tuning_cache_load(cli_call *call, rv_arena *arena);
/* Adds the new choices of this call to the file; does nothing if there are none. */
void cli_tuning_cache_save(cli_call *call);

#endif
