/* Evaluates the values of each example over a split, in batches. */
#include "reverie/eval.h"

#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A compiled evaluation at one batch size. */
typedef struct batch_program {
    int64_t batch;
    rv_graph *graph;
    rv_program *program;
    rv_evaluation evaluation;
} batch_program;

struct rv_evaluator {
    rv_model *model;
    int64_t batch;
    batch_program size[2]; /* the whole batch and the last short one */
    float *images;         /* [batch,D] */
    int32_t *labels;       /* [batch] */
    float *values;         /* [batch] */
};

rv_data_sizes rv_data_sizes_of(const rv_source *source)
{
    const rv_source_info *info = rv_source_describe(source);
    return (rv_data_sizes){info->height, info->width, info->channels,   info->class_count,
                           info->low,    info->high,  info->are_points, info->dequantised,
                           info->logit,  info->energy};
}

/* Whether the model learns from labels, predicts them, or takes them as input. */
static int uses_classes(const rv_model *model)
{
    const rv_model_kind *kind = model->kind;
    return rv_model_is_given_class(model) || kind->labels != RV_LABELS_UNUSED ||
           rv_model_kind_has(kind, RV_CLASSIFIER) || rv_model_kind_has(kind, RV_CLASS_DECODER);
}

rv_status rv_model_takes(const rv_model *model, const rv_source *source)
{
    const rv_source_info *info = rv_source_describe(source);
    const rv_data_sizes *sizes = &model->sizes;
    const char *split = rv_split_name(info->split);
    if (info->height != sizes->height || info->width != sizes->width ||
        info->channels != sizes->channels)
        return rv_fail(model->context, RV_BAD_FILE,
                       "%s: the %s images are %d x %d x %d (height, width, channels), but the "
                       "model's are %lld x %lld x %lld: they are another data set's",
                       info->path, split, info->height, info->width, info->channels,
                       (long long)sizes->height, (long long)sizes->width,
                       (long long)sizes->channels);
    if (uses_classes(model) && info->class_count != sizes->classes && info->class_count > 0)
        return rv_fail(model->context, RV_BAD_FILE,
                       "%s: the %s images have %d classes, but the model knows %d: the data set, "
                       "or data.classes, is another one",
                       info->path, split, info->class_count, sizes->classes);
    if (info->are_points != sizes->are_points || info->dequantised != sizes->dequantised ||
        info->logit != sizes->logit)
        return rv_fail(model->context, RV_BAD_FILE,
                       "%s: data.dequantise or data.logit is another than the model's", info->path);
    if (info->energy != sizes->energy)
        return rv_fail(model->context, RV_BAD_FILE,
                       "%s: the points are not those of the model's %s: data.name is another one",
                       info->path, sizes->energy > 0 ? "energy" : "data, but of an energy");
    if (info->low != sizes->low || info->high != sizes->high)
        return rv_fail(
            model->context, RV_BAD_FILE,
            "%s: the %s images are in [%g,%g], but the model's in [%g,%g]: data.range or "
            "data.normalize is another one",
            info->path, split, (double)info->low, (double)info->high, (double)sizes->low,
            (double)sizes->high);
    return RV_OK;
}

const char *rv_report_draws(const rv_report *report, char text[64])
{
    if (report->draws == 0)
        return "exact";
    if (report->draws == 1)
        return "one latent sample an image";
    snprintf(text, 64, "%lld latent samples an image", (long long)report->draws);
    return text;
}

void rv_report_free(rv_report *report)
{
    rv_values_free(&report->values);
}

rv_status rv_evaluator_new(rv_model *model, int64_t batch, rv_evaluator **out)
{
    *out = NULL;
    if (!rv_model_has(model, RV_EVALUATION))
        return rv_fail(model->context, RV_BAD_USAGE, "model `%s` has no likelihood to evaluate",
                       model->kind->name);
    rv_evaluator *evaluator = rv_calloc(1, sizeof *evaluator);
    if (!evaluator)
        return rv_fail_memory(model->context);
    size_t rows = (size_t)batch, width = (size_t)rv_data_width(model->sizes);
    evaluator->model = model;
    evaluator->batch = batch;
    evaluator->images = rv_malloc(rows * width * sizeof(float));
    evaluator->labels = rv_malloc(rows * sizeof(int32_t));
    evaluator->values = rv_malloc(rows * sizeof(float));
    if (!evaluator->images || !evaluator->labels || !evaluator->values) {
        rv_evaluator_free(evaluator);
        return rv_fail_memory(model->context);
    }
    *out = evaluator;
    return RV_OK;
}

static void release(batch_program *size)
{
    rv_program_free(size->program);
    rv_graph_free(size->graph);
    memset(size, 0, sizeof *size);
}

void rv_evaluator_free(rv_evaluator *evaluator)
{
    if (!evaluator)
        return;
    release(&evaluator->size[0]);
    release(&evaluator->size[1]);
    rv_free(evaluator->images);
    rv_free(evaluator->labels);
    rv_free(evaluator->values);
    rv_free(evaluator);
}

static rv_status compile(rv_model *model, int64_t batch, batch_program *size)
{
    rv_expr outputs[RV_METRICS_MOST];
    release(size);
    size->graph = rv_graph_new(model->context);
    if (!size->graph)
        return RV_NO_MEMORY;
    rv_status status = model->kind->evaluate(model, size->graph, batch, &size->evaluation);
    for (int i = 0; i < size->evaluation.metric_count; i++)
        outputs[i] = size->evaluation.metric[i].value;
    if (status == RV_OK)
        status =
            rv_compile(size->graph, outputs, size->evaluation.metric_count, NULL, &size->program);
    if (status == RV_OK)
        size->batch = batch;
    return status;
}

/* Notes the first example without a value, and the cause: its pixels, or the weights. */
static void note_not_finite(const rv_evaluator *evaluator, int64_t first, int64_t count,
                            rv_report *report)
{
    int64_t width = rv_data_width(evaluator->model->sizes);
    for (int64_t i = 0; i < count; i++) {
        if (isfinite(evaluator->values[i]))
            continue;
        if (report->not_finite++ > 0)
            continue;
        report->first_not_finite = first + i;
        for (int64_t d = 0; d < width; d++)
            report->bad_pixels |= !isfinite(evaluator->images[i * width + d]);
    }
}

/* Sums and sums of squares of every value over one batch. */
static rv_status add_batch(rv_evaluator *evaluator, rv_source *source, int64_t first, int64_t count,
                           uint64_t seed, double sums[][2], rv_report *report)
{
    rv_model *model = evaluator->model;
    batch_program *size = &evaluator->size[count != evaluator->batch];
    rv_status status = size->batch == count ? RV_OK : compile(model, count, size);
    if (status == RV_OK)
        status =
            rv_source_fetch_range(source, first, count, 0, evaluator->images, evaluator->labels);
    if (status != RV_OK)
        return status;
    size_t pixels = (size_t)(count * rv_data_width(model->sizes));
    rv_bind(size->program, "x", evaluator->images, pixels);
    rv_bind(size->program, "labels", evaluator->labels, (size_t)count);
    rv_bind_random(size->program, seed, 0, (uint32_t)first, 0);
    status = rv_run(size->program);
    for (int m = 0; status == RV_OK && m < size->evaluation.metric_count; m++) {
        status = rv_read(size->program, m, evaluator->values, (size_t)count);
        for (int64_t i = 0; status == RV_OK && i < count; i++) {
            double value = (double)evaluator->values[i];
            sums[m][0] += value;
            sums[m][1] += value * value;
        }
        if (status == RV_OK && m == 0)
            note_not_finite(evaluator, first, count, report);
    }
    return status;
}

/* Unit and heading of the known metrics of models; any other is in nats, under its own name. */
static rv_value describe(const char *name)
{
    static const rv_value known[] = {
        {.name = "elbo", .heading = "ELBO", .unit = RV_UNIT_NATS},
        {.name = "kl", .heading = "KL", .unit = RV_UNIT_NATS},
        {.name = "free_energy", .heading = "free energy", .unit = RV_UNIT_NATS},
        {.name = "elbo_labelled", .heading = "ELBO of (x, y)", .unit = RV_UNIT_NATS},
        {.name = "cross_entropy", .heading = "cross-entropy", .unit = RV_UNIT_NATS, .digits = 4},
        {.name = "accuracy", .unit = RV_UNIT_SHARE},
        {.name = "accuracy_by_evidence", .heading = "accuracy by evidence", .unit = RV_UNIT_SHARE},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i];
    return (rv_value){.name = name, .unit = RV_UNIT_NATS};
}

static void summarise(const rv_evaluation *evaluation, double n, double sums[][2],
                      rv_report *report)
{
    for (int m = 0; m < evaluation->metric_count; m++) {
        double mean = sums[m][0] / n, variance = sums[m][1] / n - mean * mean;
        rv_value value = describe(evaluation->metric[m].name);
        value.value = mean;
        value.error = n > 1 ? sqrt(fmax(variance, 0) / (n - 1)) : (double)NAN;
        value.error_name = "";
        rv_values_add_row(&report->values, value);
    }
}

rv_status rv_evaluator_run(rv_evaluator *evaluator, rv_source *source, uint64_t seed,
                           rv_report *report)
{
    double sums[RV_METRICS_MOST][2] = {{0}};
    int64_t examples = rv_source_describe(source)->count;
    rv_context *context = evaluator->model->context;
    *report = (rv_report){.values = rv_values_of(context)};
    rv_status status = rv_model_takes(evaluator->model, source);
    int needs_labels = evaluator->model->kind->labels != RV_LABELS_UNUSED ||
                       rv_model_is_given_class(evaluator->model);
    if (status == RV_OK && needs_labels && rv_source_describe(source)->class_count == 0)
        status = rv_fail(context, RV_BAD_FILE,
                         "%s: its images have no labels, which the evaluation of model `%s` needs",
                         rv_source_describe(source)->path, evaluator->model->kind->name);
    for (int64_t first = 0; status == RV_OK && first < examples; first += evaluator->batch) {
        int64_t left = examples - first;
        status = add_batch(evaluator, source, first,
                           left < evaluator->batch ? left : evaluator->batch, seed, sums, report);
    }
    if (status != RV_OK)
        return status;
    const rv_evaluation *evaluation = &evaluator->size[examples < evaluator->batch].evaluation;
    report->examples = examples;
    report->draws = evaluation->draws < 0 ? 0 : evaluation->draws > 0 ? evaluation->draws : 1;
    summarise(evaluation, (double)examples, sums, report);
    status = rv_error_status(context);
    if (status != RV_OK)
        rv_report_free(report);
    return status;
}
