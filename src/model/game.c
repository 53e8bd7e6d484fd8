/* A generator and its opponent: their nets, their noise, and their reports. */
#include "model/game.h"

#include <string.h>

#define RV_ROWS_OF game_config
const rv_option game_options[] = {
    RV_CHOICE("output", output, "sigmoid", "sigmoid|tanh|none",
              "last of the generator: sigmoid for data in [0,1], tanh for [-1,1]"),
    RV_CHOICE("prior", prior, "normal", "normal|uniform",
              "what z is drawn from: N(0, 1), or uniform in (-1, 1)"),
    RV_INTEGER("base_width", base_width, "64", 1, 65536,
               "what `w` stands for in the layers: `8w` is 8 times this"),
    RV_GROUP(rv_net_start_options, start),
};

static const game_config *config_of(const rv_model *model)
{
    return rv_model_member(model, model->kind->game->config);
}

/* ---- making ---- */

static int ends_in(rv_words words, const char *word)
{
    return words.count > 0 && strcmp(words.word[words.count - 1], word) == 0;
}

static rv_status check_generator(const rv_model *model, const char *name, rv_words words)
{
    const char *last = ends_in(words, "sigmoid") ? "sigmoid" : "tanh";
    if (!ends_in(words, last))
        return RV_OK;
    return rv_fail(model->context, RV_BAD_USAGE,
                   "%s ends in `%s`, but a layer to the images may follow: leave it out and set "
                   "output=%s",
                   name, last, last);
}

/* Warns if the range of the generator is not that of the data. */
static rv_status warn_of_range(rv_model *model)
{
    int output = config_of(model)->output;
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
    return RV_OK;
}

rv_status game_check(const rv_model *model)
{
    const game_config *config = config_of(model);
    if (ends_in(config->opponent, "sigmoid"))
        return rv_fail(model->context, RV_BAD_USAGE,
                       "%s ends in `sigmoid`, but a linear layer to one number follows, which the "
                       "loss takes as it is: leave the sigmoid out",
                       model->kind->game->opponent);
    return check_generator(model, model->kind->game->generator, config->generator);
}

void game_nets(const rv_model *model, rv_net_wish *wish)
{
    const game_config *config = config_of(model);
    wish[GENERATOR] = (rv_net_wish){.name = model->kind->game->generator,
                                    .words = config->generator,
                                    .in = rv_shape1(config->latent),
                                    .gives_images = 1,
                                    .base_width = config->base_width,
                                    .start = config->start};
    wish[OPPONENT] = (rv_net_wish){.name = model->kind->game->opponent,
                                   .words = config->opponent,
                                   .width = 1,
                                   .base_width = config->base_width,
                                   .start = config->start};
}

rv_net_wish game_encoder(const rv_model *model, rv_words words, int64_t width)
{
    const game_config *config = config_of(model);
    return (rv_net_wish){.name = "encoder",
                         .words = words,
                         .width = width,
                         .base_width = config->base_width,
                         .start = config->start};
}

/* ---- the game ---- */

rv_expr game_generate(const rv_model *model, rv_expr z, rv_mode mode)
{
    rv_expr x = rv_model_apply(model, GENERATOR, z, mode);
    switch ((game_output)config_of(model)->output) {
    case OUTPUT_SIGMOID: return rv_sigmoid(x);
    case OUTPUT_TANH: return rv_tanh(x);
    case OUTPUT_NONE: break;
    }
    return x;
}

rv_expr game_judge(const rv_model *model, rv_expr x, rv_mode mode)
{
    return rv_model_apply(model, OPPONENT, x, mode);
}

rv_expr game_noise(const rv_model *model, const rv_iteration *iteration, const char *name)
{
    const game_config *config = config_of(model);
    rv_draw_axes axes = {0, -1};
    rv_shape shape = rv_shape2(iteration->batch, config->latent);
    if (config->prior == RV_PRIOR_NORMAL)
        return rv_draw_normal(iteration->graph, name, shape, axes);
    return rv_shift(rv_scale(rv_draw_uniform(iteration->graph, name, shape, axes), 2), -1);
}

/* [B,D] -> the sum over D of the variance over B */
static rv_expr spread(rv_expr x)
{
    rv_expr centered = rv_sub(x, rv_mean_keep(x, RV_AXIS(0)));
    return rv_sum(rv_square(centered), rv_all_axes(x));
}

/* Infinite if the images do not differ at all: an alarm, not a plausible number. */
static rv_expr diversity(rv_expr real, rv_expr fake)
{
    rv_expr least = rv_scalar(rv_expr_graph(real), 1e-30);
    return rv_div(rv_maximum(spread(fake), least), spread(real));
}

/* ---- stages ---- */

rv_stage game_discriminator(const rv_model *model, rv_expr loss, rv_expr real_logits,
                            rv_expr fake_logits)
{
    rv_stage stage = rv_model_stage(model, "discriminator", loss, RV_NET(OPPONENT));
    stage.loss_name = "discriminator_loss";
    rv_stage_report(&stage, "real_score", rv_mean_all(rv_sigmoid(real_logits)));
    rv_stage_report(&stage, "fake_score", rv_mean_all(rv_sigmoid(fake_logits)));
    return stage;
}

rv_stage game_generator(const rv_model *model, const char *name, rv_expr loss, uint64_t parts,
                        rv_expr real, rv_expr fake)
{
    rv_stage stage = rv_model_stage(model, name, loss, parts);
    stage.loss_name = "generator_loss";
    stage.gradient_name = "generator_gradient";
    rv_stage_report(&stage, "diversity", diversity(real, fake));
    return stage;
}

/* ---- views ---- */

static rv_expr decode(rv_model *model, rv_expr z)
{
    return game_generate(model, z, RV_EVALUATE);
}

static int64_t latent_width(const rv_model *model)
{
    return config_of(model)->latent;
}

static rv_prior prior(const rv_model *model)
{
    return (rv_prior)config_of(model)->prior;
}

void game_defaults(rv_model_kind *kind)
{
    OR_ELSE(kind->nets, 1, game_nets);
    OR_ELSE(kind->create, 1, warn_of_range);
    OR_ELSE(kind->decode, 1, decode);
    OR_ELSE(kind->latent_width, 1, latent_width);
    OR_ELSE(kind->prior, 1, prior);
}
