/* From the words of the command line to a cli_call. */
#ifndef CLI_CALL_H
#define CLI_CALL_H

#include "verb.h"

#include <stdio.h>

/* The options of every verb. */
extern const cli_option cli_common_options[];
extern const int cli_common_option_count;

/* Reads the words after the program's name (words[0] is the verb) and sets up the context.
 * RV_BAD_USAGE is latched and names the nearest option.  If --help or --version is among them,
 * nothing else is checked. */
rv_status cli_call_read(cli_call *call, int count, char **words);
void cli_call_free(cli_call *call);

/* help.c: `reverie --help`, and `reverie VERB --help` on stdout. */
void cli_help_all(FILE *stream);
rv_status cli_help_verb(cli_call *call, const cli_verb *verb);

#endif
