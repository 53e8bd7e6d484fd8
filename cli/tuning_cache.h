/* The tuning of this machine, kept from one call to the next: a file of choices in the user's cache
 * folder, whose name holds the processor and the versions that they are good for.  Without a
 * folder, or one that cannot be written, choices are made again. */
#ifndef CLI_TUNING_CACHE_H
#define CLI_TUNING_CACHE_H

#include "verb.h"

#include "core/arena.h"

/* Gives the context the choices of the file, if there is one.  A damaged one is a warning. */
rv_status cli_tuning_cache_load(cli_call *call, rv_arena *arena);
/* Adds the choices that this call made to those of the file; nothing where it made none. */
void cli_tuning_cache_save(cli_call *call);

#endif
