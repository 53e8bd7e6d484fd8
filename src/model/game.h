/* A generator and its opponent (discriminator or critic): what every adversarial model has. */
#ifndef MODEL_GAME_H
#define MODEL_GAME_H

#include "model/nets.h"

/* The first member of an adversarial model's config. */
typedef struct game_config {
    int64_t latent, base_width;
    rv_words generator, opponent;
    int output; /* game_output */
    int prior;  /* rv_prior */
    rv_net_start start;
} game_config;

typedef enum game_output { OUTPUT_SIGMOID, OUTPUT_TANH, OUTPUT_NONE } game_output;

/* Its rows: those of the players, whose words have a key of their own, then the rest. */
#define GAME_PLAYERS(generator_key, opponent_key)                                                  \
    RV_INTEGER("latent", game.latent, "100", 1, 65536, "width of z"),                              \
        RV_LAYERS(generator_key, game.generator, "[linear 512, relu]",                             \
                  "layers from z; a linear layer to the pixels follows unless they end in an "     \
                  "image"),                                                                        \
        RV_LAYERS(opponent_key, game.opponent, "[linear 512, relu]",                               \
                  "layers from the image; a linear layer to one number follows")
extern const rv_option game_options[4];

/* model->self of an adversarial model, or its first member. */
typedef struct pair {
    const game_config *config; /* the first member of model->config */
    rv_net *net[3];            /* generator, opponent, and an encoder where there is one */
    int nets;
    weight_list generator, opponent;
} pair;

enum { GENERATOR, OPPONENT, ENCODER };

/* Makes model->self, of `size` bytes beginning with a pair, and both nets; warns of a generator
 * whose range is not that of the data.  `judged` is what the opponent sees. */
rv_status game_create(rv_model *model, size_t size, const char *generator, const char *opponent,
                      rv_shape judged);
/* A third net, "encoder", from the image to `width` values. */
rv_status game_add_encoder(rv_model *model, rv_words words, int64_t width);

/* Of the kind's table, for a model whose self is a pair or begins with one. */
void game_destroy(rv_model *model);
rv_expr game_decode(rv_model *model, rv_expr z);
int64_t game_latent_width(const rv_model *model);
rv_prior game_prior(const rv_model *model);
rv_net *const *game_nets(const rv_model *model, int *count);

/* z [B,Z] -> images [B,D] */
rv_expr game_generate(const pair *p, rv_expr z, rv_mode mode);
/* x [B,D] -> scores [B,1]: logits of a discriminator, or a critic's values */
rv_expr game_judge(const pair *p, rv_expr x, rv_mode mode);
/* z ~ p(z), [B,Z]; `name` keys the draw. */
rv_expr game_noise(const pair *p, const rv_iteration *iteration, const char *name);
/* Sum over pixels of the variance over the batch, fakes against images: 1 when they differ among
 * each other as images do, 0 when all are one. */
rv_expr game_diversity(rv_expr real, rv_expr fake);

#endif
