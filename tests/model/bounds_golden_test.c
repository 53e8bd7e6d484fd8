/* Training steps of the VAE (one draw, several, L_K, full covariance) and of the IWAE (one and two
 * stochastic layers) against PyTorch. */
#include "golden_steps.h"

#define FILE_OF "bounds/steps.txt"
#define ADAM    "train: {lr: 2e-2, epsilon: 1e-4, log: 1}\n"
#define VAE     "model: vae\nlatent: 3\nencoder: [linear 5, tanh]\ndecoder: [linear 5, tanh]\n" ADAM
#define FULL    "posterior: {covariance: full}\n"
#define ONE     "model: iwae\nencoder: [linear 5, tanh, latent 4]\ndecoder: [linear 5, tanh]\n" ADAM
#define TWO                                                                                        \
    "model: iwae\nencoder: [linear 5, tanh, latent 4, linear 5, tanh, latent 2]\n"                 \
    "decoder: [linear 6, tanh, latent 4, linear 5, tanh]\n" ADAM

static const step_case cases[] = {
    {"vae", VAE, 4, 4, 1, 2, 0, FILE_OF},
    {"vae_three", VAE "objective: {samples: 3}\n", 4, 4, 1, 2, 0, FILE_OF},
    {"vae_iwae", VAE "objective: {name: iwae, samples: 4, beta: 0.5}\n", 4, 4, 1, 2, 0, FILE_OF},
    {"vae_full", VAE FULL "objective: {samples: 2}\n", 4, 4, 1, 2, 0, FILE_OF},
    {"vae_full_iwae", VAE FULL "objective: {name: iwae, samples: 3}\n", 4, 4, 1, 2, 0, FILE_OF},
    {"iwae_one", ONE "objective: {samples: 4}\n", 4, 4, 1, 2, 0, FILE_OF},
    {"iwae_two", TWO "objective: {samples: 4}\n", 4, 4, 1, 2, 0, FILE_OF},
    {"iwae_two_elbo", TWO "objective: {name: elbo, samples: 3}\n", 4, 4, 1, 2, 0, FILE_OF},
};

int main(void)
{
    return run_steps("steps of bounds", cases, sizeof cases / sizeof *cases, NULL);
}
