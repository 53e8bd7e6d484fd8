/* Quantities that change from step to step: the learning rate, and the scalars of the model's
 * schedule. */
#include "core/text.h"
#include "train/trainer.h"

#include <math.h>
#include <string.h>

/* Training steps in an epoch, without a last batch of one image. */
static int64_t steps_in_epoch(const rv_trainer *trainer)
{
    int64_t asked = rv_source_describe(trainer->setup.train)->batch;
    int left_out = asked > 1 && trainer->images % asked == 1;
    int64_t steps = trainer->batches - left_out;
    return steps > 0 ? steps : 1;
}

int64_t train_steps(const rv_trainer *trainer)
{
    const rv_train_config *config = &trainer->setup.config;
    int64_t steps = config->epochs * steps_in_epoch(trainer);
    return config->steps > 0 && config->steps < steps ? config->steps : steps;
}

/* The length of the training in epochs: a limit of steps may shorten it. */
static double length_of(const rv_trainer *trainer)
{
    const rv_train_config *config = &trainer->setup.config;
    int64_t each = steps_in_epoch(trainer);
    if (config->steps == 0 || config->steps / each >= config->epochs)
        return (double)config->epochs;
    return (double)(config->steps / each) +
           (double)(config->steps % each * trainer->whole) / (double)trainer->images;
}

double train_epoch(const rv_trainer *trainer)
{
    return (double)trainer->epoch + (double)trainer->seen / (double)trainer->images;
}

double train_rate(const rv_trainer *trainer)
{
    const rv_train_config *config = &trainer->setup.config;
    int64_t left = trainer->images - trainer->seen;
    double step = (double)(left < trainer->whole ? left : trainer->whole);
    return config->lr * rv_schedule_at(&config->schedule, train_epoch(trainer), length_of(trainer),
                                       step / (double)trainer->images);
}

/* The scalars of the model's schedule at a moment. */
static int scalars_at(const rv_trainer *trainer, rv_moment moment,
                      rv_scalar_input out[RV_SCALARS_MOST])
{
    const rv_model *model = trainer->setup.model;
    moment.epochs_a_step = (double)trainer->whole / (double)trainer->images;
    return model->kind->schedule ? model->kind->schedule(model, moment, out) : 0;
}

int train_scalars(const rv_trainer *trainer, rv_scalar_input out[RV_SCALARS_MOST])
{
    return scalars_at(trainer, (rv_moment){.step = trainer->step, .epoch = train_epoch(trainer)},
                      out);
}

/* ---- messages ---- */

/* What a scalar whose warm-up the training ends within has at its end, and would have after it. */
static void say_unfinished(const rv_trainer *trainer, int i, double length)
{
    rv_scalar_input last[RV_SCALARS_MOST], whole[RV_SCALARS_MOST];
    scalars_at(trainer, (rv_moment){.step = train_steps(trainer), .epoch = length}, last);
    scalars_at(trainer, (rv_moment){.step = INT64_MAX / 2, .epoch = 1e15}, whole);
    rv_notify(trainer->context, RV_LOG_WARNING,
              "%s takes %.3g epochs, longer than the training of %.3g epochs: %s (%s) ends at %.3g "
              "of what it grows to",
              whole[i].setting ? whole[i].setting : "the warm-up of the objective", whole[i].until,
              length, whole[i].what ? whole[i].what : "a weight", whole[i].name,
              last[i].value / whole[i].value);
}

static void say_warmups(const rv_trainer *trainer)
{
    rv_scalar_input scalar[RV_SCALARS_MOST];
    const rv_schedule_config *schedule = &trainer->setup.config.schedule;
    double length = length_of(trainer);
    if (schedule->warmup > length)
        rv_notify(trainer->context, RV_LOG_NOTICE,
                  "train.steps stops the training within its warm-up: the learning rate ends at "
                  "%.3g of train.lr",
                  length / schedule->warmup);
    for (int i = 0, count = train_scalars(trainer, scalar); i < count; i++)
        if (scalar[i].until > length)
            say_unfinished(trainer, i, length);
}

rv_status train_check_rate(rv_trainer *trainer)
{
    const rv_train_config *config = &trainer->setup.config;
    const rv_schedule_config *schedule = &config->schedule;
    rv_status status = rv_schedule_check(trainer->context, schedule, (double)config->epochs);
    if (status != RV_OK)
        return status;
    double length = length_of(trainer);
    double last = rv_schedule_at(schedule, fmax(ceil(length) - 1, 0), length, 0);
    if (schedule->kind == RV_EXPONENTIAL && last < RV_RATE_LEAST)
        rv_notify(trainer->context, RV_LOG_WARNING,
                  "train.factor=%g at each epoch leaves %.1e of train.lr in the last one: nothing "
                  "is learned then; train.factor=%.2g would end at a hundredth",
                  schedule->factor, last, pow(0.01, 1 / fmax(length - 1, 1)));
    say_warmups(trainer);
    return RV_OK;
}

void train_say_zero(rv_trainer *trainer, double rate)
{
    if ((float)rate != 0 || trainer->zero_said)
        return;
    trainer->zero_said = 1;
    rv_notify(trainer->context, RV_LOG_WARNING,
              "step %lld (epoch %lld): the learning rate is 0, so nothing is learned; see "
              "train.lr, train.schedule, train.factor and train.least",
              (long long)trainer->step + 1, (long long)trainer->epoch + 1);
}

/* ---- in checkpoints: "lr 0x1p-10 beta 0x1p+0", for the next step ---- */

void train_rates_text(const rv_trainer *trainer, char *text, size_t bytes)
{
    rv_scalar_input scalar[RV_SCALARS_MOST];
    int used = rv_text_format(text, bytes, "lr %a", train_rate(trainer));
    for (int i = 0, count = train_scalars(trainer, scalar); i < count && used < (int)bytes; i++)
        used += rv_text_format(text + used, bytes - (size_t)used, " %s %a", scalar[i].name,
                               scalar[i].value);
}

static void say_change(const rv_trainer *trainer, const char *what, double was, double is)
{
    if (was != is)
        rv_notify(trainer->context, RV_LOG_NOTICE,
                  "step %lld: %s goes on at %.4g, where it was to be %.4g: its schedule, or how "
                  "long that is, has changed",
                  (long long)trainer->step + 1, what, is, was);
}

void train_say_changes(const rv_trainer *trainer, const char *saved)
{
    char name[NAME_MOST];
    double was;
    int used;
    rv_scalar_input scalar[RV_SCALARS_MOST];
    int count = train_scalars(trainer, scalar);
    while (saved && rv_text_scan(saved, " %63s %la%n", name, &was, &used) == 2) {
        if (strcmp(name, "lr") == 0)
            say_change(trainer, "the learning rate", was, train_rate(trainer));
        for (int i = 0; i < count; i++)
            if (strcmp(name, scalar[i].name) == 0)
                say_change(trainer, name, was, scalar[i].value);
        saved += used;
    }
}
