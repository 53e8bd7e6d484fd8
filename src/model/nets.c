/* Makes nets from words, and applies them to flat images. */
#include "model/nets.h"

#include "core/memory.h"
#include "core/text.h"
#include "reverie/program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_MOST = 1024 };

#define RV_ROWS_OF rv_net_start
#define START(initial)                                                                             \
    RV_CHOICE("initialiser", initialiser, initial, RV_INITIALISERS, "how the weights begin"),      \
        RV_NUMBER("initialiser_deviation", deviation, "0.02", 0, 1e3,                              \
                  "standard deviation of the weights of initialiser=normal")
#define OUTPUT_BIAS(initial)                                                                       \
    RV_CHOICE("output_bias", output_bias, initial, "default|data",                                 \
              "the decoder's last bias begins as the initialiser says, or as the logits of the "   \
              "mean training image")
const rv_option rv_net_start_options[] = {START("pytorch")};
const rv_option rv_output_bias_options[] = {OUTPUT_BIAS("default")};
const rv_option rv_glorot_start_options[] = {START("glorot_uniform"), OUTPUT_BIAS("data")};

/* ---- words ---- */

static int is_part_of_word(char c)
{
    return rv_is_letter(c) || rv_is_digit(c) || c == '_' || c == '.';
}

/* Writes one token of a word: `8w`, `channels`, or itself.  Returns how many characters. */
static int write_token(char *out, size_t bytes, const char *token, size_t length,
                       const rv_net_wish *wish, int64_t channels)
{
    char *end;
    long times = strtol(token, &end, 10);
    if (wish->base_width > 0 && end > token && end == token + length - 1 && *end == 'w')
        return snprintf(out, bytes, "%lld", (long long)(times * wish->base_width));
    if (length == strlen("channels") && strncmp(token, "channels", length) == 0)
        return snprintf(out, bytes, "%lld", (long long)channels);
    return snprintf(out, bytes, "%.*s", (int)length, token);
}

static rv_status write_word(rv_model *model, const rv_net_wish *wish, const char *word,
                            char out[WORD_MOST])
{
    size_t used = 0;
    while (*word && used < WORD_MOST - 1) {
        size_t length = 0;
        while (is_part_of_word(word[length]))
            length++;
        length += length == 0;
        used += (size_t)write_token(out + used, WORD_MOST - used, word, length, wish,
                                    model->sizes.channels);
        word += length;
    }
    if (used >= WORD_MOST - 1)
        return rv_fail(model->context, RV_BAD_USAGE, "%s: `%.60s...` is too long for a layer",
                       wish->name, out);
    out[used] = '\0';
    return RV_OK;
}

/* ---- nets ---- */

static rv_shape image_shape(const rv_model *model)
{
    return rv_shape3(model->sizes.height, model->sizes.width, model->sizes.channels);
}

/* The output of the first `words` layers of a net, those inside a residual not counted. */
static rv_shape output_of(const rv_net *net, int words)
{
    rv_shape shape = rv_net_input_shape(net);
    for (int i = 0; words > 0; i++) {
        rv_net_layer layer = rv_net_layer_at(net, i);
        if (layer.depth == 0) {
            shape = layer.out;
            words--;
        }
    }
    return shape;
}

/* The shape of the net's input for each row.  The wishes before `wish` are those of the nets
 * that are there. */
static rv_shape input_of(const rv_model *model, const rv_net_wish *wish)
{
    if (wish->after > 0)
        return output_of(model->net[wish->after - 1],
                         wish[wish->after - 1 - model->nets].words.count);
    return wish->in.rank == 0 ? image_shape(model) : wish->in;
}

/* How wide a context the net sees at each pixel. */
static int64_t context_of(const rv_model *model, const rv_net_wish *wish)
{
    if (wish->context_of == 0)
        return wish->context;
    return rv_net_output_shape(model->net[wish->context_of - 1]).dim[2];
}

static rv_net *make(rv_model *model, const rv_net_wish *wish, const char *const *words, int count)
{
    rv_net *net = NULL;
    rv_net_config config = rv_net_defaults();
    rv_shape in = input_of(model, wish);
    int flat = in.rank == 3 && !wish->is_raster && !rv_words_take_images(words, count);
    config.initialiser = (rv_net_initialiser)wish->start.initialiser;
    config.deviation = wish->start.deviation;
    config.params = model->params;
    config.order = wish->order;
    config.is_raster = wish->is_raster;
    config.context = context_of(model, wish);
    rv_net_new_configured(model->context, wish->name, words, count,
                          flat ? rv_shape1(rv_shape_size(in)) : in, &config, &net);
    return net;
}

/* Makes the net, with a last linear layer if one is needed; `all` has room for its word. */
static rv_net *make_with_head(rv_model *model, const rv_net_wish *wish, const char **all,
                              char *head)
{
    int count = wish->words.count;
    int64_t width = wish->width;
    if (wish->gives_images && width == 0) {
        width = rv_data_width(model->sizes);
        rv_net *net = make(model, wish, all, count);
        if (!net || rv_net_output_shape(net).rank == 3)
            return net;
        rv_net_free(net);
    }
    if (wish->heads > 0) {
        snprintf(head, WORD_MOST, wish->is_raster ? "conv %d k1" : "conditionals %d", wish->heads);
        all[count++] = head;
    } else if (width > 0) {
        snprintf(head, WORD_MOST, "linear %lld%s", (long long)width,
                 wish->normalised ? " bias: false" : "");
        all[count++] = head;
    }
    if (wish->normalised)
        all[count++] = "batchnorm";
    return make(model, wish, all, count);
}

static rv_status check_images(rv_model *model, const rv_net *net)
{
    char gives[96], wanted[96];
    rv_shape out = rv_net_output_shape(net), image = image_shape(model);
    if (rv_shape_equal(out, image) ||
        (out.rank == 1 && rv_shape_size(out) == rv_data_width(model->sizes)))
        return RV_OK;
    return rv_fail(model->context, RV_BAD_USAGE,
                   "%s gives %s for each image, but the images are %s (height, width, channels)",
                   rv_net_name(net), rv_shape_text(out, gives), rv_shape_text(image, wanted));
}

static rv_status check_map(rv_model *model, const rv_net *net)
{
    char gives[96];
    rv_shape out = rv_net_output_shape(net);
    if (out.rank == 3 && out.dim[0] == model->sizes.height && out.dim[1] == model->sizes.width)
        return RV_OK;
    return rv_fail(model->context, RV_BAD_USAGE,
                   "%s gives %s for each z, but the map that the pixels see is [%lld,%lld,C] "
                   "(height, width, channels): end its words in that, or leave them out",
                   rv_net_name(net), rv_shape_text(out, gives), (long long)model->sizes.height,
                   (long long)model->sizes.width);
}

/* NULL on failure, with the error latched. */
static rv_net *make_net(rv_model *model, const rv_net_wish *wish)
{
    size_t count = (size_t)wish->words.count + 2; /* and the head */
    const char **all = rv_malloc(count * sizeof *all);
    char(*text)[WORD_MOST] = rv_malloc(count * sizeof *text);
    rv_status status = all && text ? RV_OK : rv_fail_memory(model->context);
    for (int i = 0; status == RV_OK && i < wish->words.count; i++) {
        status = write_word(model, wish, wish->words.word[i], text[i]);
        all[i] = text[i];
    }
    rv_net *net =
        status == RV_OK ? make_with_head(model, wish, all, text[wish->words.count]) : NULL;
    rv_free(all);
    rv_free(text);
    return net;
}

rv_status model_make_nets(rv_model *model, const rv_net_wish wish[RV_NETS_MOST])
{
    for (int i = 0; i < RV_NETS_MOST && wish[i].name; i++) {
        model->net[i] = make_net(model, &wish[i]);
        if (!model->net[i])
            return rv_error_status(model->context);
        model->nets = i + 1;
        rv_status status = wish[i].gives_images ? check_images(model, model->net[i])
                           : wish[i].gives_map  ? check_map(model, model->net[i])
                                                : RV_OK;
        if (status != RV_OK)
            return status;
        if (wish[i].gives_images && wish[i].start.output_bias)
            model->begins_at_mean = model->net[i];
    }
    return RV_OK;
}

/* ---- application ---- */

/* x in the shape that the net takes: [B] and then the net's input. */
static rv_expr shaped(const rv_net *net, rv_expr x)
{
    rv_shape in = rv_net_input_shape(net), shape = rv_expr_shape(x), out = {in.rank + 1, {0}};
    if (shape.rank == in.rank + 1 || rv_shape_size(shape) != shape.dim[0] * rv_shape_size(in))
        return x;
    out.dim[0] = shape.dim[0];
    for (int i = 0; i < in.rank; i++)
        out.dim[i + 1] = in.dim[i];
    return rv_reshape(x, out);
}

rv_expr rv_model_apply(const rv_model *model, int net, rv_expr x, rv_mode mode)
{
    return rv_model_apply_given(model, net, x, NULL, mode);
}

rv_expr rv_model_apply_given(const rv_model *model, int net, rv_expr x, rv_expr context,
                             rv_mode mode)
{
    const rv_net *of = model->net[net];
    return rv_flatten(rv_net_apply_given(of, shaped(of, x), context, mode));
}

rv_expr model_apply_part(const rv_net *net, rv_expr x, rv_mode mode, int first, int count)
{
    return rv_net_apply_part(net, first == 0 ? shaped(net, x) : x, mode, first, count);
}

int model_layers(const rv_net *net)
{
    int count = 0;
    for (int i = 0; i < rv_net_layer_count(net); i++)
        count += rv_net_layer_at(net, i).depth == 0;
    return count;
}

rv_expr rv_model_features(const rv_model *model, int net, rv_expr x, rv_mode mode)
{
    const rv_net *of = model->net[net];
    return rv_flatten(model_apply_part(of, x, mode, 0, model_layers(of) - 1));
}

rv_expr rv_mean_all(rv_expr each)
{
    return rv_mean(each, rv_all_axes(each));
}

rv_dist rv_normal_halves(rv_expr h)
{
    int64_t width = rv_dim(h, 1) / 2;
    return rv_normal_log(rv_cols(h, 0, width), rv_cols(h, width, 2 * width));
}

/* ---- beginnings ---- */

rv_status rv_model_begin_at_mean(rv_model *model, const rv_net *net, const float *mean)
{
    int64_t width = rv_data_width(model->sizes);
    int last = rv_net_weight_count(net) - 1;
    rv_param *bias = last >= 0 ? rv_net_weight(net, last) : NULL;
    if (!bias || !rv_shape_equal(rv_param_shape(bias), rv_shape1(width)))
        return rv_fail(model->context, RV_BAD_USAGE,
                       "output_bias: %s does not end in a linear layer with a bias for each pixel: "
                       "set output_bias=default",
                       rv_net_name(net));
    float *logits = rv_malloc((size_t)width * sizeof *logits);
    if (!logits)
        return rv_fail_memory(model->context);
    double low = (double)model->sizes.low, range = (double)model->sizes.high - low;
    for (int64_t i = 0; i < width; i++) {
        double p = fmin(0.999, fmax(0.001, ((double)mean[i] - low) / range));
        logits[i] = (float)log(p / (1 - p));
    }
    rv_status status = rv_param_write(bias, logits, (size_t)width);
    rv_free(logits);
    return status;
}
