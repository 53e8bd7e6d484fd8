/* A kind of model of one's own: a plain autoencoder, trained on the built-in digits.
 *
 *     cc autoencoder.c -o autoencoder $(pkg-config --cflags --libs reverie)
 *     ./autoencoder runs/autoencoder
 *
 * The first page is the kind; the second trains it, resumes it for one more epoch, evaluates it and
 * decodes codes into autoencoder.png.  Such a run is opened by programs that register its kind. */
#include <reverie/reverie.h>

#include <stdio.h>

typedef struct autoencoder_config {
    int64_t code;
    rv_words encoder, decoder;
} autoencoder_config;

#define RV_ROWS_OF autoencoder_config
static const rv_option options[] = {
    RV_INTEGER("code", code, "8", 1, 65536, "width of the code"),
    RV_LAYERS("encoder", encoder, "[linear 256, relu]", "layers from the image to the code"),
    RV_LAYERS("decoder", decoder, "[linear 256, relu]", "layers from the code to the pixels"),
};

enum { ENCODER, DECODER };
static void nets(const rv_model *m, rv_net_wish *wish)
{
    const autoencoder_config *c = m->config;
    wish[ENCODER] = (rv_net_wish){.name = "encoder", .words = c->encoder, .width = c->code};
    wish[DECODER] = (rv_net_wish){
        .name = "decoder", .words = c->decoder, .in = rv_shape1(c->code), .gives_images = 1};
}

/* -|x - g(f(x))|^2 / 2, [B]: log p(x) of a Gaussian at the reconstruction, but for its constant */
static rv_expr fit(const rv_model *m, rv_expr x, rv_expr y, rv_mode mode)
{
    (void)y;                                                /* no class is given */
    rv_expr code = rv_model_apply(m, ENCODER, x, mode);     /* f(x) [B,Z] */
    rv_expr again = rv_model_apply(m, DECODER, code, mode); /* g(f(x)) [B,D] */
    return rv_scale(rv_sum(rv_square(rv_sub(x, again)), RV_AXIS(1)), -0.5);
}

/* The code as one point: a Normal of no width. */
static rv_dist posterior(const rv_model *m, rv_expr x, rv_mode mode)
{
    rv_expr code = rv_model_apply(m, ENCODER, x, mode);
    return rv_normal(code, rv_zeros_like(code));
}

static rv_expr decode(rv_model *m, rv_expr code)
{
    return rv_model_apply(m, DECODER, code, RV_EVALUATE);
}

static const rv_model_kind autoencoder = {
    .name = "autoencoder",
    .about = "a plain autoencoder",
    RV_OPTIONS(options, autoencoder_config),
    .nets = nets,
    .z_width = RV_MEMBER(autoencoder_config, code),
    .score = {"fit", fit},
    .latent = {.posterior = posterior},
    .decode = decode,
};

/* ---- using it ---- */

static rv_status start(rv_context *context, const rv_experiment_place *place)
{
    static const char *const settings[] = {"model=autoencoder", "data.name=digits",
                                           "data.limit=2000",   "data.validation=200",
                                           "train.epochs=2",    "code=16"};
    rv_config *config = NULL;
    rv_experiment *run = NULL;
    rv_status status = rv_config_new(context, &config);
    for (size_t i = 0; status == RV_OK && i < sizeof settings / sizeof *settings; i++)
        status = rv_config_set(config, settings[i]);
    if (status != RV_OK) {
        rv_config_free(config);
        return status;
    }
    status = rv_experiment_create(context, place, config, RV_CREATE_NEW, &run);
    if (status == RV_OK)
        status = rv_experiment_train(run, NULL, NULL);
    rv_experiment_free(run);
    return status;
}

static rv_status go_on(rv_context *context, const rv_experiment_place *place)
{
    const char *const longer[] = {"train.epochs=3"};
    rv_experiment *run = NULL;
    rv_status status = rv_experiment_resume(context, place, longer, 1, &run);
    if (status == RV_OK)
        status = rv_experiment_train(run, NULL, NULL);
    rv_experiment_free(run);
    return status;
}

/* How well the test images fit, and pictures of 64 codes drawn from N(0, I). */
static rv_status look(rv_context *context, const rv_experiment_place *place)
{
    rv_experiment *run = NULL;
    rv_evaluator *evaluator = NULL;
    rv_report report = {0};
    rv_image *image = NULL;
    rv_status status = rv_experiment_open(context, place, "best", 0, &run);
    if (status == RV_OK)
        status = rv_evaluator_new(rv_experiment_model(run), 100, &evaluator);
    rv_source *test = status == RV_OK ? rv_experiment_source(run, RV_SPLIT_TEST) : NULL;
    if (test)
        status = rv_evaluator_run(evaluator, test, 1, &report);
    if (test && status == RV_OK) {
        printf("fit %.2f on %lld test images\n", rv_values_number(&report.values, "fit"),
               (long long)report.examples);
        image = rv_experiment_samples(run, 64, 1);
    }
    if (image)
        rv_image_save(context, image, "autoencoder.png");
    rv_image_free(image);
    rv_report_free(&report);
    rv_evaluator_free(evaluator);
    rv_experiment_free(run);
    return rv_error_status(context);
}

int main(int count, char **argument)
{
    static rv_status (*const step[])(rv_context *, const rv_experiment_place *) = {start, go_on,
                                                                                   look};
    if (count != 2) {
        fprintf(stderr, "usage: autoencoder RUN\n");
        return RV_BAD_USAGE;
    }
    rv_context *context = rv_context_new();
    rv_experiment_place place = {argument[1], NULL, 0};
    rv_status status = context ? rv_model_register(context, &autoencoder) : RV_NO_MEMORY;
    for (size_t i = 0; status == RV_OK && i < sizeof step / sizeof *step; i++)
        status = step[i](context, &place);
    if (status != RV_OK && context)
        fprintf(stderr, "autoencoder: %s\n", rv_error_message(context));
    rv_context_free(context);
    return status;
}
