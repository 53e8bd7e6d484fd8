/* The rows of `reverie runs`. */
#ifndef CLI_RUNS_H
#define CLI_RUNS_H

#include "verb.h"

#include "reverie/study.h"

/* A run folder, from its files. */
typedef struct run_row {
    char *folder;
    char *problem;        /* why it cannot be read or compared; NULL: no problem */
    char fingerprint[33]; /* of the held-out images; "": unknown */
    int group; /* size of the group in which it is the best; 0: it is not the best of its group */
    rv_run_summary logged;
    rv_run_selection selection;
    rv_run_setting *setting;
    int setting_count;
} run_row;

typedef struct run_rows {
    run_row *row;
    int count, room;
} run_rows;

/* The value of a setting; NULL: the run does not have that key. */
const char *runs_setting(const run_row *row, const char *key);
/* The held-out value that selects the best weights; NULL: none. */
const rv_run_value *runs_selected(const run_row *row);
/* Its best value over the training; NaN: none. */
double runs_best(const run_row *row);
/* Appends an empty row for that folder; NULL with the error latched. */
run_row *runs_add(cli_call *call, run_rows *rows, const char *folder);
/* Reads the files of its folder. */
rv_status runs_read(cli_call *call, run_row *row);
/* Every run folder in `parent`, by name; an unreadable one has its `problem`. */
rv_status runs_find(cli_call *call, const char *parent, run_rows *rows);
/* Puts the best run of each group first, larger groups before smaller; *groups: their number. */
rv_status runs_group(cli_call *call, run_rows *rows, int *groups);
void runs_free(run_rows *rows);

#endif
