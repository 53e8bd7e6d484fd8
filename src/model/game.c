/* Makes and applies a generator and its opponent. */
#include "model/game.h"

#include "core/memory.h"

#include <string.h>

static int ends_in(rv_words words, const char *word)
{
    return words.count > 0 && strcmp(words.word[words.count - 1], word) == 0;
}

static rv_status check_words(rv_model *model, const char *name, rv_words words)
{
    const char *last = ends_in(words, "sigmoid") ? "sigmoid" : "tanh";
    if (!ends_in(words, last))
        return RV_OK;
    return rv_fail(model->context, RV_BAD_USAGE,
                   "%s ends in `%s`, but a layer to the images may follow: leave it out and set "
                   "output=%s",
                   name, last, last);
}

static void warn_of_range(const rv_model *model, int output)
{
    double low = (double)model->sizes.low, high = (double)model->sizes.high;
    if (output == OUTPUT_TANH && !(low == -1 && high == 1))
        rv_notify(model->context, RV_LOG_WARNING,
                  "the generator ends in a tanh, in [-1,1], but the images are in [%g,%g]: set "
                  "data.range=[-1,1]%s",
                  low, high, low == 0 && high == 1 ? ", or output=sigmoid" : " alone");
    if (output == OUTPUT_SIGMOID && !(low == 0 && high == 1))
        rv_notify(model->context, RV_LOG_WARNING,
                  "the generator ends in a sigmoid, in [0,1], but the images are in [%g,%g]: set "
                  "%sdata.range=[0,1]%s",
                  low, high, low == -1 && high == 1 ? "output=tanh, or " : "",
                  low == -1 && high == 1 ? "" : " alone");
}

static rv_status make_generator(rv_model *model, const pair_config *config, const char *name,
                                pair *out)
{
    net_wish wish = {.name = name,
                     .words = config->generator,
                     .in = rv_shape1(config->latent),
                     .width = rv_data_width(model->sizes),
                     .keep_image = 1,
                     .base_width = config->base_width,
                     .initialiser = config->initialiser};
    rv_status status = check_words(model, name, config->generator);
    if (status != RV_OK)
        return status;
    out->net[GENERATOR] = model_net(model, &wish);
    return out->net[GENERATOR] ? model_check_images(model, out->net[GENERATOR])
                               : rv_error_status(model->context);
}

static rv_status make_opponent(rv_model *model, const pair_config *config, const char *name,
                               rv_shape judged, pair *out)
{
    net_wish wish = {.name = name,
                     .words = config->opponent,
                     .in = judged,
                     .width = 1,
                     .base_width = config->base_width,
                     .initialiser = config->initialiser};
    if (ends_in(config->opponent, "sigmoid"))
        return rv_fail(model->context, RV_BAD_USAGE,
                       "%s ends in `sigmoid`, but a linear layer to one number follows, which the "
                       "loss takes as it is: leave the sigmoid out",
                       name);
    out->net[OPPONENT] = model_net(model, &wish);
    return out->net[OPPONENT] ? RV_OK : rv_error_status(model->context);
}

rv_status pair_create(rv_model *model, size_t size, const char *generator, const char *opponent,
                      rv_shape judged)
{
    pair *p = model->self = rv_calloc(1, size);
    if (!p)
        return rv_fail_memory(model->context);
    p->config = model->config;
    p->nets = 2;
    rv_status status = make_generator(model, p->config, generator, p);
    if (status == RV_OK)
        status = make_opponent(model, p->config, opponent, judged, p);
    if (status != RV_OK)
        return status;
    warn_of_range(model, p->config->output);
    status = model_weights(model, &p->net[GENERATOR], 1, &p->generator);
    return status == RV_OK ? model_weights(model, &p->net[OPPONENT], 1, &p->opponent) : status;
}

rv_status pair_add_encoder(rv_model *model, rv_words words, int64_t width)
{
    pair *p = model->self;
    net_wish wish = {.name = "encoder",
                     .words = words,
                     .in = model_image_shape(model),
                     .width = width,
                     .base_width = p->config->base_width,
                     .initialiser = p->config->initialiser};
    p->net[ENCODER] = model_net(model, &wish);
    p->nets = 3;
    return p->net[ENCODER] ? RV_OK : rv_error_status(model->context);
}

/* ---- the kind's table ---- */

void pair_destroy(rv_model *model)
{
    pair *p = model->self;
    for (int i = 0; i < p->nets; i++)
        rv_net_free(p->net[i]);
    weight_list_free(&p->generator);
    weight_list_free(&p->opponent);
    rv_free(p);
    model->self = NULL;
}

rv_expr pair_decode(rv_model *model, rv_expr z)
{
    return pair_generate(model->self, z, RV_EVALUATE);
}

int64_t pair_latent_width(const rv_model *model)
{
    const pair *p = model->self;
    return p->config->latent;
}

rv_prior pair_prior(const rv_model *model)
{
    const pair *p = model->self;
    return (rv_prior)p->config->prior;
}

rv_net *const *pair_nets(const rv_model *model, int *count)
{
    const pair *p = model->self;
    *count = p->nets;
    return p->net;
}

/* ---- the game ---- */

rv_expr pair_generate(const pair *p, rv_expr z, rv_mode mode)
{
    rv_expr x = model_apply(p->net[GENERATOR], z, mode);
    switch ((pair_output)p->config->output) {
    case OUTPUT_SIGMOID: return rv_sigmoid(x);
    case OUTPUT_TANH: return rv_tanh(x);
    case OUTPUT_NONE: break;
    }
    return x;
}

rv_expr pair_judge(const pair *p, rv_expr x, rv_mode mode)
{
    return model_apply(p->net[OPPONENT], x, mode);
}

rv_expr pair_noise(const pair *p, const rv_iteration *iteration, const char *name)
{
    rv_draw_axes axes = {0, -1};
    rv_shape shape = rv_shape2(iteration->batch, p->config->latent);
    if (p->config->prior == RV_PRIOR_NORMAL)
        return rv_draw_normal(iteration->graph, name, shape, axes);
    return rv_shift(rv_scale(rv_draw_uniform(iteration->graph, name, shape, axes), 2), -1);
}

/* [B,D] -> the sum over D of the variance over B */
static rv_expr spread(rv_expr x)
{
    rv_expr centered = rv_sub(x, rv_mean_keep(x, RV_AXIS(0)));
    return rv_sum(rv_square(centered), rv_all_axes(x));
}

/* Infinite where the images do not differ at all: an alarm, and not a number that seems to be
 * one. */
rv_expr pair_diversity(rv_expr real, rv_expr fake)
{
    rv_expr least = rv_scalar(rv_expr_graph(real), 1e-30);
    return rv_div(rv_maximum(spread(fake), least), spread(real));
}
