/* Functions for all models: making a model of a kind, with its nets and weights. */
#include "core/memory.h"
#include "model/nets.h"
#include "model/parts.h"

#include <limits.h>
#include <string.h>

/* A list of weights, made when a stage asks for it. */
typedef struct weight_set {
    struct weight_set *next;
    uint64_t parts;
    int count;
    rv_param *weight[];
} weight_set;

/* The private state of a model. */
struct rv_model_rest {
    rv_model_kind kind; /* the registered kind, with the functions of its parts */
    weight_set *sets;
};

int64_t rv_data_width(rv_data_sizes sizes)
{
    return sizes.height * sizes.width * sizes.channels;
}

int rv_data_are_real(rv_data_sizes sizes)
{
    return sizes.are_points || sizes.dequantised || sizes.logit > 0;
}

const void *rv_model_member(const rv_model *model, size_t member)
{
    return member ? (const char *)model->config + member - 1 : NULL;
}

int rv_model_is_given_class(const rv_model *model)
{
    const int *given = rv_model_member(model, model->kind->score.given_class);
    return given && *given;
}

/* ---- making ---- */

static int64_t latent_width(const rv_model *model)
{
    return *(const int64_t *)rv_model_member(model, model->kind->z_width);
}

static rv_model_kind with_defaults(const rv_model_kind *own)
{
    rv_model_kind kind = *own;
    OR_ELSE(kind.latent_width, kind.z_width > 0, latent_width);
    if (kind.density)
        density_defaults(&kind);
    if (kind.score.each)
        score_defaults(&kind);
    if (kind.hierarchy)
        hierarchy_defaults(&kind);
    if (kind.latent.posterior || kind.latent.draw)
        latent_defaults(&kind);
    if (kind.classifier.logits)
        classifier_defaults(&kind);
    if (kind.semi_supervised)
        semi_supervised_defaults(&kind);
    if (kind.game)
        game_defaults(&kind);
    return kind;
}

/* A model with only its settings. */
static rv_model *new_empty(rv_context *context, const rv_model_kind *kind, const void *config,
                           rv_data_sizes sizes)
{
    rv_model *model = rv_calloc(1, sizeof *model);
    struct rv_model_rest *rest = rv_calloc(1, sizeof *rest);
    void *copy = rv_malloc(kind->config_size + 1);
    if (!model || !rest || !copy) {
        rv_free(model);
        rv_free(rest);
        rv_free(copy);
        rv_fail_memory(context);
        return NULL;
    }
    memcpy(copy, config, kind->config_size);
    rest->kind = with_defaults(kind);
    *model = (rv_model){
        .context = context, .kind = &rest->kind, .sizes = sizes, .config = copy, .rest = rest};
    return model;
}

/* The limit is that of the data sets: products of the sizes do not overflow. */
static rv_status check_sizes(const rv_model *model)
{
    rv_data_sizes s = model->sizes;
    if (s.height >= 1 && s.width >= 1 && s.channels >= 1 && s.height <= INT_MAX &&
        s.width <= INT_MAX / s.height && s.channels <= INT_MAX / (s.height * s.width) &&
        s.classes >= 0)
        return RV_OK;
    return rv_fail(model->context, RV_BAD_USAGE,
                   "images of %lld x %lld x %lld values and %d classes are not supported",
                   (long long)s.height, (long long)s.width, (long long)s.channels, s.classes);
}

/* The checks of the sizes, then of the parts, then of the kind. */
static rv_status check(const rv_model *model)
{
    const rv_model_kind *kind = model->kind;
    rv_status status = check_sizes(model);
    if (status == RV_OK && (model->sizes.are_points || model->sizes.logit > 0) && !kind->score.each)
        status =
            rv_fail(model->context, RV_BAD_USAGE,
                    "model `%s` is of pixels in a range, and the data are %s: choose model=maf, "
                    "realnvp or made",
                    kind->name, model->sizes.are_points ? "points of the plane" : "logits");
    if (status == RV_OK && kind->score.each)
        status = score_check(model);
    if (status == RV_OK && kind->classifier.logits)
        status = classifier_check(model);
    if (status == RV_OK && kind->semi_supervised)
        status = semi_supervised_check(model);
    if (status == RV_OK && kind->game)
        status = game_check(model);
    return status == RV_OK && kind->check ? kind->check(model) : status;
}

static rv_status make(rv_model *model)
{
    const rv_model_kind *kind = model->kind;
    rv_net_wish wish[RV_NETS_MOST] = {0};
    rv_status status = check(model);
    if (status == RV_OK && !(model->params = rv_params_new(model->context)))
        status = RV_NO_MEMORY;
    if (status == RV_OK && kind->nets) {
        kind->nets(model, wish);
        status = model_make_nets(model, wish);
    }
    if (status == RV_OK && kind->create)
        status = kind->create(model);
    return status == RV_OK ? rv_error_status(model->context) : status; /* one from before, too */
}

rv_status rv_model_new(rv_context *context, const rv_model_kind *kind, const void *config,
                       rv_data_sizes sizes, rv_model **out)
{
    *out = NULL;
    rv_model *model = new_empty(context, kind, config, sizes);
    if (!model)
        return RV_NO_MEMORY;
    rv_status status = make(model);
    if (status != RV_OK) {
        rv_model_free(model);
        return status;
    }
    *out = model;
    return RV_OK;
}

void rv_model_free(rv_model *model)
{
    if (!model)
        return;
    for (int i = 0; i < model->nets; i++)
        rv_net_free(model->net[i]);
    for (weight_set *set = model->rest->sets, *next; set; set = next) {
        next = set->next;
        rv_free(set);
    }
    rv_params_free(model->params);
    rv_free(model->rest);
    rv_free(model->config);
    rv_free(model);
}

rv_param *rv_model_own(rv_model *model, const char *name, rv_shape shape, rv_initialiser begin)
{
    rv_param *param = NULL;
    if (model->own_count == RV_OWN_MOST)
        rv_fail(model->context, RV_BAD_USAGE, "%s: a model has at most %d parameters of its own",
                name, (int)RV_OWN_MOST);
    else
        param = rv_params_get(model->params, name, shape, begin, RV_WEIGHT);
    if (param)
        model->own[model->own_count++] = param;
    return param;
}

/* ---- what it has ---- */

int rv_model_kind_has(const rv_model_kind *own, unsigned abilities)
{
    rv_model_kind kind = with_defaults(own);
    int draws_latents = kind.pixels && kind.pixels->context;
    unsigned has = (kind.evaluate ? RV_EVALUATION : 0) | (kind.encode ? RV_ENCODER : 0) |
                   (kind.decode || draws_latents ? RV_DECODER : 0) |
                   (kind.decode_class ? RV_CLASS_DECODER : 0) |
                   (kind.classify ? RV_CLASSIFIER : 0) | (kind.train ? RV_TRAINING : 0) |
                   (kind.class_evidence ? RV_CLASS_EVIDENCE : 0) |
                   (kind.features ? RV_FEATURES : 0) | (kind.score.draw_pass ? RV_SAMPLER : 0);
    return (abilities & ~has) == 0;
}

int rv_model_has(const rv_model *model, unsigned abilities)
{
    return rv_model_kind_has(model->kind, abilities);
}

const char *rv_model_score_lacks(const rv_model *model)
{
    const rv_score_part *score = &model->kind->score;
    return score->lacks ? score->lacks(model) : NULL;
}

rv_net *const *rv_model_nets(const rv_model *model, int *count)
{
    *count = model->nets;
    return model->net;
}

const rv_net *rv_model_begins_at_mean(const rv_model *model)
{
    return model->begins_at_mean;
}

rv_expr rv_model_log_weight(rv_model *model, rv_expr x, const rv_latents *group, int64_t draws)
{
    const rv_model_kind *kind = model->kind;
    if (kind->log_weight)
        return kind->log_weight(model, x, group, draws);
    if (!kind->log_joint)
        return rv_expr_fail(rv_expr_graph(x),
                            "model `%s` has no log p(x, z), which the importance-weighted bound "
                            "needs",
                            kind->name);
    rv_expr z = rv_dist_sample_n(group[0].posterior, group[0].name, draws); /* [K,B,...] */
    return rv_sub(kind->log_joint(model, x, z), rv_log_prob(group[0].posterior, z));
}

rv_expr rv_evaluation_images(const rv_model *model, rv_graph *graph, int64_t batch)
{
    return rv_input(graph, "x", RV_F32, rv_shape2(batch, rv_data_width(model->sizes)));
}

void rv_evaluation_report(rv_evaluation *out, const char *name, rv_expr each)
{
    if (out->metric_count < RV_METRICS_MOST)
        out->metric[out->metric_count++] = (rv_metric){name, each};
}

/* ---- iterations ---- */

/* Writes the weights of the parts, in order, to `out` (NULL: only counts); returns their number. */
static int list_weights(const rv_model *model, uint64_t parts, rv_param **out)
{
    int count = 0;
    for (int i = 0; i < model->nets; i++)
        for (int k = 0; (parts & RV_NET(i)) && k < rv_net_weight_count(model->net[i]); k++, count++)
            if (out)
                out[count] = rv_net_weight(model->net[i], k);
    for (int i = 0; (parts & RV_OWN) && i < model->own_count; i++, count++)
        if (out)
            out[count] = model->own[i];
    return count;
}

/* The model's list of these weights; NULL when memory is out. */
static const weight_set *weights_of(const rv_model *model, uint64_t parts)
{
    for (weight_set *set = model->rest->sets; set; set = set->next)
        if (set->parts == parts)
            return set;
    int count = list_weights(model, parts, NULL);
    weight_set *set = rv_malloc(sizeof *set + (size_t)count * sizeof(rv_param *));
    if (!set) {
        rv_fail_memory(model->context);
        return NULL;
    }
    *set = (weight_set){.next = model->rest->sets, .parts = parts, .count = count};
    list_weights(model, parts, set->weight);
    return model->rest->sets = set;
}

rv_stage rv_model_stage(const rv_model *model, const char *name, rv_expr loss, uint64_t parts)
{
    const weight_set *set = weights_of(model, parts);
    return set ? rv_stage_of(name, loss, set->weight, set->count)
               : rv_stage_of(name, loss, NULL, 0);
}

rv_stage rv_stage_of(const char *name, rv_expr loss, rv_param *const *weight, int weight_count)
{
    return (rv_stage){.name = name,
                      .loss_name = "loss",
                      .loss = loss,
                      .weight = weight,
                      .weight_count = weight_count,
                      .rate = 1};
}

void rv_stage_report(rv_stage *stage, const char *name, rv_expr value)
{
    if (stage->metric_count < RV_METRICS_MOST)
        stage->metric[stage->metric_count++] = (rv_metric){name, value};
}

rv_status rv_iteration_update(rv_iteration *iteration, const rv_stage *stage)
{
    rv_context *context = rv_graph_context(iteration->graph);
    if (iteration->stage_count == RV_STAGES_MOST)
        return rv_fail(context, RV_BAD_USAGE, "%s: an iteration has at most %d stages", stage->name,
                       (int)RV_STAGES_MOST);
    rv_stage *added = &iteration->stage[iteration->stage_count++];
    *added = *stage;
    if (!iteration->optimizer)
        return rv_error_status(context);
    rv_status status = rv_optimize(iteration->optimizer, stage->name, stage->loss, stage->weight,
                                   stage->weight_count, &added->gradient_norm);
    if (status == RV_OK && iteration->ema > 0)
        rv_average_weights(iteration->graph, stage->name, iteration->ema, stage->weight,
                           stage->weight_count);
    return status;
}

rv_expr rv_iteration_images(const rv_iteration *iteration, rv_data_sizes sizes)
{
    return rv_input(iteration->graph, "x", RV_F32,
                    rv_shape2(iteration->batch, rv_data_width(sizes)));
}
