/* Training steps of the adversarial models and the classifier against PyTorch. */
#include "golden_steps.h"

#define ADAM "train: {lr: 2e-2, beta1: 0.5, beta2: 0.999, epsilon: 1e-4, log: 1}\n"

#define GAN                                                                                        \
    "model: gan\nlatent: 3\n"                                                                      \
    "generator: [linear 6, batchnorm, relu]\n"                                                     \
    "discriminator: [linear 5, batchnorm, leaky_relu 0.2]\n" ADAM

/* The nets of lab1-dcgan, narrow. */
#define DCGAN                                                                                      \
    "model: gan\nlatent: 4\nbase_width: 2\n"                                                       \
    "generator: [deconv 8w k5 nobias, batchnorm, relu, deconv 4w k5 nobias, batchnorm, relu,\n"    \
    "  deconv 2w k5 s2 nobias, batchnorm, relu, deconv 1w k5 nobias, batchnorm, relu,\n"           \
    "  deconv channels k4 nobias]\n"                                                               \
    "discriminator: [conv 1w k4 s2 p1 nobias, leaky_relu 0.01, conv 2w k4 s2 p1 nobias,\n"         \
    "  batchnorm, leaky_relu 0.01, conv 4w k4 s2 p1 nobias, batchnorm, leaky_relu 0.01,\n"         \
    "  globalavgpool]\n" ADAM

#define WGAN                                                                                       \
    "model: wgan\nlatent: 3\noutput: tanh\n"                                                       \
    "generator: [linear 6, leaky_relu 0.01, batchnorm]\n"                                          \
    "critic: [linear 6, relu, linear 5, batchnorm, relu]\n"                                        \
    "objective: {critic_steps: 2, clip: 0.2}\n"                                                    \
    "train: {optimizer: rmsprop, lr: 2e-2, epsilon: 1e-4, log: 1}\n"

#define PENALTY_ADAM "train: {lr: 2e-2, beta1: 0, beta2: 0.9, epsilon: 1e-4, log: 1}\n"

#define WGAN_GP                                                                                    \
    "model: wgan-gp\nlatent: 3\noutput: tanh\n"                                                    \
    "generator: [linear 6, batchnorm, relu]\n"                                                     \
    "critic: [linear 6, leaky_relu 0.2, linear 5, layernorm, leaky_relu 0.2]\n"                    \
    "objective: {critic_steps: 2, penalty: 10}\n" PENALTY_ADAM

#define WGAN_GP_CONV                                                                               \
    "model: wgan-gp\nlatent: 3\noutput: tanh\n"                                                    \
    "generator: [linear 36, reshape 4 3 3, batchnorm, relu, deconv channels k4 s2 p1]\n"           \
    "critic: [conv 4 k4 s2 p1, leaky_relu 0.2, conv 3 k2, leaky_relu 0.2, flatten]\n"              \
    "objective: {critic_steps: 1, penalty: 10}\n" PENALTY_ADAM

#define RMSPROP "train: {optimizer: rmsprop, lr: 1e-2, epsilon: 1e-4, log: 1}\n"

#define VAE_GAN                                                                                    \
    "model: vae-gan\nlatent: 2\n"                                                                  \
    "encoder: [conv 3 k4 s2 p1 nobias, batchnorm, relu, flatten]\n"                                \
    "decoder: [linear 32, batchnorm, relu, reshape 2 4 4, deconv 1 k4 s2 p1]\n"                    \
    "discriminator: [conv 3 k4 s2 p1, leaky_relu 0.2, conv 4 k4 s2 p1, batchnorm,\n"               \
    "  leaky_relu 0.2, flatten]\n"                                                                 \
    "objective: {feature_layers: 5, gamma: 0.1}\n" RMSPROP

#define VAE_GAN_PIXELS                                                                             \
    "model: vae-gan\nlatent: 2\n"                                                                  \
    "encoder: [linear 5, relu]\ndecoder: [linear 5, relu]\n"                                       \
    "discriminator: [linear 5, leaky_relu 0.2]\n"                                                  \
    "objective: {feature_layers: 0, gamma: 0.1, loss: minimax}\n" RMSPROP

#define BIGAN_LAYERS "[linear 6, leaky_relu 0.2, linear 5, batchnorm, leaky_relu 0.2]\n"
#define BIGAN                                                                                      \
    "model: bigan\nlatent: 3\nprior: uniform\n"                                                    \
    "generator: " BIGAN_LAYERS "discriminator: " BIGAN_LAYERS "encoder: " BIGAN_LAYERS             \
    "train: {lr: 2e-2, beta1: 0.5, beta2: 0.999, epsilon: 1e-4, weight_decay: 1e-2, log: 1}\n"

#define CLASSIFIER                                                                                 \
    "model: classifier\nnormalize: [0.25, 0.5]\n"                                                  \
    "layers: [conv 3 k3 p1, batchnorm, relu, maxpool k2, flatten, linear 5, relu]\n"               \
    "train: {lr: 2e-2, epsilon: 1e-4, log: 1}\n"

#define FILE_OF "adversarial/steps.txt"

static const step_case cases[] = {
    {"gan", GAN, 4, 4, 1, 2, 0, FILE_OF},
    {"gan_minimax", GAN "objective: {loss: minimax, discriminator_rate: 2}\n", 4, 4, 1, 1, 0,
     FILE_OF},
    {"dcgan", DCGAN, 28, 28, 1, 1, 0, FILE_OF},
    {"wgan", WGAN, 4, 4, 1, 4, 0, FILE_OF},
    {"wgan_gp", WGAN_GP, 4, 4, 1, 4, 0, FILE_OF},
    {"wgan_gp_conv", WGAN_GP_CONV, 6, 6, 3, 2, 0, FILE_OF},
    {"vae_gan", VAE_GAN, 8, 8, 1, 2, 0, FILE_OF},
    {"vae_gan_pixels", VAE_GAN_PIXELS, 4, 4, 1, 2, 0, FILE_OF},
    {"bigan", BIGAN, 4, 4, 1, 2, 0, FILE_OF},
    {"classifier", CLASSIFIER, 4, 4, 1, 2, 1, FILE_OF},
};

/* The noise that make_adversarial.py computes for itself. */
static void noise_is_as_ever(void **state)
{
    (void)state;
    golden g = golden_open("adversarial/steps.txt");
    rv_context *context = rv_context_new();
    rv_context_set_backend(context, "reference");
    rv_graph *graph = rv_graph_new(context);
    rv_program *program;
    rv_draw_axes axes = {0, -1};
    rv_expr out[] = {rv_draw_normal(graph, "z", rv_shape2(2, 6), axes),
                     rv_draw_uniform(graph, "z", rv_shape2(2, 6), axes)};
    rv_compile(graph, out, 2, NULL, &program);
    check_ok(context);
    rv_bind_random(program, SEED, 3, 0, 0);
    assert_int_equal(rv_run(program), RV_OK);
    golden_check(&g, "noise.normal", program, 0, out[0], 1e-8);
    golden_check(&g, "noise.uniform", program, 1, out[1], 1e-8);
    rv_program_free(program);
    rv_graph_free(graph);
    rv_context_free(context);
    golden_free(&g);
}

int main(void)
{
    return run_steps("adversarial steps", cases, sizeof cases / sizeof *cases, noise_is_as_ever);
}
