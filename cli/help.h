/* Help, man page and completion, from the tables of verbs, options and settings. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "verb.h"

#include <stdio.h>

/* `reverie --help`. */
void cli_help_all(FILE *stream);
/* `reverie VERB --help`, on stdout. */
rv_status cli_help_verb(cli_call *call, const cli_verb *verb);
/* The man page, roff, on stdout. */
rv_status cli_help_man(cli_call *call);

#endif
