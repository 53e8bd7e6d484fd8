/* What the verbs that work on a run or a recipe share. */
#ifndef CLI_EXPERIMENT_H
#define CLI_EXPERIMENT_H

#include "verb.h"

#include "reverie/figures.h"

/* Opens the run named by the first argument with the weights that --checkpoint chooses, or with
 * their moving averages when `average`. */
rv_status cli_open(cli_call *call, int average, rv_experiment **out);
/* What verbs on a run do: checks --output (cli_check_output; NULL: nothing to check), opens the
 * run, chooses the split (cli_choose_split) where it is of one, and acts. */
rv_status cli_with_run(cli_call *call, const char *endings, int of_split,
                       rv_status (*act)(cli_call *call, rv_experiment *run));
/* The rows of its options that verbs share. */
#define CLI_CHECKPOINT                                                                             \
    CLI_TEXT("checkpoint", 0, "WHICH", "last", "weights to use: last, best, or a .safetensors file")
#define CLI_SPLIT(fallback)                                                                        \
    CLI_CHOICE("split", "NAME", fallback, "train|validation|test", "images to take")

/* Where the run of that folder is, with the data directories of the call. */
rv_experiment_place cli_place(const cli_call *call, const char *folder);
/* Where --split is not given and the data set keeps no test images, --split is from here on the
 * split that the run has, which is said. */
rv_status cli_choose_split(cli_call *call, rv_experiment *run);
rv_split cli_split(const cli_call *call);
/* Before anything is computed: the file of --output, or `path`, can be written, and its name ends
 * in one of `endings` (".png|.npy"; "": any).  NULL, none is asked for, is RV_OK. */
rv_status cli_check_output(cli_call *call, const char *path, const char *endings);
/* That a picture of so many images, `columns` a row and `enlarge` pixels a pixel with `padding`
 * between them, is not larger than PNG files are written; an .npy file has no such limit. */
rv_status cli_check_picture(cli_call *call, rv_data_sizes sizes, int64_t count, int64_t columns,
                            int64_t enlarge, int64_t padding);
/* The same for a grid of the images of a run. */
rv_status cli_check_grid(cli_call *call, rv_experiment *run, int64_t count, int64_t columns);
/* --count images of --split and their reconstructions, as cli_save_image. */
rv_status cli_save_reconstructions(cli_call *call, rv_experiment *run);
/* Says that fewer images are there than --count asks for. */
void cli_say_fewer(const cli_call *call, int64_t asked, int64_t there, const char *what);
/* Saves the array at --output and says so. */
rv_status cli_save_array(cli_call *call, const float *values, int rank, const int64_t *dim);
/* The same for images [count,H,W,C] of a model or a data set, as a grid. */
rv_status cli_save_grid(cli_call *call, rv_data_sizes sizes, const float *images, int count);
/* Saves the image at --output and says so; frees it.  NULL: the latched error. */
rv_status cli_save_image(cli_call *call, rv_image *image);
/* The same for a chart. */
rv_status cli_save_chart(cli_call *call, rv_chart *chart);
/* Says where a file went: text, or {"file": ...}. */
rv_status cli_wrote(cli_call *call, const char *path);

/* The name of a class, as a number where it is one. */
json_t *cli_json_class(const char *name);

/* A recipe made ready to train, without a run folder: for measuring and looking. */
typedef struct cli_workbench {
    rv_config *config;
    rv_source *source;
    rv_model *model;
    rv_trainer *trainer;
} cli_workbench;

/* The recipe named by the first argument, or a run folder, with the overrides of the call. */
rv_status cli_recipe_config(cli_call *call, rv_config **out);
/* Prints the names and what each is about; frees them. */
rv_status cli_list_recipes(cli_call *call, rv_recipe *recipes, int count);
/* Closed by the caller, whatever happens. */
rv_status cli_workbench_open(cli_call *call, cli_workbench *bench);
void cli_workbench_close(cli_workbench *bench);

#endif
