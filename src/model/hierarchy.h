/* Levels of latents, level 0 nearest to the image: the generative model that hierarchies share, and
 * their views.
 *
 *   p(x,z) = p(zL) p(zL-1|zL) ... p(z1|z2) p(x|z1),   p(zL) = N(0, I)
 *
 * Each factor is a diagonal Gaussian; its mean and scale are one linear layer of the decoder's
 * words between two `latent N`.  With a path h beside the latents a factor depends on all levels
 * above it: p(zi|h), h <- h + f(h) + W zi; the words of a level give p and f. */
#ifndef MODEL_HIERARCHY_H
#define MODEL_HIERARCHY_H

#include "model/level_words.h"

typedef enum level_scale { SCALE_EXP, SCALE_SOFTPLUS } level_scale;

typedef struct hierarchy {
    rv_words encoder, decoder;
    int scale;      /* level_scale: sigma = exp(s), or sigma^2 = softplus(s) + eta */
    double eta;     /* least variance under softplus */
    int batch_norm; /* after the linear layers of means and scales, too */
    int has_path;
    int64_t path; /* width of h */
    rv_observation observed;
    rv_net_start start;
} hierarchy;

/* Scale, eta and batch_norm: exp or softplus; 1e-5; false. */
extern const rv_option hierarchy_exp_options[3], hierarchy_softplus_options[3];

/* A place on the way down. */
typedef struct hierarchy_place {
    rv_dist p;    /* p(z_i|above), rows */
    rv_expr path; /* h + f(h), [rows,H]; of the top [1,H]; NULL: there is none */
} hierarchy_place;

const hierarchy *hierarchy_of(const rv_model *model);
/* The number of levels. */
int hierarchy_levels(const rv_model *model);
/* The names of the draws: z1, z2, ... */
extern const char *const hierarchy_draw_name[RV_LEVELS_MOST];

/* Nets 0 to L-1: the words of the encoder with a linear layer to `message` values (0: to mean and
 * scale of the level), each after the latents below it or, if `is_deterministic`, after the words
 * below it.  Nets L to 2L-1: the decoder's, from the top.  With a path, nets 2L to 3L-1: W of each
 * level.  Returns their number. */
int hierarchy_nets(const rv_model *model, int is_deterministic, int64_t message, rv_net_wish *wish);
/* The path at the top: a learned constant. */
rv_status hierarchy_create(rv_model *model);

/* N(mu, sigma^2) of rows (mu, s) [N,2Z]. */
rv_dist hierarchy_normal(const rv_model *model, rv_expr rows);
/* p of level i, of what hierarchy_below gave for the level above it; of the top NULL, and then
 * `rows` rows. */
hierarchy_place hierarchy_at(const rv_model *model, rv_graph *graph, int i, rv_expr above,
                             int64_t rows, rv_mode mode);
/* What the levels below level i see:  rows of z_i [N,Z] -> [N,.] */
rv_expr hierarchy_below(const rv_model *model, int i, rv_expr path, rv_expr z, rv_mode mode);
/* p(x|.) of what hierarchy_below gave for level 0. */
rv_dist hierarchy_likelihood(const rv_model *model, rv_expr rows, rv_mode mode);

/* K draws [K,B,Z] of q, whose batch is [B] or [K,B]; for 0 draws the means. */
rv_expr hierarchy_draw(rv_dist q, const char *name, int64_t draws);

#endif
