/* The table of the sections of every recipe. */
#include "config/sections.h"

#include "data/options.h"
#include "reverie/data.h"
#include "reverie/train.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* ---- the recipe's own ---- */

#define RV_ROWS_OF config_recipe
static const rv_option recipe_options[] = {
    RV_INTEGER("format", format, "1", 1, CONFIG_FORMAT, "version of the configuration's format"),
    RV_STRING("name", name, "", "name of the recipe, and of its runs; by default its file's name"),
    RV_STRING("about", about, "", "one line about the recipe"),
    RV_STRING("model", model, NULL, "kind of the model, as vae"),
};
#undef RV_ROWS_OF

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
#define OPTIMIZERS "sgd|rmsprop|adam|adamw|adamax"
#define SCHEDULES  "constant|steps|exponential|cosine|late"
_Static_assert(RV_SGD == 0 && RV_RMSPROP == 1 && RV_ADAM == 2 && RV_ADAMW == 3, "OPTIMIZERS");
_Static_assert(RV_CONSTANT == 0 && RV_STEPS == 1 && RV_EXPONENTIAL == 2 && RV_COSINE == 3 &&
                   RV_LATE == 4,
               "SCHEDULES");

#define RV_ROWS_OF rv_train_config
#define BELOW_1    0.999999
#define STEPS_MOST 9007199254740992.0 /* 2^53 */
static const rv_option train_options[] = {
    RV_INTEGER("train.epochs", epochs, "10", 1, STEPS_MOST, "passes over the training images"),
    RV_INTEGER("train.steps", steps, "0", 0, STEPS_MOST,
               "stop after so many training steps; 0: after the epochs"),
    RV_INTEGER("train.seed", seed, "1", 0, STEPS_MOST,
               "seed of the initial weights, the order of the images, and the noise"),
    RV_CHOICE("train.optimizer", optimizer.kind, "adam", OPTIMIZERS, "what moves the weights"),
    RV_NUMBER("train.lr", lr, "1e-3", 0, 1e6, "learning rate"),
    RV_NUMBER("train.beta1", optimizer.beta1, "0.9", 0, BELOW_1,
              "adam, adamw, adamax: decay of the mean of the gradients"),
    RV_NUMBER("train.beta2", optimizer.beta2, "0.999", 0, BELOW_1,
              "adam, adamw: decay of the mean of their squares; adamax: of their largest"),
    RV_NUMBER("train.epsilon", optimizer.epsilon, "1e-8", 0, 1,
              "adam, adamw, rmsprop: added to the root of the mean square; adamax: to |g|"),
    RV_NUMBER("train.alpha", optimizer.alpha, "0.99", 0, BELOW_1,
              "rmsprop: decay of the mean of the squared gradients"),
    RV_SWITCH("train.centered", optimizer.centered, "false",
              "rmsprop: by the variance of the gradients, not their mean square"),
    RV_NUMBER("train.momentum", optimizer.momentum, "0", 0, BELOW_1,
              "sgd, rmsprop: momentum; 0 is none"),
    RV_SWITCH("train.nesterov", optimizer.nesterov, "false",
              "sgd: Nesterov's form of the momentum"),
    RV_NUMBER("train.weight_decay", optimizer.weight_decay, "0", 0, 1e6,
              "adamw: weights shrink by lr times this; others: an L2 penalty"),
    RV_NUMBER("train.clip_norm", optimizer.clip_norm, "0", 0, 1e30,
              "longest gradient, all weights together; 0 is no limit"),
    RV_NUMBER("train.clip_value", optimizer.clip_value, "0", 0, 1e30,
              "largest element of a gradient; 0 is no limit"),
    RV_CHOICE("train.schedule", schedule.kind, "constant", SCHEDULES,
              "how the learning rate changes"),
    RV_NUMBER("train.factor", schedule.factor, "0.1", 0, 1e6,
              "steps: factor of the learning rate at each milestone; exponential: at each epoch, "
              "0.95 when "
              "not set"),
    RV_NUMBERS("train.milestones", schedule.milestone, "[]", 0, 1e9,
               "steps: epochs at which the learning rate drops; a half and three quarters of all "
               "when empty"),
    RV_NUMBER("train.least", schedule.least, "0", 0, 1,
              "cosine, late: factor of the learning rate at the end; late: 0.01 when not set"),
    RV_NUMBER("train.warmup", schedule.warmup, "0", 0, 1e9,
              "epochs over which the learning rate grows to lr; the schedule follows"),
    RV_NUMBER("train.ema", ema, "0", 0, BELOW_1,
              "decay of a moving average of the weights, min(decay, (1 + t) / (10 + t)) at step t; "
              "0: none "
              "is kept"),
    RV_INTEGER("train.log", log, "100", 1, STEPS_MOST,
               "training steps between two lines of metrics"),
    RV_INTEGER("train.save", save, "0", 0, STEPS_MOST,
               "training steps between two checkpoints; 0: one after each epoch"),
    RV_INTEGER("train.keep", keep, "2", 1, 1000, "checkpoints kept in addition to the best"),
    RV_INTEGER("train.snapshots", snapshots, "0", 0, STEPS_MOST,
               "training steps between two snapshots of generated images, or of the density of "
               "points; 0: one after each epoch"),
    RV_INTEGER("train.evaluate_batch", evaluate_batch, "500", 1, 1048576,
               "images a batch in evaluation; changes the speed, not the result"),
};
#undef RV_ROWS_OF

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
