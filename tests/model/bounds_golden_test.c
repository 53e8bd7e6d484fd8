/* Training steps of the VAE (one draw, several, L_K, full covariance), of the PixelVAE (z as a
 * context, and as a map), of the IWAE (one and two
 * stochastic layers; batch norm, and the weight of the KL) and of the ladder (both merges, several
 * draws, L_K, free bits; batch norm everywhere) against PyTorch. */
#include "golden_steps.h"

#define FILE_OF "bounds/steps.txt"
#define ADAM    "train: {lr: 2e-2, epsilon: 1e-4, log: 1}\n"
#define VAE     "model: vae\nlatent: 3\nencoder: [linear 5, tanh]\ndecoder: [linear 5, tanh]\n" ADAM
#define FULL    "posterior: {covariance: full}\n"
#define ONE     "model: iwae\nencoder: [linear 5, tanh, latent 4]\ndecoder: [linear 5, tanh]\n" ADAM
#define TWO                                                                                        \
    "model: iwae\nencoder: [linear 5, tanh, latent 4, linear 5, tanh, latent 2]\n"                 \
    "decoder: [linear 6, tanh, latent 4, linear 5, tanh]\n" ADAM

#define UP(size, latents) "linear " size " bias: false, batchnorm, leaky_relu, latent " latents
#define DOWN(size, latents)                                                                        \
    "linear " size " bias: false, batchnorm, leaky_relu, latent " latents ", "
#define LADDER_FILE "ladder/steps.txt"
#define LADDER                                                                                     \
    "model: ladder\nencoder: [" UP("7", "6") ", " UP("6", "4") ", " UP("5", "2") "]\n" ADAM
#define MERGED                                                                                     \
    LADDER "levels: {batch_norm: true}\n"                                                          \
           "decoder: [" DOWN("5", "4")                                                             \
               DOWN("6", "6") "linear 7 bias: false, batchnorm, leaky_relu]\n"
#define CONCAT                                                                                     \
    LADDER "decoder: [linear 5, leaky_relu, latent 4, linear 6, leaky_relu, latent 6, linear 7, "  \
           "leaky_relu]\n"                                                                         \
           "posterior: {merge: concat, path: 5, layers: [linear 8, leaky_relu]}\n"
#define CHAIN                                                                                      \
    "model: iwae\nlevels: {batch_norm: true}\n"                                                    \
    "encoder: [" UP("7", "6") ", " UP(                                                             \
        "6", "4") "]\n"                                                                            \
                  "decoder: [" DOWN("6",                                                           \
                                    "6") "linear 7 bias: false, batchnorm, leaky_relu]\n" ADAM

#define PIXEL_FILE "pixelvae/steps.txt"
#define PIXELS     "model: pixelvae\nlatent: 3\nencoder: [linear 5, tanh]\n" ADAM
#define CONTEXT    PIXELS "layers: ['gated 3 k3 strict: true', gated 3 k3, relu]\n"
#define MAP                                                                                        \
    PIXELS "decoder: [linear 8, tanh, reshape 2 2 2, deconv 2 k2 s2]\n"                            \
           "layers: ['gated 3 k3 strict: true', causal 3 k3, relu]\n"

static const step_case cases[] = {
    {"vae", VAE, 4, 4, 1, 2, 0, FILE_OF},
    {"vae_three", VAE "objective: {samples: 3}\n", 4, 4, 1, 2, 0, FILE_OF},
    {"vae_iwae", VAE "objective: {name: iwae, samples: 4, beta: 0.5}\n", 4, 4, 1, 2, 0, FILE_OF},
    {"vae_full", VAE FULL "objective: {samples: 2}\n", 4, 4, 1, 2, 0, FILE_OF},
    {"vae_full_iwae", VAE FULL "objective: {name: iwae, samples: 3}\n", 4, 4, 1, 2, 0, FILE_OF},
    {"iwae_one", ONE "objective: {samples: 4}\n", 4, 4, 1, 2, 0, FILE_OF},
    {"iwae_two", TWO "objective: {samples: 4}\n", 4, 4, 1, 2, 0, FILE_OF},
    {"iwae_two_elbo", TWO "objective: {name: elbo, samples: 3}\n", 4, 4, 1, 2, 0, FILE_OF},
    {"ladder", MERGED, 4, 4, 1, 2, 0, LADDER_FILE},
    {"ladder_iwae", MERGED "objective: {name: iwae, samples: 4}\n", 4, 4, 1, 2, 0, LADDER_FILE},
    {"ladder_free", MERGED "objective: {samples: 2, beta: 0.5, free_bits: 1.8}\n", 4, 4, 1, 2, 0,
     LADDER_FILE},
    {"ladder_concat", CONCAT "objective: {samples: 2}\n", 4, 4, 1, 2, 0, LADDER_FILE},
    {"ladder_concat_iwae", CONCAT "objective: {name: iwae, samples: 3, beta: 0.5}\n", 4, 4, 1, 2, 0,
     LADDER_FILE},
    {"chain_norm", CHAIN "objective: {name: elbo, samples: 2, beta: 0.5}\n", 4, 4, 1, 2, 0,
     LADDER_FILE},
    {"chain_softplus", CHAIN "posterior: {scale: softplus}\nobjective: {name: elbo, samples: 1}\n",
     4, 4, 1, 2, 0, LADDER_FILE},
    {"pixelvae", CONTEXT "objective: {samples: 2, beta: 0.5}\n", 4, 4, 1, 2, 0, PIXEL_FILE},
    {"pixelvae_iwae", CONTEXT "objective: {name: iwae, samples: 3}\n", 4, 4, 1, 2, 0, PIXEL_FILE},
    {"pixelvae_map", MAP, 4, 4, 1, 2, 0, PIXEL_FILE},
    {"pixelvae_map_iwae", MAP "objective: {name: iwae, samples: 3, beta: 0.5}\n", 4, 4, 1, 2, 0,
     PIXEL_FILE},
};

int main(void)
{
    return run_steps("steps of bounds", cases, sizeof cases / sizeof *cases, NULL);
}
