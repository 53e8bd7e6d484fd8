/* What the models that learn from labelled and unlabelled images share: Kingma, Mohamed, Rezende &
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
 * U(x) is summed over all classes (`enumerate`: the decoder takes classes x B rows), or the label
 * is drawn once from q(y|x) (`sample`), whose gradient is the score function's, unbiased and,
 * having no baseline, of a variance under which few labels teach nothing. */
#ifndef MODEL_SEMI_SUPERVISED_H
#define MODEL_SEMI_SUPERVISED_H

#include "model/nets.h"
#include "reverie/model.h"
#include "reverie/option.h"

typedef enum labels_unknown_kind { LABELS_ENUMERATE, LABELS_SAMPLE } labels_unknown_kind;

typedef struct labels_config {
    int unknown; /* labels_unknown_kind */
    double alpha, labelled, unlabelled;
} labels_config;

extern const rv_option semi_supervised_options[4]; /* enumerate; 0.1; 1; 1 */

/* Where a bound is looked at: at draws of the latents, as it is defined, or at the means of their
 * posteriors, by which classes are compared without the noise of a draw. */
typedef enum labels_at { LABELS_AT_DRAWS, LABELS_AT_MEANS } labels_at;

/* What a model has made of images before their label matters. */
typedef struct labels_reading {
    labels_at at;
    rv_expr images;    /* [B,D] what the model's p(.|y,z) is of: images, or their features */
    rv_expr auxiliary; /* [B,A] drawn for them (or a mean), or NULL */
    rv_expr both;      /* the two side by side, or NULL */
    rv_expr logits;    /* [B,K] of q(y|x) */
    rv_expr common;    /* [B] added to every bound, or NULL */
} labels_reading;

/* How a model reads images, and its J(x,y). */
typedef struct labels_model {
    labels_config config;
    labels_reading (*read)(const rv_model *model, rv_expr x, rv_mode mode, labels_at at);
    /* y [R B,K], row r B + b being draw r of example b -> [R,B] */
    rv_expr (*joint)(const rv_model *model, const labels_reading *reading, rv_expr y, rv_mode mode);
} labels_model;

/* RV_BAD_USAGE for images without labels, and for an objective of nothing. */
rv_status labels_check(const rv_model *model, const labels_config *config);
/* Every class for each of `batch` examples: one-hot rows [K B,K], row k B + b having class k. */
rv_expr labels_every(rv_graph *graph, int64_t batch, int classes);
/* One-hot rows [rows,K] of one class; and of the classes in rotation: row r has class r mod K. */
rv_expr labels_of_class(rv_graph *graph, int64_t rows, int classes, int k);
rv_expr labels_rotation(rv_graph *graph, int64_t rows, int classes);
/* The rotation for the rows of z, for a model's `decode`. */
rv_expr labels_rotation_of(const rv_model *model, rv_expr z);
/* A draw of q, Normal rows [R B,Z], with one noise [B,Z] for all R: classes are compared at the
 * same noise.  Or its means.  -> [R B,Z] */
rv_expr labels_draw(rv_dist q, const char *name, int64_t batch, labels_at at);
/* [R B] -> [R,B] */
rv_expr labels_fold(rv_expr each, int64_t batch);
/* The likeliest class as one-hot rows [B,K]. */
rv_expr labels_likeliest(rv_expr logits);

/* U(x), [B], from logits [B,K] of q(y|x) and J(x,y) [K,B]. */
rv_expr labels_unknown_bound(rv_expr logits, rv_expr joint);
/* An unbiased estimate of it from J at one label y [B,K] drawn from q(y|x), joint [1,B]: its value,
 * and (through a term of value 0) its gradient. */
rv_expr labels_sampled_bound(rv_expr logits, rv_expr y, rv_expr joint);

/* Equation 9, from the inputs x, labelled_x and labelled_labels, as the loss of a stage called
 * `name`; reports labelled_bound, unlabelled_bound, classification and accuracy. */
rv_stage labels_stage(rv_model *model, const labels_model *labels, rv_iteration *iteration,
                      const char *name, const weight_list *weights);
/* elbo (label unknown), elbo_labelled, accuracy of q(y|x), and of the class whose J is largest at
 * posterior means. */
rv_status labels_evaluate(rv_model *model, const labels_model *labels, rv_graph *graph,
                          int64_t batch, rv_evaluation *out);
/* "accuracy": what such a model is for. */
const char *labels_select(const rv_model *model);
/* J(x,y) of every class at posterior means, [B,K]. */
rv_expr labels_evidence(rv_model *model, const labels_model *labels, rv_expr x);

#endif
