/* A planar flow that is fitted to an energy of the plane, by its number of steps: Rezende & Mohamed
 * 2015, figure 3.  The model is that of `model: energy-flow`; here it is trained without a run. */
#include "demo/demo.h"

#include "core/memory.h"
#include "core/text.h"
#include "energies/energies.h"
#include "reverie/config.h"
#include "reverie/eval.h"

#include <math.h>
#include <string.h>

enum { FITS = 4, PANELS = FITS + 1, SIDE = 240, TITLE = 36, GAP = 8 };
enum { BATCH = 256, EVALUATED = 20000, DRAWS_MOST = 10000000, STARTS = 6 };
static const int lengths[FITS] = {0, 2, 8, 32}; /* 0: the best Gaussian */
static const double rate = 1e-2;                /* of Adam */

rv_demo_flow_config rv_demo_flow_defaults(void)
{
    return (rv_demo_flow_config){.energy = 1, .draws = 1200 * BATCH, .seed = 1};
}

/* How far the figure reaches from the middle of the plane. */
static double reach_of(int energy)
{
    return energy == 1 ? 3.5 : 6.5;
}

/* ---- a fit ---- */

typedef struct fit {
    rv_config *config;
    rv_model *model;
    double kl, error;
    float *density; /* [SIDE,SIDE] */
} fit;

static rv_status open_fit(rv_context *context, const rv_demo_flow_config *c, int length, fit *f)
{
    char recipe[160];
    const rv_data_sizes sizes = {
        .height = 1, .width = 2, .channels = 1, .high = 1, .are_points = 1, .energy = c->energy};
    rv_text_format(recipe, sizeof recipe,
                   "model: energy-flow\nposterior: {flow: planar, flow_length: %d}\n"
                   "objective: {annealing_steps: %lld}\n",
                   length, (long long)(length > 0 ? c->draws / BATCH / 2 : 0));
    rv_status status = rv_config_new(context, &f->config);
    if (status == RV_OK)
        status = rv_config_parse(f->config, recipe, "demo");
    const rv_settings *s = status == RV_OK ? rv_config_settings(f->config) : NULL;
    return s ? rv_model_new(context, s->model, s->model_config, sizes, &f->model)
             : rv_error_status(context);
}

static void close_fit(fit *f)
{
    rv_model_free(f->model);
    rv_config_free(f->config);
    rv_free(f->density);
}

/* Binds what changes from step to step; the rate falls along half a cosine. */
static void bind_step(const fit *f, rv_program *program, uint64_t seed, int64_t step, int64_t steps)
{
    char name[64];
    rv_scalar_input beta;
    double share = (double)step / (double)steps;
    f->model->kind->schedule(f->model, (rv_moment){step, 0, 0}, &beta);
    rv_bind_scalar(program, beta.name, beta.value);
    rv_text_format(name, sizeof name, "%s.lr", f->model->kind->name);
    rv_bind_scalar(program, name, rate * 0.5 * (1 + cos(M_PI * share)));
    rv_text_format(name, sizeof name, "%s.t", f->model->kind->name);
    rv_bind_scalar(program, name, (double)step + 1);
    rv_bind_random(program, seed, (uint32_t)step, 0, 0);
}

static rv_status train(rv_context *context, const rv_demo_flow_config *c, fit *f)
{
    rv_program *program = NULL;
    rv_optimizer_config optimizer = rv_optimizer_defaults();
    rv_iteration iteration = {
        .graph = rv_graph_new(context), .batch = BATCH, .optimizer = &optimizer};
    int64_t steps = c->draws / BATCH;
    rv_status status = iteration.graph ? f->model->kind->train(f->model, &iteration) : RV_NO_MEMORY;
    rv_expr loss = iteration.stage[0].loss;
    if (status == RV_OK)
        status = rv_compile(iteration.graph, &loss, 1, loss, &program);
    for (int64_t step = 0; status == RV_OK && step < steps; step++) {
        bind_step(f, program, c->seed, step, steps);
        status = rv_run(program);
    }
    if (status == RV_NOT_FINITE)
        status =
            rv_fail(context, status, "the flow's free energy is not finite: take another seed");
    rv_program_free(program);
    rv_graph_free(iteration.graph);
    return status;
}

/* The mean of log q_K(z_K) + U(z_K) + log Z over new draws, and its standard error. */
static rv_status measure(rv_context *context, uint64_t seed, fit *f)
{
    rv_evaluation e = {0};
    rv_program *program = NULL;
    rv_graph *graph = rv_graph_new(context);
    float *kl = rv_malloc(EVALUATED * sizeof *kl);
    double square = 0;
    f->kl = 0;
    rv_status status = graph && kl ? f->model->kind->evaluate(f->model, graph, EVALUATED, &e)
                                   : rv_fail_memory(context);
    if (status == RV_OK)
        status = rv_compile(graph, &e.metric[0].value, 1, NULL, &program);
    if (status == RV_OK)
        status = rv_bind_random(program, seed, UINT32_MAX, 0, 0); /* no step has this number */
    if (status == RV_OK)
        status = rv_run(program);
    if (status == RV_OK)
        status = rv_read(program, 0, kl, EVALUATED);
    for (int i = 0; status == RV_OK && i < EVALUATED; i++) {
        f->kl += (double)kl[i] / EVALUATED;
        square += (double)kl[i] * (double)kl[i] / EVALUATED;
    }
    f->error = sqrt(fmax(square - f->kl * f->kl, 0) / EVALUATED);
    rv_program_free(program);
    rv_graph_free(graph);
    rv_free(kl);
    return status;
}

static rv_status make_flow(rv_context *context, const rv_demo_flow_config *c, int length, fit *f)
{
    rv_status status = open_fit(context, c, length, f);
    if (status == RV_OK)
        status = train(context, c, f);
    return status == RV_OK ? measure(context, c->seed, f) : status;
}

/* A Gaussian that begins at a point of the target, half as wide as N(0, I). */
static rv_status make_gaussian(rv_context *context, const rv_demo_flow_config *c, rv_stream *stream,
                               fit *f)
{
    double mu[2];
    const double log_sigma[2] = {log(0.5), log(0.5)};
    energy_draw(c->energy, stream, mu);
    rv_status status = open_fit(context, c, 0, f);
    if (status == RV_OK)
        status = rv_param_write_double(f->model->own[0], mu, 2);
    if (status == RV_OK)
        status = rv_param_write_double(f->model->own[1], log_sigma, 2);
    if (status == RV_OK)
        status = train(context, c, f);
    return status == RV_OK ? measure(context, c->seed, f) : status;
}

/* The objective of a Gaussian has several minima, of one mode or of all: the best of several
 * starts. */
static rv_status make_best_gaussian(rv_context *context, const rv_demo_flow_config *c, fit *best)
{
    rv_stream stream = rv_stream_at(c->seed, rv_site("demo.flow"), 0, 0);
    rv_status status = make_flow(context, c, 0, best);
    for (int i = 1; status == RV_OK && i < STARTS; i++) {
        fit f = {0}, worse;
        status = make_gaussian(context, c, &stream, &f);
        worse = f;
        if (status == RV_OK && f.kl < best->kl) {
            worse = *best;
            *best = f;
        }
        close_fit(&worse);
    }
    return status;
}

/* ---- the figure: densities side by side, each below its title ---- */

/* The middle of pixel i. */
static void pixel_at(double reach, int i, double z[2])
{
    z[0] = reach * (2 * (i % SIDE + 0.5) / SIDE - 1);
    z[1] = reach * (1 - 2 * (i / SIDE + 0.5) / SIDE);
}

static rv_status draw_target(rv_context *context, int energy, float **density)
{
    *density = rv_malloc((size_t)SIDE * SIDE * sizeof **density);
    if (!*density)
        return rv_fail_memory(context);
    for (int i = 0; i < SIDE * SIDE; i++) {
        double z[2];
        pixel_at(reach_of(energy), i, z);
        (*density)[i] = (float)exp(-energy_at(energy, z) - energy_log_z(energy));
    }
    return RV_OK;
}

static rv_status draw_density(rv_context *context, double reach, fit *f)
{
    float *points = rv_malloc((size_t)2 * SIDE * SIDE * sizeof *points);
    f->density = rv_malloc((size_t)SIDE * SIDE * sizeof *f->density);
    for (int i = 0; points && i < SIDE * SIDE; i++) {
        double z[2];
        pixel_at(reach, i, z);
        points[2 * i] = (float)z[0];
        points[2 * i + 1] = (float)z[1];
    }
    rv_status status = points && f->density
                           ? rv_view_score(f->model, points, SIDE * SIDE, f->density)
                           : rv_fail_memory(context);
    for (int i = 0; status == RV_OK && i < SIDE * SIDE; i++)
        f->density[i] = expf(f->density[i]);
    rv_free(points);
    return status;
}

/* In a grey frame: white where there is no density, and dark blue at `most`, the target's largest;
 * by the root, since the eye sees thin parts, too. */
static void put_density(rv_image *figure, int left, const float *density, float most)
{
    static const float ink[3] = {8, 48, 107}; /* red, green, blue */
    for (int i = 0; i < SIDE * SIDE; i++) {
        int row = i / SIDE, column = i % SIDE;
        int is_frame = row % (SIDE - 1) == 0 || column % (SIDE - 1) == 0;
        float share = sqrtf(fminf(density[i] / most, 1));
        size_t at = (size_t)(TITLE + row) * (size_t)figure->width + (size_t)(left + column);
        for (int colour = 0; colour < 3; colour++)
            figure->pixels[3 * at + (size_t)colour] =
                (unsigned char)(is_frame ? 170 : lrintf(255 + share * (ink[colour] - 255)));
    }
}

/* The title line of a chart without lines. */
static rv_status put_title(rv_context *context, rv_image *figure, int left, const char *title)
{
    const double edge[2] = {0, 1}, height = 0;
    rv_chart_config config = rv_chart_defaults();
    config.title = title;
    config.width = config.height = SIDE;
    config.scale = 1;
    rv_chart *chart = rv_chart_new(context, &config);
    rv_chart_bars(chart, NULL, edge, &height, 1);
    rv_image *image = rv_chart_image(chart);
    for (int y = 0; image && y < TITLE; y++)
        memcpy(figure->pixels + 3 * ((size_t)y * (size_t)figure->width + (size_t)left),
               image->pixels + 3 * (size_t)y * SIDE, (size_t)3 * SIDE);
    rv_image_free(image);
    rv_chart_free(chart);
    return rv_error_status(context);
}

static void title_of(int index, const fit *f, char title[64])
{
    if (index == 0)
        rv_text_format(title, 64, "best Gaussian: KL %.3f", f->kl);
    else
        rv_text_format(title, 64, "%d planar steps: KL %.3f", lengths[index], f->kl);
}

static rv_image *draw_figure(rv_context *context, const rv_demo_flow_config *c,
                             const fit fits[FITS])
{
    float *target = NULL, most = 0;
    char title[64];
    rv_image *figure =
        rv_image_new(context, TITLE + SIDE + GAP, PANELS * SIDE + (PANELS + 1) * GAP, 3);
    rv_status status = figure ? draw_target(context, c->energy, &target) : RV_NO_MEMORY;
    if (status == RV_OK)
        memset(figure->pixels, 255, (size_t)figure->height * (size_t)figure->width * 3);
    for (int i = 0; status == RV_OK && i < SIDE * SIDE; i++)
        most = fmaxf(most, target[i]);
    for (int i = 0; status == RV_OK && i < PANELS; i++) {
        int left = GAP + i * (SIDE + GAP);
        rv_text_format(title, sizeof title, "target: energy %d", c->energy);
        if (i > 0)
            title_of(i - 1, &fits[i - 1], title);
        put_density(figure, left, i > 0 ? fits[i - 1].density : target, most);
        status = put_title(context, figure, left, title);
    }
    rv_free(target);
    if (status == RV_OK)
        return figure;
    rv_image_free(figure);
    return NULL;
}

/* ---- the list ---- */

static void list_fit(int index, const rv_demo_flow_config *c, const fit *f, rv_values *v,
                     rv_values *row)
{
    rv_values_fact(row, "steps", lengths[index]);
    rv_values_fact(row, "kl", f->kl);
    rv_values_fact(row, "kl_error", f->error);
    rv_values_fact(row, "free_energy", f->kl - energy_log_z(c->energy));
    rv_values_line(v, "%5d  %7.4f +- %.4f  %11.4f%s", lengths[index], f->kl, f->error,
                   f->kl - energy_log_z(c->energy), lengths[index] > 0 ? "" : "  best Gaussian");
}

static rv_values *begin_list(const rv_demo_flow_config *c, rv_values *v)
{
    rv_values_count(v, "energy", c->energy);
    rv_values_count(v, "draws", c->draws);
    rv_values_count(v, "seed", (int64_t)c->seed);
    rv_values_fact(v, "log_z", energy_log_z(c->energy));
    rv_values_line(v,
                   "planar flows fitted to energy %d, p = exp(-U) / Z, log Z = %.4f, by %lld "
                   "updates of %d draws",
                   c->energy, energy_log_z(c->energy), (long long)(c->draws / BATCH), (int)BATCH);
    rv_values_line(v, "steps   KL(q || p), nats   free energy");
    return rv_values_lists(v, "fits", FITS);
}

static rv_status check_config(rv_context *context, const rv_demo_flow_config *c)
{
    if (c->energy < 1 || c->energy > ENERGIES)
        return rv_fail(context, RV_BAD_USAGE, "energy %d: there are 1 to %d", c->energy,
                       (int)ENERGIES);
    if (c->draws < BATCH || c->draws > DRAWS_MOST)
        return rv_fail(context, RV_BAD_USAGE,
                       "a flow fitted by %lld draws, %d an update: take %d to %d",
                       (long long)c->draws, (int)BATCH, (int)BATCH, (int)DRAWS_MOST);
    return RV_OK;
}

rv_status rv_demo_flow(rv_context *context, const rv_demo_flow_config *config, rv_values *values,
                       rv_image **figure)
{
    fit fits[FITS] = {0};
    *values = rv_values_of(context);
    if (figure)
        *figure = NULL;
    rv_status status = check_config(context, config);
    rv_values *rows = status == RV_OK ? begin_list(config, values) : NULL;
    for (int i = 0; rows && status == RV_OK && i < FITS; i++) {
        status = lengths[i] > 0 ? make_flow(context, config, lengths[i], &fits[i])
                                : make_best_gaussian(context, config, &fits[i]);
        if (status == RV_OK && figure)
            status = draw_density(context, reach_of(config->energy), &fits[i]);
        if (status == RV_OK)
            list_fit(i, config, &fits[i], values, &rows[i]);
    }
    if (rows && status == RV_OK && figure && !(*figure = draw_figure(context, config, fits)))
        status = rv_error_status(context);
    for (int i = 0; i < FITS; i++)
        close_fit(&fits[i]);
    return demo_end(status, values);
}

static rv_status run(rv_context *context, const rv_demo_request *request, rv_values *values)
{
    rv_demo_flow_config config = rv_demo_flow_defaults();
    rv_image *figure;
    config.draws = request->count > 0 ? request->count : config.draws;
    config.seed = request->seed;
    rv_status status = rv_demo_flow(context, &config, values, &figure);
    if (status == RV_OK)
        status = rv_image_save(context, figure, request->figure);
    rv_image_free(figure);
    return demo_end(status, values);
}

const rv_demo demo_flow = {
    .name = "flow",
    .about = "planar flows of 2, 8 and 32 steps fitted to an energy, beside the best Gaussian",
    .endings = ".png",
    .run = run,
};
