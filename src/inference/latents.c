/* Analyses the latents of a trained encoder.
 *
 * Hoffman & Johnson 2016, "ELBO surgery": the averaged KL in two parts, equation 8.
 * Burda, Grosse & Salakhutdinov 2016, section 5.2: active units.  E_q[u|x] is in closed form here,
 * and the variance is over the given images (1/N). */
#include "reverie/inference.h"

#include "core/arena.h"
#include "core/memory.h"
#include "distributions/distribution.h"
#include "inference/aggregate_posterior.h"
#include "inference/report.h"
#include "reverie/eval.h"
#include "reverie/program.h"

#include <math.h>
#include <string.h>

enum { BATCH = 256, VALUES = 5 };

rv_latents_config rv_latents_defaults(void)
{
    return (rv_latents_config){.seed = 1};
}

/* The values of each image: mean, spread (as the distribution defines it), deviation, a draw, KL by
 * element. */
typedef enum value { VALUE_MEAN, VALUE_SPREAD, VALUE_DEVIATION, VALUE_DRAW, VALUE_KL } value;

typedef struct analysis {
    rv_model *model;
    rv_source *source;
    const rv_latents_config *config;
    rv_latents_report *out;
    rv_arena memory; /* of the arrays */
    rv_graph *graph;
    rv_program *program;
    rv_dist_kind kind;
    int has_prior;         /* N(0, I) */
    int64_t numbers;       /* of a draw: width, or width x classes */
    float *value[VALUES];  /* [N,numbers] each */
    float *images, *chunk; /* [BATCH,D], [BATCH,numbers] */
} analysis;

/* ---- the program: all values for an image ---- */

static void describe(analysis *a, const rv_latents *group, int groups)
{
    const rv_model_kind *kind = a->model->kind;
    rv_dist q = group->posterior;
    rv_shape shape = rv_expr_shape(rv_dist_mean(q));
    a->kind = q.kind;
    a->numbers = rv_shape_size(shape) / BATCH;
    a->has_prior = rv_kl_is_exact(q.kind, RV_DIST_NORMAL) && groups == 1 &&
                   (!kind->prior || kind->prior(a->model) == RV_PRIOR_NORMAL);
    a->out->group = group->name;
    a->out->groups = groups;
    a->out->width = q.kind->is_one_hot ? a->numbers / shape.dim[shape.rank - 1] : a->numbers;
}

/* The groups of latents of x [B,D]; group `index` is one that can be reported on. */
static rv_status find_group(rv_model *model, rv_expr x, int index, rv_latents *group, int *groups)
{
    int64_t width[RV_LEVELS_MOST];
    int levels = rv_model_levels(model, width);
    rv_status status = model->kind->encode(model, x, group, groups);
    if (status != RV_OK)
        return status;
    if (index == 0 && levels > 1)
        return rv_fail(
            model->context, RV_BAD_USAGE,
            "the report on latents is of one q(z|x), and the posterior of this run is one "
            "of %d levels, each given another: kl_1 to kl_%d of its evaluation say what "
            "each of them carries",
            levels, levels);
    if (index < 0 || index >= *groups)
        return rv_fail(model->context, RV_BAD_USAGE, "model `%s` has %d groups of latents, not %d",
                       model->kind->name, *groups, index + 1);
    if (group[index].moved)
        return rv_fail(model->context, RV_BAD_USAGE,
                       "the report on latents compares z with the density that the encoder gives, "
                       "and a flow (posterior.flow) moves z away from it, or, as flow=householder, "
                       "turns z by an angle that differs from image to image: the ELBO, its KL and "
                       "L_K hold with a flow, the parts of the KL are not known");
    return RV_OK;
}

static rv_status compile(analysis *a)
{
    rv_latents group[RV_LATENTS_MOST];
    int groups = 0, index = a->config->group;
    rv_model *model = a->model;
    a->graph = rv_graph_new(model->context);
    if (!a->graph)
        return RV_NO_MEMORY;
    rv_expr x = rv_input(a->graph, "x", RV_F32, rv_shape2(BATCH, rv_data_width(model->sizes)));
    rv_status status = find_group(model, x, index, group, &groups);
    if (status != RV_OK)
        return status;
    const rv_latents *of = &group[index];
    rv_dist q = of->posterior;
    rv_expr none = rv_scalar(a->graph, 0), mean = rv_dist_mean(q);
    if (rv_is_poison(mean)) /* of an unknown kind, or the encoder failed */
        return rv_error_status(model->context);
    describe(a, of, groups);
    rv_expr outputs[VALUES] = {mean, q.kind->spread(q), rv_dist_deviation(q),
                               rv_dist_sample(q, of->name),
                               a->has_prior ? rv_kl_elementwise(q, rv_std_normal_like(q)) : none};
    return rv_compile(a->graph, outputs, VALUES, NULL, &a->program);
}

static rv_status check_finite(const analysis *a, int64_t first, int64_t count)
{
    for (int64_t i = 0; i < count * a->numbers; i++)
        if (!isfinite(a->chunk[i]))
            return rv_fail(a->model->context, RV_NOT_FINITE,
                           "image %lld: its code is not finite; the weights of the run, or the "
                           "pixels, are not those of a trained model",
                           (long long)(first + i / a->numbers));
    return RV_OK;
}

static rv_status encode_batch(analysis *a, int64_t first)
{
    int64_t pixels = rv_data_width(a->model->sizes), left = a->out->images - first;
    int64_t count = left < BATCH ? left : BATCH;
    memset(a->images, 0, (size_t)(BATCH * pixels) * sizeof *a->images);
    rv_status status = rv_source_fetch_range(a->source, first, count, 0, a->images, NULL);
    rv_bind_random(a->program, a->config->seed, 0, (uint32_t)first, 0);
    if (status == RV_OK)
        status = rv_run(a->program);
    for (int i = 0; status == RV_OK && i < VALUES; i++) {
        if (i == VALUE_KL && !a->has_prior)
            continue;
        status = rv_read(a->program, i, a->chunk, (size_t)(BATCH * a->numbers));
        if (status == RV_OK)
            status = check_finite(a, first, count);
        memcpy(a->value[i] + first * a->numbers, a->chunk,
               (size_t)(count * a->numbers) * sizeof *a->chunk);
    }
    rv_inference_progress now = {"encoding", first + count, a->out->images,
                                 (double)(first + count) / (double)a->out->images};
    return status == RV_OK ? tell_progress(a->model->context, &a->config->listener, now) : status;
}

static rv_status encode(analysis *a)
{
    int64_t pixels = rv_data_width(a->model->sizes);
    rv_status status = compile(a);
    if (status != RV_OK)
        return status;
    a->images = rv_arena_alloc(&a->memory, (size_t)(BATCH * pixels) * sizeof *a->images);
    a->chunk = rv_arena_alloc(&a->memory, (size_t)(BATCH * a->numbers) * sizeof *a->chunk);
    a->out->unit = rv_calloc((size_t)a->out->width, sizeof *a->out->unit);
    int have = a->images && a->chunk && a->out->unit;
    for (int i = 0; i < VALUES; i++) {
        a->value[i] =
            rv_arena_alloc(&a->memory, (size_t)(a->out->images * a->numbers) * sizeof(float));
        have = have && a->value[i];
    }
    status = have ? rv_bind(a->program, "x", a->images, (size_t)(BATCH * pixels))
                  : rv_fail_memory(a->model->context);
    for (int64_t first = 0; status == RV_OK && first < a->out->images; first += BATCH)
        status = encode_batch(a, first);
    return status;
}

/* ---- units ---- */

static double mean_of(const analysis *a, value which, int64_t number)
{
    double sum = 0;
    for (int64_t i = 0; i < a->out->images; i++)
        sum += (double)a->value[which][i * a->numbers + number];
    return sum / (double)a->out->images;
}

static double variance_of_mean(const analysis *a, int64_t number)
{
    double mean = mean_of(a, VALUE_MEAN, number), sum = 0;
    for (int64_t i = 0; i < a->out->images; i++) {
        double away = (double)a->value[VALUE_MEAN][i * a->numbers + number] - mean;
        sum += away * away;
    }
    return sum / (double)a->out->images;
}

static void measure_units(analysis *a)
{
    int64_t each = a->numbers / a->out->width;
    for (int64_t u = 0; u < a->out->width; u++) {
        rv_latent_unit *unit = &a->out->unit[u];
        for (int64_t k = 0; k < each; k++)
            unit->variance = fmax(unit->variance, variance_of_mean(a, u * each + k));
        unit->kl = a->has_prior ? mean_of(a, VALUE_KL, u) : NAN;
        unit->deviation = each == 1 ? mean_of(a, VALUE_DEVIATION, u) : NAN;
        unit->is_active = unit->variance > RV_ACTIVE_LIMIT;
    }
}

/* ---- the decomposition ---- */

static const char no_kl[] = "the prior is not N(0, I)";
static const char no_parts[] = "the KL of a full covariance is not decomposed";

/* The mean of numbers [images]; NULL if unknown, for the given reason. */
static rv_value *add_part(rv_latents_report *out, const char *name, const double *numbers,
                          const char *missing, const char *about)
{
    rv_values *values = &out->values;
    rv_value *row = numbers ? add_mean(values, name, numbers, out->images, about)
                            : rv_values_add(values, name, (double)NAN, RV_UNIT_NATS, about);
    row->missing = missing;
    row->error_name = rv_values_text(values, "%s_error", name);
    if (!numbers) {
        row->error = (double)NAN;
        row->error_missing = missing;
    }
    return row;
}

static double sum_row(const float *row, int64_t width)
{
    double sum = 0;
    for (int64_t d = 0; d < width; d++)
        sum += (double)row[d];
    return sum;
}

/* The average of log q(z|x) - log q(z) at the draws, and the remainder of the averaged KL: the
 * parts add up to it exactly, and the noise of the draws is only in the information.  `log_q`,
 * `work` and `kl` (for each image) are [N]. */
static rv_status decompose(analysis *a, double *log_q, double *work, double *kl)
{
    rv_latents_report *out = a->out;
    rv_values *values = &out->values;
    int is_full = !a->kind->element; /* no density of a single latent */
    double most = log((double)out->images);
    mixture m = {a->kind,
                 out->images,
                 a->numbers,
                 a->value[VALUE_DRAW],
                 a->value[VALUE_MEAN],
                 a->value[VALUE_SPREAD]};
    rv_status status =
        is_full ? RV_OK : mixture_log_density(a->model->context, &m, &a->config->listener, log_q);
    if (status != RV_OK)
        return status;
    for (int64_t i = 0; i < out->images; i++) {
        kl[i] = a->has_prior ? sum_row(a->value[VALUE_KL] + i * a->numbers, a->numbers) : 0;
        work[i] = is_full ? 0 : mixture_component(&m, i, i) - log_q[i];
    }
    double average = add_part(out, "kl", a->has_prior ? kl : NULL, no_kl,
                              "average KL(q(z|x) || p(z)), in closed form")
                         ->value;
    double information =
        add_part(out, "information", is_full ? NULL : work, no_parts,
                 rv_values_text(values, "of the image in its code; log N is %.3f", most))
            ->value;
    rv_values_fact(values, "information_most", most);
    for (int64_t i = 0; i < out->images; i++)
        work[i] = kl[i] - work[i];
    add_part(out, "marginal_kl", a->has_prior && !is_full ? work : NULL, is_full ? no_parts : no_kl,
             "KL(q(z) || p(z)), all codes together against the prior")
        ->value = average - information;
    if (information > most - 1)
        rv_values_line(values, "The information is near log N, its ceiling: with more images it "
                               "would be more, and marginal_kl less.");
    return RV_OK;
}

/* ---- the units, as data and as lines ---- */

static void add_units(const rv_latents_report *out, rv_values *list)
{
    for (int64_t i = 0; list && i < out->width; i++) {
        const rv_latent_unit *unit = &out->unit[i];
        rv_values_fact(&list[i], "kl", unit->kl)->missing = no_kl;
        rv_values_fact(&list[i], "variance", unit->variance);
        rv_values_fact(&list[i], "deviation", unit->deviation)->missing = "categorical";
        rv_values_fact(&list[i], "active", unit->is_active)->kind = RV_VALUE_FLAG;
    }
}

/* "0.123", or "-" if unknown. */
static const char *cell(rv_values *values, double number, int digits)
{
    return isnan(number) ? "-" : rv_values_text(values, "%.*f", digits, number);
}

/* A line for each unit, in descending order of KL (or variance); shown [width]. */
static void add_lines(rv_latents_report *out, unsigned char *shown)
{
    rv_values *values = &out->values;
    rv_values_line(values, "  unit       kl  variance of the mean   mean deviation");
    for (int64_t line = 0; line < out->width; line++) {
        int64_t best = -1;
        for (int64_t i = 0; i < out->width; i++) {
            const rv_latent_unit *a = &out->unit[i], *b = best < 0 ? a : &out->unit[best];
            int more = isnan(a->kl) ? a->variance > b->variance : a->kl > b->kl;
            if (!shown[i] && (best < 0 || more))
                best = i;
        }
        shown[best] = 1;
        const rv_latent_unit *unit = &out->unit[best];
        rv_values_line(values, "  %4lld %8s  %20.4f  %15s%s", (long long)best,
                       cell(values, unit->kl, 3), unit->variance, cell(values, unit->deviation, 4),
                       unit->is_active ? "" : "  not active");
    }
}

/* work [3,N] */
static rv_status add_values(analysis *a, double *work)
{
    rv_latents_report *out = a->out;
    rv_values *values = &out->values;
    int64_t active = 0;
    for (int64_t i = 0; i < out->width; i++)
        active += out->unit[i].is_active;
    rv_values_word(values, "group", out->group);
    rv_values_count(values, "examples", out->images);
    rv_values_count(values, "width", out->width);
    rv_values_line(values, "latents `%s`, %lld images, one draw each; nats", out->group,
                   (long long)out->images);
    rv_status status = decompose(a, work, work + out->images, work + 2 * out->images);
    if (status != RV_OK)
        return status;
    rv_values_add(values, "active_units", (double)active, RV_UNIT_NONE,
                  rv_values_text(values, "of %lld: variance of E[u|x] over the images above %g",
                                 (long long)out->width, RV_ACTIVE_LIMIT))
        ->kind = RV_VALUE_COUNT;
    add_units(out, rv_values_lists(values, "units", (int)out->width));
    unsigned char *shown = rv_arena_alloc(&a->memory, (size_t)out->width);
    if (!shown)
        return rv_fail_memory(a->model->context);
    add_lines(out, shown);
    return rv_error_status(a->model->context);
}

static rv_status analyse(analysis *a)
{
    double *work = rv_arena_alloc(&a->memory, (size_t)(3 * a->out->images) * sizeof *work);
    rv_status status = work ? encode(a) : rv_fail_memory(a->model->context);
    if (status != RV_OK)
        return status;
    measure_units(a);
    return add_values(a, work);
}

static void release(analysis *a)
{
    rv_program_free(a->program);
    rv_graph_free(a->graph);
    rv_arena_free(&a->memory);
}

static rv_status check_encoder(const rv_model *model)
{
    if (rv_model_has(model, RV_ENCODER))
        return RV_OK;
    return rv_fail(model->context, RV_BAD_USAGE,
                   "model `%s` has no encoder, and so no codes to look at", model->kind->name);
}

rv_status rv_latents_check(rv_model *model)
{
    rv_latents group[RV_LATENTS_MOST];
    int groups;
    if (check_encoder(model) != RV_OK)
        return RV_BAD_USAGE;
    rv_graph *graph = rv_graph_new(model->context);
    if (!graph)
        return RV_NO_MEMORY;
    rv_expr x = rv_input(graph, "x", RV_F32, rv_shape2(1, rv_data_width(model->sizes)));
    rv_status status = find_group(model, x, 0, group, &groups);
    for (int i = 1; status == RV_OK && i < groups; i++)
        status = find_group(model, x, i, group, &groups);
    rv_graph_free(graph);
    return status;
}

rv_status rv_latents_analyse(rv_model *model, rv_source *source, const rv_latents_config *config,
                             rv_latents_report *out)
{
    *out = (rv_latents_report){.values = rv_values_of(model->context)};
    if (!source)
        return rv_error_status(model->context);
    int64_t all = rv_source_describe(source)->count;
    if (check_encoder(model) != RV_OK)
        return RV_BAD_USAGE;
    out->images = config->images > 0 && config->images < all ? config->images : all;
    analysis a = {.model = model, .source = source, .config = config, .out = out};
    rv_status status = rv_model_takes(model, source);
    if (status == RV_OK)
        status = analyse(&a);
    release(&a);
    if (status != RV_OK)
        rv_latents_report_free(out);
    return status;
}

void rv_latents_report_free(rv_latents_report *report)
{
    rv_free(report->unit);
    rv_values_free(&report->values);
    memset(report, 0, sizeof *report);
}
