/* Initial weights.
 *
 * Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural
 * networks"; He et al. 2015, "Delving deep into rectifiers", with the gain of ReLU; Radford, Metz &
 * Chintala 2016, "Unsupervised representation learning with deep convolutional generative
 * adversarial networks", section 3.  PyTorch's default for a linear layer or a convolution is
 * uniform in +-1/sqrt(fan_in), for weight and bias.  The fans of a kernel are the channels times
 * the cells of the window. */
#include "nn/net.h"

#include <math.h>

static const double dcgan_deviation = 0.02;

rv_net_config rv_net_defaults(void)
{
    return (rv_net_config){.initialiser = RV_INITIALISE_PYTORCH, .deviation = 0.02};
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
    case RV_INITIALISE_PYTORCH:
    case RV_INITIALISE_DCGAN: return uniform(1 / sqrt(in));
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
    int as_pytorch =
        config->initialiser == RV_INITIALISE_PYTORCH || config->initialiser == RV_INITIALISE_DCGAN;
    return as_pytorch ? uniform(1 / sqrt((double)fan_in)) : rv_initial_constant(0);
}

rv_initialiser initial_kernel(const rv_net_config *config, int64_t fan_in, int64_t fan_out)
{
    if (config->initialiser == RV_INITIALISE_DCGAN)
        return normal(dcgan_deviation);
    return initial_weight(config, fan_in, fan_out);
}

rv_initialiser initial_kernel_bias(const rv_net_config *config, int64_t fan_in)
{
    if (config->initialiser == RV_INITIALISE_DCGAN)
        return rv_initial_constant(0);
    return initial_bias(config, fan_in);
}

rv_initialiser initial_gain(const rv_net_config *config)
{
    if (config->initialiser == RV_INITIALISE_DCGAN)
        return rv_initial_normal(1, (float)dcgan_deviation);
    return rv_initial_constant(1);
}
