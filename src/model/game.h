/* A generator and its opponent (discriminator or critic): what every adversarial model has. */
#ifndef MODEL_GAME_H
#define MODEL_GAME_H

#include "model/nets.h"

/* The first member of an adversarial model's config. */
typedef struct pair_config {
    int64_t latent, base_width;
    rv_words generator, opponent;
    int output; /* pair_output */
    int prior;  /* rv_prior */
    net_initialiser initialiser;
} pair_config;

typedef enum pair_output { OUTPUT_SIGMOID, OUTPUT_TANH, OUTPUT_NONE } pair_output;

/* The rows of pair_config; the keys of the words of both nets. */
#define PAIR_FIELD(name) offsetof(pair_config, name)
#define PAIR_OPTIONS(generator_key, opponent_key)                                                  \
    {"latent", RV_OPTION_INTEGER, PAIR_FIELD(latent), "100", 1, 65536, NULL, "width of z"},        \
        {generator_key,                                                                            \
         RV_OPTION_WORDS,                                                                          \
         PAIR_FIELD(generator),                                                                    \
         "[linear 512, relu]",                                                                     \
         0,                                                                                        \
         0,                                                                                        \
         NULL,                                                                                     \
         "layers from z; a linear layer to the pixels follows unless they end in an image"},       \
        {opponent_key,                                                                             \
         RV_OPTION_WORDS,                                                                          \
         PAIR_FIELD(opponent),                                                                     \
         "[linear 512, relu]",                                                                     \
         0,                                                                                        \
         0,                                                                                        \
         NULL,                                                                                     \
         "layers from the image; a linear layer to one number follows"},                           \
        {"output",                                                                                 \
         RV_OPTION_CHOICE,                                                                         \
         PAIR_FIELD(output),                                                                       \
         "sigmoid",                                                                                \
         0,                                                                                        \
         0,                                                                                        \
         "sigmoid|tanh|none",                                                                      \
         "last of the generator: sigmoid for data in [0,1], tanh for [-1,1]"},                     \
        {"prior",                                                                                  \
         RV_OPTION_CHOICE,                                                                         \
         PAIR_FIELD(prior),                                                                        \
         "normal",                                                                                 \
         0,                                                                                        \
         0,                                                                                        \
         "normal|uniform",                                                                         \
         "what z is drawn from: N(0, 1), or uniform in (-1, 1)"},                                  \
        {"base_width",                                                                             \
         RV_OPTION_INTEGER,                                                                        \
         PAIR_FIELD(base_width),                                                                   \
         "64",                                                                                     \
         1,                                                                                        \
         65536,                                                                                    \
         NULL,                                                                                     \
         "what `w` stands for in the layers: `8w` is 8 times this"},                               \
        MODEL_INITIALISER(PAIR_FIELD(initialiser), "pytorch")

/* model->self of an adversarial model, or its first member. */
typedef struct pair {
    const pair_config *config; /* the first member of model->config */
    rv_net *net[3];            /* generator, opponent, and an encoder where there is one */
    int nets;
    weight_list generator, opponent;
} pair;

enum { GENERATOR, OPPONENT, ENCODER };

/* Makes model->self, of `size` bytes beginning with a pair, and both nets; warns of a generator
 * whose range is not that of the data.  `judged` is what the opponent sees. */
rv_status pair_create(rv_model *model, size_t size, const char *generator, const char *opponent,
                      rv_shape judged);
/* A third net, "encoder", from the image to `width` values. */
rv_status pair_add_encoder(rv_model *model, rv_words words, int64_t width);

/* Of the kind's table, for a model whose self is a pair or begins with one. */
void pair_destroy(rv_model *model);
rv_expr pair_decode(rv_model *model, rv_expr z);
int64_t pair_latent_width(const rv_model *model);
rv_prior pair_prior(const rv_model *model);
rv_net *const *pair_nets(const rv_model *model, int *count);

/* z [B,Z] -> images [B,D] */
rv_expr pair_generate(const pair *p, rv_expr z, rv_mode mode);
/* x [B,D] -> scores [B,1]: logits of a discriminator, or a critic's values */
rv_expr pair_judge(const pair *p, rv_expr x, rv_mode mode);
/* z ~ p(z), [B,Z]; `name` keys the draw. */
rv_expr pair_noise(const pair *p, const rv_iteration *iteration, const char *name);
/* Sum over pixels of the variance over the batch, fakes against images: 1 when they differ among
 * each other as images do, 0 when all are one. */
rv_expr pair_diversity(rv_expr real, rv_expr fake);

#endif
