/* A recipe made ready to train, without a run folder: for measuring and looking. */
#ifndef CLI_WORKBENCH_H
#define CLI_WORKBENCH_H

#include "experiment.h"

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
