/* The labelled images of a training: their selection, and their batch in addition to that of each
 * step. */
#include "train/trainer.h"

#include "core/random.h"

static rv_status refuse(rv_context *context, const rv_model_kind *kind, const rv_source_info *info)
{
    if (kind->labels == RV_LABELS_UNUSED && info->labels > 0)
        return rv_fail(
            context, RV_BAD_USAGE,
            "data.labels=%lld: model `%s` does not use labels; leave data.labels out, or "
            "train m2, m1-m2, adgm or a classifier",
            (long long)info->labels, kind->name);
    if (kind->labels != RV_LABELS_ADDED && info->labelled_batch > 0)
        return rv_fail(context, RV_BAD_USAGE,
                       "data.labelled_batch=%lld: model `%s` has no labelled batch in addition "
                       "to the others; leave it out, and set data.batch",
                       (long long)info->labelled_batch, kind->name);
    return RV_OK;
}

static rv_status choose(rv_context *context, const rv_source *source, labelled_images *labelled)
{
    const rv_source_info *info = rv_source_describe(source);
    rv_status status = rv_source_labelled(context, source, &labelled->position, &labelled->count);
    if (status == RV_OK && info->labelled_batch > labelled->count)
        status = rv_fail(context, RV_BAD_USAGE,
                         "data.labelled_batch=%lld is more than the %lld labelled images: choose a "
                         "smaller batch, or more data.labels",
                         (long long)info->labelled_batch, (long long)labelled->count);
    if (status != RV_OK)
        return status;
    labelled->rows = info->labelled_batch > 0 ? info->labelled_batch : info->batch;
    if (labelled->rows > labelled->count)
        labelled->rows = labelled->count;
    return RV_OK;
}

rv_status train_labels_open(rv_trainer *trainer)
{
    const rv_source *source = trainer->setup.train;
    const rv_model_kind *kind = trainer->setup.model->kind;
    const rv_source_info *info = rv_source_describe(source);
    rv_status status = refuse(trainer->context, kind, info);
    int some =
        kind->labels == RV_LABELS_ADDED || (kind->labels == RV_LABELS_ALONE && info->labels > 0);
    if (status == RV_OK && some)
        status = choose(trainer->context, source, &trainer->labelled);
    if (kind->labels != RV_LABELS_ADDED)
        trainer->labelled.rows = 0;
    return status;
}

rv_status rv_train_check_labels(rv_context *context, const rv_model_kind *kind,
                                const rv_source *source)
{
    labelled_images labelled = {0};
    const rv_source_info *info = rv_source_describe(source);
    rv_status status = refuse(context, kind, info);
    if (status == RV_OK && kind->labels != RV_LABELS_UNUSED)
        status = choose(context, source, &labelled);
    rv_labelled_free(labelled.position);
    return status;
}

/* Endless rounds, each in a different order, without a short last batch: the batch of a step
 * depends only on its number.  The stream is separate from that of the images without labels. */
rv_status train_labels_start(rv_trainer *trainer)
{
    labelled_images *labelled = &trainer->labelled;
    rv_loader_free(labelled->loader);
    labelled->loader = NULL;
    if (labelled->rows == 0)
        return RV_OK;
    rv_loader_config config = rv_loader_defaults(trainer->setup.train);
    int64_t in_a_round = labelled->count / labelled->rows;
    config.batch = labelled->rows;
    config.seed = trainer->setup.config.seed ^ rv_site("labelled");
    config.start_epoch = trainer->step / in_a_round;
    config.start_image = trainer->step % in_a_round * labelled->rows;
    config.drop_last = 1;
    config.only = labelled->position;
    config.only_count = labelled->count;
    return rv_loader_new(trainer->context, trainer->setup.train, &config, &labelled->loader);
}
