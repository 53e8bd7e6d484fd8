/* The recorder: keeps a training in a run folder when the trainer calls it (src/runner/events.c),
 * and the files that are named by step. */
#ifndef TRAIN_RECORDER_H
#define TRAIN_RECORDER_H

#include "reverie/train.h"

/* Any function may be NULL.  A status other than RV_OK ends the training. */
typedef struct train_recorder {
    void *user;
    rv_status (*event)(void *user, const rv_event *event); /* before the listener receives it */
    rv_status (*step)(void *user, const rv_trainer *trainer);
    rv_status (*epoch)(void *user, const rv_trainer *trainer); /* after its checkpoint */
    int64_t (*position)(void *user); /* bytes of metrics on the disk: recorded in checkpoints */
} train_recorder;

/* Replaces an earlier recorder, until the trainer is freed. */
void train_record(rv_trainer *trainer, train_recorder recorder);

/* checkpoint.c: the steps of the files FOLDER/step-NUMBER + ending, increasing: *steps [*count],
 * freed with rv_free in any case; none if the folder does not exist. */
rv_status train_list_steps(rv_context *context, const char *folder, const char *ending,
                           int64_t **steps, int64_t *count);

#endif
