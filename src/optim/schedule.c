/* Learning-rate schedules: the factor at a fractional epoch. */
#include "reverie/optim.h"

#include <math.h>

rv_schedule_config rv_schedule_defaults(void)
{
    return (rv_schedule_config){.kind = RV_CONSTANT, .factor = 0.1, .least = 0};
}

/* The position between `start` and the end, in [0, 1]. */
static double share_of(double start, double epoch, double epochs)
{
    return epochs > start ? fmin(1, fmax(0, (epoch - start) / (epochs - start))) : epoch >= start;
}

/* The factor without warm-up.  A fall begins when the warm-up has reached the full rate. */
static double fall(const rv_schedule_config *config, double epoch, double epochs)
{
    double factor = 1, share;
    switch ((rv_schedule)config->kind) {
    case RV_STEPS:
        for (int i = 0; i < config->milestone_count; i++)
            factor *= epoch >= config->milestone[i] ? config->factor : 1;
        if (config->milestone_count == 0) /* default steps: at a half, and at three quarters */
            for (int i = 2; i <= 3; i++)
                factor *= epoch >= ceil(epochs * i / 4) ? config->factor : 1;
        return factor;
    case RV_EXPONENTIAL: return pow(config->factor, floor(fmax(0, epoch - config->warmup)));
    case RV_COSINE:
        share = share_of(config->warmup, epoch, epochs);
        return config->least + (1 - config->least) * 0.5 * (1 + cos(M_PI * share));
    case RV_LATE:
        return pow(config->least, share_of(fmax(0.5 * epochs, config->warmup), epoch, epochs));
    case RV_CONSTANT: break;
    }
    return 1;
}

double rv_schedule_at(const rv_schedule_config *config, double epoch, double epochs, double step)
{
    double grown = config->warmup > 0 ? fmin(1, (epoch + step) / config->warmup) : 1;
    return grown * fall(config, epoch, epochs);
}

rv_status rv_schedule_check(rv_context *context, const rv_schedule_config *config, double epochs)
{
    if (config->kind == RV_LATE && !(config->least > 0))
        return rv_fail(context, RV_BAD_USAGE,
                       "train.schedule=late falls exponentially to train.least, which cannot be "
                       "0: set train.least=0.01");
    if (config->kind == RV_EXPONENTIAL && !(config->factor > 0))
        return rv_fail(context, RV_BAD_USAGE,
                       "train.schedule=exponential multiplies by train.factor at each epoch, "
                       "which cannot be 0: set train.factor=0.95");
    if (config->warmup > epochs)
        return rv_fail(context, RV_BAD_USAGE,
                       "train.warmup=%g is longer than the run of %g epochs, so that the learning "
                       "rate would never be train.lr: warm up for less, or set train.epochs=%.0f "
                       "or more",
                       config->warmup, epochs, ceil(config->warmup));
    return RV_OK;
}
