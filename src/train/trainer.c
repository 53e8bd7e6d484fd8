/* The training loop: batch, step, events, evaluation, checkpoint. */
#include "train/trainer.h"

#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

rv_train_config rv_train_defaults(void)
{
    return (rv_train_config){.epochs = 10,
                             .seed = 1,
                             .optimizer = rv_optimizer_defaults(),
                             .schedule = rv_schedule_defaults(),
                             .lr = 1e-3,
                             .log = 100,
                             .evaluate_batch = 500,
                             .keep = 2};
}

static rv_status start_loader(rv_trainer *trainer)
{
    rv_loader_config config = rv_loader_defaults(trainer->setup.train);
    config.batch = trainer->whole;
    config.seed = trainer->setup.config.seed;
    config.start_epoch = trainer->epoch;
    config.start_image = trainer->seen;
    if (trainer->setup.model->kind->labels == RV_LABELS_ALONE && trainer->labelled.position) {
        config.only = trainer->labelled.position;
        config.only_count = trainer->labelled.count;
    }
    rv_loader_free(trainer->loader);
    trainer->loader = NULL;
    rv_status status = train_labels_start(trainer);
    if (status != RV_OK)
        return status;
    return rv_loader_new(trainer->context, trainer->setup.train, &config, &trainer->loader);
}

static int64_t images_of_epoch(const rv_trainer *trainer)
{
    int alone = trainer->setup.model->kind->labels == RV_LABELS_ALONE;
    return alone && trainer->labelled.position ? trainer->labelled.count
                                               : rv_source_describe(trainer->setup.train)->count;
}

/* At most the number of images. */
static int64_t evaluation_batch(const rv_trainer_setup *setup)
{
    int64_t images = rv_source_describe(setup->validation)->count;
    return images < setup->config.evaluate_batch ? images : setup->config.evaluate_batch;
}

rv_status rv_trainer_new(rv_context *context, const rv_trainer_setup *setup, rv_trainer **out)
{
    const rv_source_info *info = rv_source_describe(setup->train);
    *out = NULL;
    if (rv_model_takes(setup->model, setup->train) != RV_OK ||
        (setup->validation && rv_model_takes(setup->model, setup->validation) != RV_OK))
        return rv_error_status(context);
    if (info->count == 1 && info->batch > 1)
        return rv_fail(context, RV_BAD_USAGE,
                       "there is one training image, and a batch of one is left out: train on more "
                       "(data.limit), or set data.batch=1");
    rv_trainer *trainer = rv_calloc(1, sizeof *trainer);
    if (!trainer)
        return rv_fail_memory(context);
    trainer->context = context;
    trainer->setup = *setup;
    trainer->best = NAN;
    trainer->turns = 1;
    trainer->turn[0] = (rv_turn){setup->model->kind->name, 1};
    if (setup->model->kind->turns)
        setup->model->kind->turns(setup->model, trainer->turn, &trainer->turns);
    rv_status status = train_labels_open(trainer);
    trainer->images = images_of_epoch(trainer);
    trainer->whole = trainer->images < info->batch ? trainer->images : info->batch;
    trainer->batches = (trainer->images + trainer->whole - 1) / trainer->whole;
    trainer->files = setup->ledger;
    trainer->owns_files = setup->folder && !setup->ledger;
    if (status == RV_OK && trainer->owns_files)
        status = rv_ledger_open(context, setup->folder, &trainer->files);
    if (status == RV_OK)
        status = train_check_rate(trainer);
    if (status == RV_OK && setup->validation && rv_model_has(setup->model, RV_EVALUATION))
        status = rv_evaluator_new(setup->model, evaluation_batch(setup), &trainer->evaluator);
    if (status == RV_OK)
        *out = trainer;
    else
        rv_trainer_free(trainer);
    return status;
}

void rv_trainer_free(rv_trainer *trainer)
{
    if (!trainer)
        return;
    rv_loader_free(trainer->loader);
    rv_loader_free(trainer->labelled.loader);
    rv_labelled_free(trainer->labelled.position);
    rv_evaluator_free(trainer->evaluator);
    for (int i = 0; i < RV_TURNS_MOST; i++) {
        train_program_free(&trainer->compiled[i][0]);
        train_program_free(&trainer->compiled[i][1]);
    }
    rv_arena_free(&trainer->names);
    if (trainer->owns_files)
        rv_ledger_close(trainer->files);
    rv_free(trainer);
}

void rv_trainer_listen(rv_trainer *trainer, rv_listener listener)
{
    trainer->setup.listener = listener;
}

void train_record(rv_trainer *trainer, train_recorder recorder)
{
    trainer->recorder = recorder;
}

/* ---- running means ---- */

/* The index of a value, or the next free index for a new one; turns may report different values. */
static int place_of(const running *r, const char *name)
{
    int i = 0;
    while (i < r->count && strcmp(r->name[i], name) != 0)
        i++;
    return i;
}

static void add_to(running *r, const turn_program *program, const float *values, int64_t examples)
{
    for (int i = 0; i < program->count; i++) {
        int at = place_of(r, program->name[i]);
        if (at == VALUES_MOST)
            continue;
        if (at == r->count)
            r->name[r->count++] = program->name[i];
        r->sum[at] += (double)values[i] * (double)examples;
        r->weight[at] += (double)examples;
    }
}

static void forget(running *r)
{
    for (int i = 0; i < VALUES_MOST; i++)
        r->sum[i] = r->weight[i] = 0;
}

/* The existing means, into name and value [VALUES_MOST]; returns their number. */
static int means(const running *r, const char **name, double *value)
{
    int count = 0;
    for (int i = 0; i < r->count; i++)
        if (r->weight[i] > 0) {
            name[count] = r->name[i];
            value[count++] = r->sum[i] / r->weight[i];
        }
    return count;
}

static rv_status send(rv_trainer *trainer, const rv_event *event)
{
    const train_recorder *recorder = &trainer->recorder;
    const rv_listener *listener = &trainer->setup.listener;
    rv_status status = recorder->event ? recorder->event(recorder->user, event) : RV_OK;
    if (status == RV_OK && listener->event)
        listener->event(listener->user, event);
    return status;
}

static rv_status send_running(rv_trainer *trainer, rv_event_kind kind, running *r)
{
    rv_event event = {
        .kind = kind, .step = trainer->step, .epoch = trainer->epoch, .split = "train"};
    event.count = means(r, event.name, event.value);
    if (event.count > 0 && event.count < VALUES_MOST) {
        event.name[event.count] = "lr"; /* for the last of these steps */
        event.value[event.count++] = trainer->rate;
    }
    forget(r);
    return event.count > 0 ? send(trainer, &event) : RV_OK;
}

/* ---- a step ---- */

/* The name of the bad loss: "generator_loss is not finite", or "the loss" if it is unknown. */
static const char *bad_loss(const turn_program *turn)
{
    for (int i = 0; i < turn->stages; i++) {
        float loss = 0;
        int output = turn->stage[i].loss;
        if (rv_read(turn->program, output, &loss, 1) == RV_OK && !isfinite(loss) &&
            strcmp(turn->name[output], "loss") != 0)
            return turn->name[output];
    }
    return "the loss";
}

/* Turns commit one by one: the turns before this one have taken their step. */
static rv_status say_not_finite(rv_trainer *trainer, int index, const turn_program *turn)
{
    char node[320] = "", kept[160] = "The parameters are those of the step before";
    const char *loss = bad_loss(turn);
    rv_status status = rv_program_diagnose(turn->program, node, sizeof node);
    if (status != RV_OK)
        return status;
    if (index > 0)
        snprintf(kept, sizeof kept, "The %s did not move; the %s had taken its step",
                 trainer->turn[index].name, trainer->turn[index - 1].name);
    const char *last = trainer->last_path;
    return rv_fail(trainer->context, RV_NOT_FINITE,
                   "step %lld (epoch %lld): %s is not finite; the first value that is not is "
                   "%s.  %s.  %s%s%s",
                   (long long)trainer->step + 1, (long long)trainer->epoch + 1, loss,
                   node[0] ? node : "in the update", kept,
                   last[0] ? "The last good checkpoint is " : "", last,
                   last[0] ? "; a smaller train.lr or train.clip_norm=1 may help."
                           : "A smaller train.lr or train.clip_norm=1 may help.");
}

static void bind_schedule(rv_program *program, const rv_trainer *trainer)
{
    rv_scalar_input scalar[RV_SCALARS_MOST];
    int count = train_scalars(trainer, scalar);
    for (int i = 0; i < count; i++)
        rv_bind_scalar(program, scalar[i].name, scalar[i].value);
}

static void bind_labelled(rv_program *program, const rv_trainer *trainer)
{
    const rv_batch *batch = &trainer->labelled.batch;
    if (trainer->labelled.rows == 0)
        return;
    rv_bind(program, "labelled_x", batch->images,
            (size_t)(batch->count * rv_data_width(trainer->setup.model->sizes)));
    rv_bind(program, "labelled_labels", batch->labels, (size_t)batch->count);
}

static void bind(rv_trainer *trainer, int turn, const turn_program *compiled, const rv_batch *batch)
{
    rv_program *program = compiled->program;
    const rv_model *model = trainer->setup.model;
    const rv_train_config *config = &trainer->setup.config;
    double rate = trainer->rate = train_rate(trainer);
    int64_t times = (trainer->step + 1) / trainer->turn[turn].every; /* including this one */
    rv_bind(program, "x", batch->images, (size_t)(batch->count * rv_data_width(model->sizes)));
    if (model->kind->labels != RV_LABELS_ADDED) /* only labelled_x has labels */
        rv_bind(program, "labels", batch->labels, (size_t)batch->count);
    bind_labelled(program, trainer);
    for (int i = 0; i < compiled->stages; i++) {
        rv_bind_scalar(program, compiled->stage[i].rate, rate * compiled->stage[i].factor);
        rv_bind_scalar(program, compiled->stage[i].step, (double)times);
    }
    train_say_zero(trainer, rate);
    bind_schedule(program, trainer);
    rv_bind_random(program, config->seed, (uint32_t)trainer->step, 0, 0);
}

static rv_status add_values(rv_trainer *trainer, const rv_batch *batch, const turn_program *turn)
{
    float values[VALUES_MOST];
    rv_status status = RV_OK;
    for (int i = 0; status == RV_OK && i < turn->count; i++)
        status = rv_read(turn->program, i, &values[i], 1);
    if (status != RV_OK)
        return status;
    add_to(&trainer->window, turn, values, batch->count);
    add_to(&trainer->of_epoch, turn, values, batch->count);
    return RV_OK;
}

static rv_status take_turn(rv_trainer *trainer, int turn, const rv_batch *batch)
{
    turn_program *compiled;
    if ((trainer->step + 1) % trainer->turn[turn].every != 0)
        return RV_OK;
    rv_status status = train_program(trainer, turn, batch->count, &compiled);
    if (status != RV_OK)
        return status;
    bind(trainer, turn, compiled, batch);
    status = rv_run(compiled->program);
    if (status == RV_NOT_FINITE)
        return say_not_finite(trainer, turn, compiled);
    return status == RV_OK ? add_values(trainer, batch, compiled) : status;
}

static rv_status advance(rv_trainer *trainer, int64_t images)
{
    trainer->step++;
    trainer->seen += images;
    if (trainer->setup.config.log > 0 && trainer->step % trainer->setup.config.log == 0)
        return send_running(trainer, RV_EVENT_TRAIN, &trainer->window);
    return RV_OK;
}

rv_status rv_trainer_step(rv_trainer *trainer)
{
    rv_batch batch;
    rv_status status = trainer->loader ? RV_OK : start_loader(trainer);
    if (status == RV_OK)
        status = rv_loader_next(trainer->loader, &batch);
    if (status != RV_OK)
        return status;
    if (batch.count == 1 && rv_source_describe(trainer->setup.train)->batch > 1) {
        if (!trainer->dropped_said)
            rv_notify(trainer->context, RV_LOG_NOTICE,
                      "the last batch of an epoch holds one image and is left out");
        trainer->dropped_said = 1;
        trainer->seen++;
        return RV_OK;
    }
    if (trainer->labelled.loader)
        status = rv_loader_next(trainer->labelled.loader, &trainer->labelled.batch);
    for (int i = 0; status == RV_OK && i < trainer->turns; i++)
        status = take_turn(trainer, i, &batch);
    return status == RV_OK ? advance(trainer, batch.count) : status;
}

int rv_trainer_turns(const rv_trainer *trainer, rv_turn out[RV_TURNS_MOST])
{
    for (int i = 0; i < trainer->turns; i++)
        out[i] = trainer->turn[i];
    return trainer->turns;
}

rv_status rv_trainer_program(rv_trainer *trainer, int turn, rv_program **out)
{
    turn_program *compiled;
    rv_status status = train_program(trainer, turn, trainer->whole, &compiled);
    *out = status == RV_OK ? compiled->program : NULL;
    return status;
}

/* ---- an epoch ---- */

/* Names the image that spoils the means, once: its place tells whether the cause is in the data or
 * in the weights. */
static void say_not_held_out(rv_trainer *trainer, const rv_report *report)
{
    if (report->not_finite == 0 || trainer->held_out_said)
        return;
    trainer->held_out_said = 1;
    rv_notify(trainer->context, RV_LOG_WARNING,
              "%lld of %lld held-out images have no finite %s; the first is image %lld of the %s "
              "split, whose pixels are %s",
              (long long)report->not_finite, (long long)report->examples,
              report->values.row[0].name, (long long)report->first_not_finite,
              rv_split_name(rv_source_describe(trainer->setup.validation)->split),
              report->bad_pixels ? "not finite themselves: mend the file"
                                 : "good: the weights are at fault");
}

static rv_status measure(rv_trainer *trainer, rv_report *report)
{
    rv_source *held_out = trainer->setup.validation;
    rv_status status = rv_evaluator_run(trainer->evaluator, held_out, 1, report);
    if (status != RV_OK)
        return status;
    say_not_held_out(trainer, report);
    rv_event event = {.kind = RV_EVENT_SPLIT,
                      .step = trainer->step,
                      .epoch = trainer->epoch,
                      .in_epoch = trainer->seen > 0,
                      .split = rv_split_name(rv_source_describe(held_out)->split)};
    for (int i = 0; i < report->values.count && i < RV_METRICS_MOST; i++) {
        event.name[i] = report->values.row[i].name;
        event.value[i] = report->values.row[i].value;
        event.count++;
    }
    return send(trainer, &event);
}

static rv_status evaluate(rv_trainer *trainer, int *best)
{
    rv_report report = {0};
    *best = 0;
    if (!trainer->evaluator)
        return RV_OK;
    rv_status status = measure(trainer, &report);
    const rv_model *model = trainer->setup.model;
    double value = status == RV_OK && model->kind->select
                       ? rv_values_number(&report.values, model->kind->select(model))
                       : NAN;
    int is_better = model->kind->selects_least ? value < trainer->best : value > trainer->best;
    *best = isfinite(value) && (isnan(trainer->best) || is_better);
    if (*best) {
        trainer->best = value;
        trainer->best_epoch = trainer->epoch;
    }
    rv_report_free(&report);
    return status;
}

static rv_status end_epoch(rv_trainer *trainer)
{
    int best;
    trainer->epoch++;
    trainer->seen = 0;
    rv_status status = send_running(trainer, RV_EVENT_EPOCH, &trainer->of_epoch);
    forget(&trainer->window);
    if (status == RV_OK)
        status = evaluate(trainer, &best);
    /* the recorder's pictures can fail, and must not prevent a checkpoint */
    if (status == RV_OK && trainer->setup.folder)
        status = train_checkpoint(trainer, best);
    const train_recorder *recorder = &trainer->recorder;
    if (status == RV_OK && recorder->epoch)
        status = recorder->epoch(recorder->user, trainer);
    return status;
}

static int is_done(const rv_trainer *trainer)
{
    const rv_train_config *config = &trainer->setup.config;
    return trainer->epoch >= config->epochs ||
           (config->steps > 0 && trainer->step >= config->steps);
}

/* Saves the state for a resumed run.  The run ends with the status `why`. */
static rv_status stop_here(rv_trainer *trainer, rv_status why)
{
    rv_status status = trainer->setup.folder ? train_checkpoint(trainer, 0) : RV_OK;
    return status == RV_OK ? why : status;
}

/* A limit of steps may end in mid-epoch.  The evaluation comes after the checkpoint, which does not
 * depend on it: a resumed run writes the same lines as a run without interruption. */
static rv_status end_in_epoch(rv_trainer *trainer)
{
    rv_report report = {0};
    if (trainer->seen == 0)
        return RV_OK;
    rv_status status = trainer->setup.folder ? train_checkpoint(trainer, 0) : RV_OK;
    if (status != RV_OK || !trainer->evaluator)
        return status;
    status = measure(trainer, &report);
    rv_report_free(&report);
    return status;
}

static rv_status tell_step(const rv_trainer *trainer)
{
    const train_recorder *recorder = &trainer->recorder;
    const rv_listener *listener = &trainer->setup.listener;
    rv_status status = recorder->step ? recorder->step(recorder->user, trainer) : RV_OK;
    if (listener->step) {
        rv_progress now = rv_trainer_progress(trainer);
        listener->step(listener->user, &now);
    }
    return status;
}

rv_status rv_trainer_run(rv_trainer *trainer)
{
    const rv_listener *listener = &trainer->setup.listener;
    const rv_train_config *config = &trainer->setup.config;
    if (trainer->setup.folder && !is_done(trainer))
        train_drop(trainer, trainer->step, INT64_MAX); /* training from here replaces them */
    while (!is_done(trainer)) {
        rv_status status = rv_trainer_step(trainer);
        if (status != RV_OK)
            return status;
        rv_status told = tell_step(trainer);
        if (trainer->seen == trainer->images)
            status = end_epoch(trainer);
        else if (config->save > 0 && trainer->step % config->save == 0 && trainer->setup.folder)
            status = train_checkpoint(trainer, 0);
        if (status != RV_OK)
            return status;
        if (told != RV_OK)
            return stop_here(trainer, told);
        if (listener->stop && listener->stop(listener->user) && !is_done(trainer))
            return stop_here(trainer, RV_INTERRUPTED);
    }
    return end_in_epoch(trainer);
}

void rv_trainer_forget_best(rv_trainer *trainer)
{
    trainer->best = NAN;
    trainer->best_epoch = 0;
}

rv_progress rv_trainer_progress(const rv_trainer *trainer)
{
    const rv_train_config *config = &trainer->setup.config;
    const running *r = &trainer->of_epoch;
    rv_progress progress = {.step = trainer->step,
                            .steps = train_steps(trainer),
                            .epoch = trainer->epoch,
                            .epochs = config->epochs,
                            .batch = (trainer->seen + trainer->whole - 1) / trainer->whole,
                            .batches = trainer->batches,
                            .batch_size = trainer->whole,
                            .are_points = trainer->setup.model->sizes.are_points,
                            .best = trainer->best,
                            .best_epoch = trainer->best_epoch};
    progress.count = means(r, progress.name, progress.value);
    return progress;
}
