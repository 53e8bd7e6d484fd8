/* reverie/listener.h - floor 0: receives the progress of long work, and may stop it.
 *
 *     rv_listener listener = {NULL};             // every function may be NULL
 *     listener.user = bar;                       // passed to every function
 *     listener.step = show_step;
 *     listener.stop = was_interrupted;
 *     rv_experiment_train(run, NULL, &listener); // RV_INTERRUPTED: stopped
 *
 * A training, a study and an estimate of inference.h take the same struct; each calls only its own
 * functions, in order, from the thread in which it runs.
 */
#ifndef REVERIE_LISTENER_H
#define REVERIE_LISTENER_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rv_progress rv_progress;                     /* train.h: steps, epochs, means */
typedef struct rv_event rv_event;                           /* train.h: values, in nats */
typedef struct rv_alarm rv_alarm;                           /* train.h */
typedef struct rv_study_entry rv_study_entry;               /* study.h */
typedef struct rv_inference_progress rv_inference_progress; /* inference.h: images, share */

typedef struct rv_listener {
    void *user;
    /* A training: `step` after each step, before the events of an epoch that ends there; `event`
     * after an event is logged; `alarm` when an alarm begins (the previous check had not raised
     * it).  Only a training into a run folder has alarms. */
    void (*step)(void *user, const rv_progress *now);
    void (*event)(void *user, const rv_event *event);
    void (*alarm)(void *user, const rv_event *event, const rv_alarm *alarm);
    /* A study: before the training of a run, and after it; `status` then says how it ended. */
    void (*begin)(void *user, const rv_study_entry *entry);
    void (*end)(void *user, const rv_study_entry *entry);
    /* An estimate: after each run of a program, which takes a few milliseconds. */
    void (*progress)(void *user, const rv_inference_progress *now);
    /* Called after each step with its checkpoint and pictures, and after each `progress`.  Nonzero
     * ends the work with RV_INTERRUPTED: a training saves and can be resumed; an estimate leaves
     * nothing. */
    int (*stop)(void *user);
} rv_listener;

#ifdef __cplusplus
}
#endif
#endif
