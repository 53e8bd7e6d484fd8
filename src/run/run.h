/* The inside of a run, for this room. */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include "reverie/run.h"

#include <jansson.h>

enum { RUN_PATH = 4096 };

struct rv_experiment {
    rv_context *context;
    char *folder;
    const char **directories; /* copies, [directory_count] */
    int directory_count;
    rv_config *config;
    const rv_settings *settings; /* of config */
    rv_source *source[3];        /* by rv_split */
    /* Of data.json: what the data were when the run was made, NULL or 0 where that is not known. */
    char *known_place;
    char known_fingerprint[3][33];
    int64_t known_count[3];
    char **class_name; /* [class_count] */
    int class_count;
    rv_model *model;
    /* Of a run that is trained: nobody else writes into its folder, and what is in it is listed. */
    rv_lock *lock;
    rv_ledger *ledger;
    size_t made;          /* how much of the folder's path is not older than this run, in bytes */
    int owns;             /* what is on the list is this run's */
    int waits;            /* another run stays in the folder until this one can begin */
    int begun;            /* a step was taken */
    int replaces;         /* another run's files, set aside until this one has begun to train */
    int resumes;          /* training goes on from a checkpoint */
    int settings_changed; /* since config.yaml was written */
    char
        other_values[64]; /* what makes held-out values others than before: a setting; "" nothing */
    /* Of convolutions, as written to env.json: the policy's name (NULL: not yet), and how many
     * bytes of choices, which only grow. */
    const char *noted_conv;
    size_t noted_bytes;
};

/* "FOLDER/name" into path. */
void run_path(const rv_experiment *run, const char *name, char path[RUN_PATH]);
/* folder.c: locks the folder and reads the list of what belongs to the run in it.  The first makes
 * it for a new run, checked to hold nothing that the run would write; `how` as in
 * rv_experiment_create.  The second is of a run that is there. */
rv_status run_folder_create(rv_experiment *run, int how);
rv_status run_folder_enter(rv_experiment *run);
/* Enters FOLDER/name, a file that is about to be written, in the list; its path. */
rv_status run_claim(rv_experiment *run, const char *name, char path[RUN_PATH]);
/* The new run can begin: what it replaces is set aside, and its own first files are written. */
rv_status run_folder_begin(rv_experiment *run);
/* The new run has begun to train: what it replaces goes. */
rv_status run_folder_begun(rv_experiment *run);
/* It has not begun: what it made goes, and what it would have replaced comes back. */
void run_folder_give_up(rv_experiment *run);
void run_folder_leave(rv_experiment *run);
/* Before anything is read or written: what of run_folder_create can be known at once. */
rv_status run_folder_look(rv_experiment *run, int how);
/* RV_BAD_FILE where the folder holds no run. */
rv_status run_check_is_there(rv_experiment *run);
/* files.c: config.yaml and env.json. */
rv_status run_write_files(rv_experiment *run);
/* data.c: a file beside the weights that cannot be read is said, and does not stop anything; want
 * of memory stays a failure. */
rv_status run_without(rv_experiment *run, rv_status status, const char *what);
/* env.json again, where convolutions are computed otherwise than it says. */
rv_status run_note_convolutions(rv_experiment *run);
/* How convolutions were computed, as env.json has it: the choices that came after the checkpoint,
 * and without one the policy too. */
rv_status run_follow_environment(rv_experiment *run, int has_checkpoint);
/* The held-out split: validation where the recipe sets one aside, else test. */
rv_split run_held_out(const rv_experiment *run);
/* Whether the model is evaluated, or reconstructs: a GAN does neither. */
int run_needs_held_out(const rv_experiment *run);
/* data.c: the settings of the data, with the directories they are looked for in. */
rv_data_config run_data(const rv_experiment *run);
/* data.c: a split of such data, the caller's: of the model's size, and compared with what the run
 * was made with.  NULL on failure. */
rv_source *run_open_source(rv_experiment *run, const rv_data_config *data, rv_split split);
/* data.c: data.json of the folder, read and written: of the sources that are open. */
rv_status run_known_read(rv_experiment *run);
rv_status run_known_write(rv_experiment *run);
void run_known_free(rv_experiment *run);
/* run.c: evaluates the model on images; NULL is a source that could not be opened. */
rv_status run_evaluate(rv_experiment *run, rv_source *source, uint64_t seed, rv_report *report);
/* Whether the data set keeps test images. */
rv_status run_has_test(rv_experiment *run, int *has_test);

/* events.c: the observer that writes metrics.jsonl and timing.jsonl. */
typedef struct run_events run_events;
/* For a training that stands at `now`, of whose metrics the first `keep` bytes are kept. */
rv_status run_events_open(rv_experiment *run, const rv_watcher *watcher, const rv_progress *now,
                          int64_t keep, run_events **out);
/* What failed where the trainer takes no status: after a step. */
rv_status run_events_status(const run_events *events);
/* Whether the last evaluation gave finite values. */
int run_events_held_out_is_finite(const run_events *events);
/* Whether a step was taken since it was opened. */
int run_events_begun(const run_events *events);
void run_events_close(run_events *events);
rv_observer run_events_observer(run_events *events);

/* events.c: calls `take` with each line of metrics.jsonl that is JSON, in order; a failure, that of
 * memory included, ends it. */
typedef rv_status (*run_line)(void *user, json_t *line);
rv_status run_each_line(rv_context *context, const char *text, run_line take, void *user);

/* alarms.c: the alarms of the run, each with its epochs; nothing where there were none. */
rv_status run_add_alarms(rv_experiment *run, rv_page *page);

/* aside.c: a context like `context`, with its log, for another run: weights are known by name in a
 * context.  NULL with the error latched in `context`. */
rv_context *run_aside_new(rv_context *context);
/* Frees it (NULL is ignored); a failure is latched in `context` too.  Gives the status back. */
rv_status run_aside_free(rv_context *context, rv_context *aside, rv_status status);

/* classes.c: the likeliest class of each image, [count], for a model that decodes by class: the
 * caller's to rv_free; NULL for another model, whose decoder asks for none. */
rv_status run_likeliest(rv_experiment *run, const float *images, int64_t count, int32_t **classes);

/* pictures.c: whether its images can be drawn at all, which have 1 or 3 channels, and a decoder. */
int run_shows_images(const rv_experiment *run);
/* pictures.c: how many of the `wanted` images go side by side: fewer of large ones, so that what is
 * kept of them can still be seen, but `least`. */
int run_fitting(const rv_experiment *run, int wanted, int least);
/* pictures.c: a batch of this run's images. */
rv_image_batch run_batch(const rv_experiment *run, const float *values, int count);

#endif
