/* Learning-rate schedules: the factor at a fractional epoch. */
#include "reverie/optim.h"

#include <math.h>

rv_schedule_config rv_schedule_defaults(void)
{
    return (rv_schedule_config){.kind = RV_CONSTANT, .factor = 0.1};
}

double rv_schedule_at(const rv_schedule_config *config, double epoch, double epochs)
{
    double factor = 1;
    if (config->kind == RV_STEPS)
        for (int i = 0; i < config->milestone_count; i++)
            factor *= epoch >= config->milestone[i] ? config->factor : 1;
    if (config->kind == RV_EXPONENTIAL)
        factor = pow(config->factor, floor(epoch));
    if (config->kind == RV_COSINE) {
        double share = epochs > 0 ? fmin(1, epoch / epochs) : 1;
        factor = config->least + (1 - config->least) * 0.5 * (1 + cos(M_PI * share));
    }
    if (config->kind == RV_LATE && epochs > 0)
        factor = pow(config->least, fmin(1, fmax(0, 2 * epoch / epochs - 1)));
    if (config->warmup > 0 && epoch < config->warmup)
        factor *= epoch / config->warmup;
    return factor;
}
