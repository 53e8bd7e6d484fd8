/* A demonstration is one row, in a file of its own: its name, what it is, and the function that
 * runs it with the options of `reverie demo`.  demo.c lists the rows. */
#ifndef CLI_DEMO_H
#define CLI_DEMO_H

#include "verb.h"

typedef struct cli_demo {
    const char *name, *about; /* about: one line, no full stop */
    const char *endings;      /* of the figure's file: ".png|.svg" */
    rv_status (*run)(cli_call *call);
} cli_demo;

/* -n where it is given, else `otherwise`. */
int64_t cli_demo_count(const cli_call *call, int64_t otherwise);
/* -o where it is given, else "NAME.png" of the demonstration. */
const char *cli_demo_output(const cli_call *call, const char *otherwise);

#endif
