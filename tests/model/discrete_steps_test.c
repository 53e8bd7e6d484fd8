/* Training steps of the discrete VAE, gradient by gradient, against PyTorch. */
#include "golden_steps.h"

#define FILE_OF "discrete/steps.txt"
#define MODEL                                                                                      \
    "model: discrete-vae\nencoder: [linear 5, tanh]\ndecoder: [linear 5, tanh]\n"                  \
    "temperature: {start: 0.8, end: 0.5, rate: 0.1, every: 100, prior: 0.6}\n"                     \
    "train: {lr: 2e-2, epsilon: 1e-4, log: 1}\n"
#define CLASSES_OF "latent: {kind: categorical, count: 2, classes: 3}\n"
#define BITS       "latent: {kind: bernoulli, count: 4}\n"
#define LEARNED    "prior: learned\n"
#define SIZES      4, 4, 1, 2, 0, FILE_OF

static const step_case cases[] = {
    {"gumbel", MODEL CLASSES_OF, SIZES},
    {"gumbel_binary", MODEL BITS "objective: {samples: 2, relaxed_kl: relaxed}\n", SIZES},
    {"gumbel_iwae", MODEL CLASSES_OF "objective: {name: iwae, samples: 3}\n", SIZES},
    {"gumbel_iwae_relaxed",
     MODEL CLASSES_OF "objective: {name: iwae, samples: 3, relaxed_kl: relaxed, beta: 0.5}\n",
     SIZES},
    {"through", MODEL CLASSES_OF LEARNED "objective: {gradient: straight_through}\n", SIZES},
    {"through_binary", MODEL BITS "objective: {samples: 2, gradient: straight_through}\n", SIZES},
    {"reinforce", MODEL CLASSES_OF "objective: {gradient: reinforce}\n", SIZES},
    {"reinforce_average",
     MODEL BITS "objective: {samples: 2, gradient: reinforce, baseline: average}\n", SIZES},
    {"reinforce_iwae", MODEL BITS "objective: {name: iwae, samples: 2, gradient: reinforce}\n",
     SIZES},
    {"nvil", MODEL BITS LEARNED "objective: {gradient: nvil, baseline_layers: [linear 4, tanh]}\n",
     SIZES},
    {"nvil_beta",
     MODEL CLASSES_OF
     "objective: {samples: 2, gradient: nvil, beta: 0.5, baseline_layers: [linear 4, tanh]}\n",
     SIZES},
    {"nvil_iwae",
     MODEL BITS
     "objective: {name: iwae, samples: 2, gradient: nvil, baseline_layers: [linear 4, tanh]}\n",
     SIZES},
    {"vimco", MODEL CLASSES_OF "objective: {name: iwae, samples: 4, gradient: vimco}\n", SIZES},
    {"vimco_binary", MODEL BITS LEARNED "objective: {name: iwae, samples: 2, gradient: vimco}\n",
     SIZES},
};

int main(void)
{
    return run_steps("steps of the discrete VAE", cases, sizeof cases / sizeof *cases, NULL);
}
