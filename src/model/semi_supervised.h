/* The part of models that learn from labelled and unlabelled images: Kingma, Mohamed, Rezende &
 * Welling 2014, "Semi-supervised Learning with Deep Generative Models", equations 6 to 9.
 *
 *   J(x,y) a bound of log p(x,y) at a draw of the other latents               (-L(x,y), equation 6)
 *   U(x) = sum_y q(y|x) J(x,y) + H(q(y|x))  a bound of log p(x)               (-U(x), equation 7)
 *   maximised: unlabelled mean U(x) + labelled mean J(x,y) + alpha mean log q(y|x)     (equation 9)
 *
 * The means are over the examples of a batch, the first over unlabelled images, the others over
 * labelled ones.  The paper sums over N unlabelled and n labelled examples and sets alpha = 0.1 N
 * before a mean over the n: divided by N, that is unlabelled = 1, labelled = n / N, alpha = 0.1
 * here.  An implementation that weighs each of n labelled examples with w inside sums over N (46 in
 * one that is often run) has alpha = w n / N here.
 *
 * U(x) is summed over all classes (`enumerate`: the decoder takes classes x B rows), or one label
 * is drawn from q(y|x) (`sample`), with the score-function gradient, which is unbiased; without a
 * baseline its variance is so large that few labels have no effect. */
#ifndef MODEL_SEMI_SUPERVISED_H
#define MODEL_SEMI_SUPERVISED_H

#include "model/parts.h"

typedef enum semi_unknown { SEMI_ENUMERATE, SEMI_SAMPLE } semi_unknown;

typedef struct semi_config {
    int unknown; /* semi_unknown */
    double alpha, labelled, unlabelled;
} semi_config;
extern const rv_option semi_options[4]; /* enumerate; 0.1; 1; 1 */

/* The latents in a bound: draws, as in its definition, or the means of their posteriors, for
 * comparing classes without the noise of a draw. */
typedef enum semi_at { SEMI_AT_DRAWS, SEMI_AT_MEANS } semi_at;

/* The reading of images, which does not depend on their label. */
typedef struct semi_reading {
    semi_at at;
    rv_expr images;    /* [B,D] the variable of p(.|y,z): images, or their features */
    rv_expr auxiliary; /* [B,A] drawn for them (or a mean), or NULL */
    rv_expr input;     /* [B,.] of the net of q(y|x) */
    rv_expr logits;    /* [B,K] of q(y|x) */
    rv_expr common;    /* [B] added to every bound, or NULL */
} semi_reading;

/* The reading of images and J(x,y): with these a kind trains, evaluates, classifies, encodes at the
 * most likely class, and decodes a class, or the classes in turn. */
typedef struct semi_supervised_part {
    size_t config;           /* RV_MEMBER, a semi_config */
    int classifier;          /* the net of q(y|x); the features are the input of its last layer */
    const char *latent_name; /* NULL: "z" */
    semi_reading (*read)(const rv_model *model, rv_expr x, rv_mode mode, semi_at at);
    /* y [R B,K], row r B + b is draw r of example b -> [R,B] */
    rv_expr (*joint)(const rv_model *model, const semi_reading *r, rv_expr y, rv_mode mode);
    /* q(z|x,y) of rows y [R B,K] */
    rv_dist (*posterior)(const rv_model *model, const semi_reading *r, rv_expr y, rv_mode mode);
    /* p(x|y,z) of rows */
    rv_dist (*likelihood)(const rv_model *model, rv_expr z, rv_expr y, rv_mode mode);
} semi_supervised_part;

/* One-hot rows [rows,K] of one class. */
rv_expr semi_class(const rv_model *model, rv_graph *graph, int64_t rows, int k);
/* A draw of q, Normal rows [R B,Z], with the same noise [B,Z] for all R, so that classes are
 * compared at the same noise; or the means of q. -> [R B,Z] */
rv_expr semi_draw(rv_dist q, const char *name, int64_t batch, semi_at at);
/* [R B] -> [R,B], the rows of the images read */
rv_expr semi_fold(const semi_reading *r, rv_expr each);
/* log p(y) = -log K */
double semi_log_class(const rv_model *model);

/* Equation 9, from the inputs x, labelled_x and labelled_labels, as the loss of a stage that trains
 * `parts`; reports labelled_bound, unlabelled_bound, classification and accuracy. */
rv_stage semi_stage(rv_model *model, const semi_supervised_part *part, rv_iteration *iteration,
                    const char *name, uint64_t parts);

#endif
