/* A generator and its opponent (discriminator or critic): the part of every adversarial model. */
#ifndef MODEL_GAME_H
#define MODEL_GAME_H

#include "model/parts.h"

typedef enum game_output { OUTPUT_SIGMOID, OUTPUT_TANH, OUTPUT_NONE } game_output;

/* The players' settings. */
typedef struct game_config {
    int64_t latent, base_width;
    rv_words generator, opponent;
    int output; /* game_output */
    int prior;  /* rv_prior */
    rv_net_start start;
} game_config;

/* Its rows: the words of both players, under keys of the model, then the rest. */
#define GAME_PLAYERS(generator_key, opponent_key)                                                  \
    RV_INTEGER("latent", game.latent, "100", 1, 65536, "width of z"),                              \
        RV_LAYERS(generator_key, game.generator, "[linear 512, relu]",                             \
                  "layers from z; a linear layer to the pixels follows unless they end in an "     \
                  "image"),                                                                        \
        RV_LAYERS(opponent_key, game.opponent, "[linear 512, relu]",                               \
                  "layers from the image; a linear layer to one number follows")
extern const rv_option game_options[4];

/* Net 0 is the generator, net 1 its opponent.  With this part a kind checks and makes both nets,
 * decodes, and draws from the prior. */
typedef struct game_part {
    size_t config;                    /* RV_MEMBER, a game_config */
    const char *generator, *opponent; /* the names of their nets */
} game_part;

enum { GENERATOR, OPPONENT };

/* Both players' nets, for a kind with more nets, or with another input of the opponent. */
void game_nets(const rv_model *model, rv_net_wish *wish);
/* A third net, "encoder", from the image to `width` values. */
rv_net_wish game_encoder(const rv_model *model, rv_words words, int64_t width);

/* z [B,Z] -> images [B,D] */
rv_expr game_generate(const rv_model *model, rv_expr z, rv_mode mode);
/* x [B,D] -> scores [B,1]: logits of a discriminator, or a critic's values */
rv_expr game_judge(const rv_model *model, rv_expr x, rv_mode mode);
/* z ~ p(z), [B,Z]; `name` is the key of the draw. */
rv_expr game_noise(const rv_model *model, const rv_iteration *iteration, const char *name);

/* The stage of a discriminator; reports the means of D(x) and D(G(z)). */
rv_stage game_discriminator(const rv_model *model, rv_expr loss, rv_expr real_logits,
                            rv_expr fake_logits);
/* The stage that trains `parts` for the generator.  Reports its gradient and the diversity: the
 * variance over the batch, summed over pixels, of the fakes [B,D] relative to the images [B,D]; 1
 * when the fakes differ as much as the images, 0 when all fakes are equal. */
rv_stage game_generator(const rv_model *model, const char *name, rv_expr loss, uint64_t parts,
                        rv_expr real, rv_expr fake);

#endif
