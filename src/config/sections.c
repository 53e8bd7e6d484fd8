/* The table of the sections that every recipe has. */
#include "config/sections.h"

#include "data/options.h"
#include "reverie/data.h"
#include "reverie/train.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* ---- the recipe's own ---- */

#define FIELD(name) offsetof(config_recipe, name)
static const rv_option recipe_options[] = {
    {"format", RV_OPTION_INTEGER, FIELD(format), "1", 1, CONFIG_FORMAT, NULL,
     "version of the configuration's format"},
    {"name", RV_OPTION_TEXT, FIELD(name), "", 0, 0, NULL,
     "name of the recipe, and of its runs; by default its file's name"},
    {"about", RV_OPTION_TEXT, FIELD(about), "", 0, 0, NULL, "one line about the recipe"},
    {"model", RV_OPTION_TEXT, FIELD(model), NULL, 0, 0, NULL, "kind of the model, as vae"},
};
#undef FIELD

const config_section config_recipe_section = {"recipe", recipe_options, COUNT(recipe_options),
                                              sizeof(config_recipe), NULL};

/* ---- data ---- */

static void data_defaults(void *target)
{
    *(rv_data_config *)target = rv_data_defaults();
}

const config_section config_data_section = {"data", rv_data_options, RV_DATA_OPTION_COUNT,
                                            sizeof(rv_data_config), data_defaults};

/* ---- training ---- */

/* Milestones are written as an rv_numbers. */
_Static_assert(offsetof(rv_schedule_config, milestone_count) -
                       offsetof(rv_schedule_config, milestone) ==
                   offsetof(rv_numbers, count),
               "a list in rv_schedule_config is laid out as a list of the options");

/* In the order of rv_optimizer and rv_schedule. */
#define OPTIMIZERS "sgd|rmsprop|adam|adamw"
#define SCHEDULES  "constant|steps|exponential|cosine|late"
_Static_assert(RV_SGD == 0 && RV_RMSPROP == 1 && RV_ADAM == 2 && RV_ADAMW == 3, "OPTIMIZERS");
_Static_assert(RV_CONSTANT == 0 && RV_STEPS == 1 && RV_EXPONENTIAL == 2 && RV_COSINE == 3 &&
                   RV_LATE == 4,
               "SCHEDULES");

#define FIELD(name) offsetof(rv_train_config, name)
#define BELOW_1     0.999999
#define STEPS_MOST  9007199254740992.0 /* 2^53 */
static const rv_option train_options[] = {
    {"train.epochs", RV_OPTION_INTEGER, FIELD(epochs), "10", 1, STEPS_MOST, NULL,
     "passes over the training images"},
    {"train.steps", RV_OPTION_INTEGER, FIELD(steps), "0", 0, STEPS_MOST, NULL,
     "stop after so many training steps; 0: after the epochs"},
    {"train.seed", RV_OPTION_INTEGER, FIELD(seed), "1", 0, STEPS_MOST, NULL,
     "seed of the initial weights, the order of the images, and the noise"},
    {"train.optimizer", RV_OPTION_CHOICE, FIELD(optimizer.kind), "adam", 0, 0, OPTIMIZERS,
     "what moves the weights"},
    {"train.lr", RV_OPTION_NUMBER, FIELD(lr), "1e-3", 0, 1e6, NULL, "learning rate"},
    {"train.beta1", RV_OPTION_NUMBER, FIELD(optimizer.beta1), "0.9", 0, BELOW_1, NULL,
     "adam, adamw: decay of the mean of the gradients"},
    {"train.beta2", RV_OPTION_NUMBER, FIELD(optimizer.beta2), "0.999", 0, BELOW_1, NULL,
     "adam, adamw: decay of the mean of their squares"},
    {"train.epsilon", RV_OPTION_NUMBER, FIELD(optimizer.epsilon), "1e-8", 0, 1, NULL,
     "adam, adamw, rmsprop: added to the root of the mean square"},
    {"train.alpha", RV_OPTION_NUMBER, FIELD(optimizer.alpha), "0.99", 0, BELOW_1, NULL,
     "rmsprop: decay of the mean of the squared gradients"},
    {"train.momentum", RV_OPTION_NUMBER, FIELD(optimizer.momentum), "0", 0, BELOW_1, NULL,
     "sgd, rmsprop: momentum; 0 is none"},
    {"train.nesterov", RV_OPTION_BOOL, FIELD(optimizer.nesterov), "false", 0, 0, NULL,
     "sgd: Nesterov's form of the momentum"},
    {"train.weight_decay", RV_OPTION_NUMBER, FIELD(optimizer.weight_decay), "0", 0, 1e6, NULL,
     "adamw: weights shrink by lr times this; others: an L2 penalty"},
    {"train.clip_norm", RV_OPTION_NUMBER, FIELD(optimizer.clip_norm), "0", 0, 1e30, NULL,
     "longest gradient, all weights together; 0 is no limit"},
    {"train.clip_value", RV_OPTION_NUMBER, FIELD(optimizer.clip_value), "0", 0, 1e30, NULL,
     "largest element of a gradient; 0 is no limit"},
    {"train.schedule", RV_OPTION_CHOICE, FIELD(schedule.kind), "constant", 0, 0, SCHEDULES,
     "how the learning rate changes"},
    {"train.factor", RV_OPTION_NUMBER, FIELD(schedule.factor), "0.1", 0, 1e6, NULL,
     "steps: factor of the learning rate at each milestone; exponential: at each epoch, 0.95 when "
     "not set"},
    {"train.milestones", RV_OPTION_NUMBERS, FIELD(schedule.milestone), "[]", 0, 1e9, NULL,
     "steps: epochs at which the learning rate drops; a half and three quarters of all when empty"},
    {"train.least", RV_OPTION_NUMBER, FIELD(schedule.least), "0", 0, 1, NULL,
     "cosine, late: factor of the learning rate at the end; late: 0.01 when not set"},
    {"train.warmup", RV_OPTION_NUMBER, FIELD(schedule.warmup), "0", 0, 1e9, NULL,
     "epochs over which the learning rate grows to lr; the schedule follows"},
    {"train.ema", RV_OPTION_NUMBER, FIELD(ema), "0", 0, BELOW_1, NULL,
     "decay of a moving average of the weights, min(decay, (1 + t) / (10 + t)) at step t; 0: none "
     "is kept"},
    {"train.log", RV_OPTION_INTEGER, FIELD(log), "100", 1, STEPS_MOST, NULL,
     "training steps between two lines of metrics"},
    {"train.save", RV_OPTION_INTEGER, FIELD(save), "0", 0, STEPS_MOST, NULL,
     "training steps between two checkpoints; 0: one after each epoch"},
    {"train.keep", RV_OPTION_INTEGER, FIELD(keep), "2", 1, 1000, NULL,
     "checkpoints kept beside the best"},
    {"train.snapshots", RV_OPTION_INTEGER, FIELD(snapshots), "0", 0, STEPS_MOST, NULL,
     "training steps between two snapshots of generated images; 0: one after each epoch"},
    {"train.evaluate_batch", RV_OPTION_INTEGER, FIELD(evaluate_batch), "500", 1, 1048576, NULL,
     "images a batch in evaluation; changes the speed, not the result"},
};
#undef FIELD

static void train_defaults(void *target)
{
    *(rv_train_config *)target = rv_train_defaults();
}

const config_section config_train_section = {"training", train_options, COUNT(train_options),
                                             sizeof(rv_train_config), train_defaults};

/* ---- models ---- */

config_section config_model_section(const rv_model_kind *kind)
{
    return (config_section){kind->name, kind->option, kind->option_count, kind->config_size, NULL};
}
