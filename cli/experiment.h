/* Functions that the verbs for a run or a recipe share. */
#ifndef CLI_EXPERIMENT_H
#define CLI_EXPERIMENT_H

#include "verb.h"

#include "reverie/figures.h"

/* Opens the run in the first argument with the weights that --checkpoint selects, or with their
 * moving averages if `average`. */
rv_status cli_open(cli_call *call, int average, rv_experiment **out);
/* The frame of a verb for a run: checks --output (cli_check_output; NULL: no check), opens the run,
 * chooses the split (cli_choose_split) if the verb uses one, and calls `act`. */
rv_status cli_with_run(cli_call *call, const char *endings, int of_split,
                       rv_status (*act)(cli_call *call, rv_experiment *run));
/* Option rows that verbs share. */
#define CLI_CHECKPOINT                                                                             \
    CLI_TEXT("checkpoint", 0, "WHICH", "last", "weights to use: last, best, or a .safetensors file")
#define CLI_SPLIT(fallback)                                                                        \
    CLI_CHOICE("split", "NAME", fallback, "train|validation|test", "images to take")

/* The place of the run in that folder, with the data directories of the call. */
rv_experiment_place cli_place(const cli_call *call, const char *folder);
/* If --split is not given and the data set has no test images, sets --split to the split that the
 * run has, and says so. */
rv_status cli_choose_split(cli_call *call, rv_experiment *run);
rv_split cli_split(const cli_call *call);
/* Checks before any computation that the file of --output, or `path`, is writable, and that its
 * name ends in one of `endings` (".png|.npy"; "": any).  NULL (no file) is RV_OK. */
rv_status cli_check_output(cli_call *call, const char *path, const char *endings);
/* Checks that a picture of `count` images, `columns` in a row, with `enlarge` pixels for each pixel
 * and `padding` between them, is within the size limit of PNG files; an .npy file has no such
 * limit. */
rv_status cli_check_picture(cli_call *call, rv_data_sizes sizes, int64_t count, int64_t columns,
                            int64_t enlarge, int64_t padding);
/* The same for a grid of the images of a run. */
rv_status cli_check_grid(cli_call *call, rv_experiment *run, int64_t count, int64_t columns);
/* --count images of --split and their reconstructions, as cli_save_image. */
rv_status cli_save_reconstructions(cli_call *call, rv_experiment *run);
/* Says that there are fewer images than --count asks for. */
void cli_say_fewer(const cli_call *call, int64_t asked, int64_t there, const char *what);
/* Saves the array at --output and reports it. */
rv_status cli_save_array(cli_call *call, const float *values, int rank, const int64_t *dim);
/* The same for images [count,H,W,C] of a model or a data set, as a grid. */
rv_status cli_save_grid(cli_call *call, rv_data_sizes sizes, const float *images, int count);
/* Saves the image at --output and reports it; frees it.  NULL: the latched error. */
rv_status cli_save_image(cli_call *call, rv_image *image);
/* The same for a chart. */
rv_status cli_save_chart(cli_call *call, rv_chart *chart);
/* Reports a written file: text, or {"file": ...}. */
rv_status cli_wrote(cli_call *call, const char *path);

/* The name of a class, as a number if it is one. */
json_t *cli_json_class(const char *name);

/* A recipe that is ready to train, without a run folder: for measurements and inspection. */
typedef struct cli_workbench {
    rv_config *config;
    rv_source *source;
    rv_model *model;
    rv_trainer *trainer;
} cli_workbench;

/* The recipe or run folder in the first argument, with the overrides of the call. */
rv_status cli_recipe_config(cli_call *call, rv_config **out);
/* Whether the first argument is a run folder. */
int cli_is_run(const cli_call *call);
/* Whether a setting of the call is one of the data. */
int cli_overrides_data(const cli_call *call);
/* Opens the training images of that recipe or run: in the data directories of the call, or in the
 * place that the run has recorded.  At most `limit` images; 0: as in the settings. */
rv_status cli_recipe_source(cli_call *call, const rv_settings *settings, int64_t limit,
                            rv_source **source);
/* Prints each name with its description; frees them. */
rv_status cli_list_recipes(cli_call *call, rv_recipe *recipes, int count);
/* The caller closes it, also after a failure. */
rv_status cli_workbench_open(cli_call *call, cli_workbench *bench);
void cli_workbench_close(cli_workbench *bench);

#endif
