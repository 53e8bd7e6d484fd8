/* How weights begin.
 *
 * Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural
 * networks"; He et al. 2015, "Delving deep into rectifiers", with the gain of ReLU.  PyTorch's
 * default for a linear layer is uniform in +-1/sqrt(fan_in), for weight and bias alike. */
#include "nn/net.h"

#include <math.h>

rv_net_config rv_net_defaults(void)
{
    return (rv_net_config){RV_INITIALISE_PYTORCH, 0.02};
}

static rv_initialiser uniform(double bound)
{
    return rv_initial_uniform((float)-bound, (float)bound);
}

static rv_initialiser normal(double deviation)
{
    return rv_initial_normal(0, (float)deviation);
}

rv_initialiser initial_weight(const rv_net_config *config, int64_t fan_in, int64_t fan_out)
{
    double in = (double)fan_in, both = (double)(fan_in + fan_out);
    switch (config->initialiser) {
    case RV_INITIALISE_PYTORCH: return uniform(1 / sqrt(in));
    case RV_INITIALISE_GLOROT_UNIFORM: return uniform(sqrt(6 / both));
    case RV_INITIALISE_GLOROT_NORMAL: return normal(sqrt(2 / both));
    case RV_INITIALISE_HE_UNIFORM: return uniform(sqrt(6 / in));
    case RV_INITIALISE_HE_NORMAL: return normal(sqrt(2 / in));
    case RV_INITIALISE_NORMAL: return normal(config->deviation);
    case RV_INITIALISE_ZEROS: break;
    }
    return rv_initial_constant(0);
}

rv_initialiser initial_bias(const rv_net_config *config, int64_t fan_in)
{
    return config->initialiser == RV_INITIALISE_PYTORCH ? uniform(1 / sqrt((double)fan_in))
                                                        : rv_initial_constant(0);
}
