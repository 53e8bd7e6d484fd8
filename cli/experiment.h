/* What the verbs that work on a run share. */
#ifndef CLI_EXPERIMENT_H
#define CLI_EXPERIMENT_H

#include "verb.h"

#include "reverie/run.h"

/* Opens the run named by the first argument with the weights that --checkpoint chooses. */
rv_status cli_open(cli_call *call, rv_experiment **out);
/* The same, with the moving averages of the weights when `average`. */
rv_status cli_open_average(cli_call *call, int average, rv_experiment **out);
/* The options row of --checkpoint, to stand in a verb's table. */
#define CLI_CHECKPOINT                                                                             \
    {                                                                                              \
        "checkpoint", 0, "WHICH", RV_OPTION_TEXT, "last", 0, 0, NULL,                              \
            "weights to use: last, best, or a .safetensors file"                                   \
    }
#define CLI_SPLIT(fallback)                                                                        \
    {                                                                                              \
        "split", 0, "NAME", RV_OPTION_CHOICE, fallback, 0, 0, "train|validation|test",             \
            "images to take"                                                                       \
    }
#define CLI_OUTPUT(fallback)                                                                       \
    {                                                                                              \
        "output", 'o', "FILE", RV_OPTION_TEXT, fallback, 0, 0, NULL, "file to write"               \
    }

/* Where the run of that folder is, with the data directories of the call. */
rv_experiment_place cli_place(const cli_call *call, const char *folder);
/* Saves the image at --output and says so; frees it.  NULL: the latched error. */
rv_status cli_save_image(cli_call *call, rv_image *image);
/* The same for a chart. */
rv_status cli_save_chart(cli_call *call, rv_chart *chart);
/* Says where a file went: text, or {"file": ...}. */
rv_status cli_wrote(cli_call *call, const char *path);
int cli_ends_with(const char *text, const char *ending);

/* The name of a class, as a number where it is one. */
json_t *cli_json_class(const char *name);

#endif
