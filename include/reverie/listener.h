/* reverie/listener.h - floor 0: hears how far long work has come, and may stop it.
 *
 *     rv_listener listener = {NULL};             // every function may be NULL
 *     listener.user = bar;                       // given to each of them
 *     listener.step = show_step;
 *     listener.stop = was_interrupted;
 *     rv_experiment_train(run, NULL, &listener); // RV_INTERRUPTED: it said stop
 *
 * A training, a study and an estimate of inference.h take the same struct, and each calls what
 * concerns it, in order, from the thread that it runs in.
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
    /* A training: after each step, before the events of the epoch that it ends; an event, once it
     * is logged; an alarm, when it begins: the look before had not raised it.  Alarms are those of
     * a training into a run folder. */
    void (*step)(void *user, const rv_progress *now);
    void (*event)(void *user, const rv_event *event);
    void (*alarm)(void *user, const rv_event *event, const rv_alarm *alarm);
    /* A study: before a run is trained, and after it, when `status` says how it ended. */
    void (*begin)(void *user, const rv_study_entry *entry);
    void (*end)(void *user, const rv_study_entry *entry);
    /* An estimate: after each run of a program, every few milliseconds. */
    void (*progress)(void *user, const rv_inference_progress *now);
    /* Asked after each step, its checkpoint and its pictures, and after each `progress`.  Nonzero
     * ends the work with RV_INTERRUPTED: a training saves and can be resumed, an estimate leaves
     * nothing behind. */
    int (*stop)(void *user);
} rv_listener;

#ifdef __cplusplus
}
#endif
#endif
