/* The inside of a run, for this room. */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include "core/arena.h"
#include "reverie/run.h"

#include <jansson.h>

enum { RUN_PATH = 4096 };

struct rv_experiment {
    rv_context *context;
    rv_arena memory; /* of the texts */
    const char *folder;
    const char *const *directories; /* [directory_count] */
    int directory_count;
    rv_config *config;
    const rv_settings *settings; /* of config */
    rv_source *source[3];        /* by rv_split */
    /* Of data.json: what the data were when the run was made, NULL or 0 where that is not known. */
    const char *known_place;
    char known_fingerprint[3][33];
    int64_t known_count[3];
    const char **class_name; /* [class_count] */
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
    char *environment;    /* env.json as this process wrote it last; NULL: not yet */
};

/* "FOLDER/name" into path. */
void run_path(const rv_experiment *run, const char *name, char path[RUN_PATH]);
/* run.c: a copy of a place, in the arena; 0: memory is out. */
int run_copy_place(rv_arena *arena, const rv_experiment_place *place, rv_experiment_place *copy);
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
rv_status run_without(rv_context *context, rv_status status, const char *what);
/* env.json again, where it has become another: its tuning grows while programs are compiled. */
rv_status run_note_environment(rv_experiment *run);
/* Goes on with the tuning that env.json has: the choices that came after the checkpoint, and
 * without one the policy too. */
rv_status run_follow_environment(rv_experiment *run, int has_checkpoint);
/* The held-out split: validation where the recipe sets one aside, else test. */
rv_split run_held_out(const rv_settings *settings);
/* Whether the model is evaluated, or reconstructs: a GAN does neither. */
int run_needs_held_out(const rv_settings *settings);
/* data.c: the settings of the data, with the directories they are looked for in. */
rv_data_config run_data(const rv_experiment *run);
/* data.c: a split of such data, the caller's: of the model's size, and compared with what the run
 * was made with.  NULL on failure. */
rv_source *run_open_source(rv_experiment *run, const rv_data_config *data, rv_split split);
/* data.c: data.json of the folder, read and written: of the sources that are open. */
rv_status run_known_read(rv_experiment *run);
rv_status run_known_write(rv_experiment *run);
/* run.c: evaluates the model on images; NULL is a source that could not be opened. */
rv_status run_evaluate(rv_experiment *run, rv_source *source, uint64_t seed, rv_report *report);
/* Whether the data set keeps test images. */
rv_status run_has_test(rv_experiment *run, int *has_test);

/* read.c: whether FOLDER/name is there. */
int run_has(const char *folder, const char *name);
/* read.c: what FOLDER/name, of at most `most` bytes, says; NULL: it is no JSON, or not there. */
rv_status run_read_json(rv_context *context, const char *folder, const char *name, size_t most,
                        json_t **object);
/* read.c: calls `take` with each line of FOLDER/name that is JSON, in order; a failure, that of
 * memory included, ends it. */
typedef rv_status (*run_line)(void *user, json_t *line);
rv_status run_each_line(rv_context *context, const char *folder, const char *name, run_line take,
                        void *user);
/* read.c: "losses", "kl", ...: as in RV_CURVES_CHOICES. */
const char *run_curves_name(rv_curves which);
/* read.c: the name of the picture of those curves in samples/: "curves" of the losses, else
 * "curves-KIND". */
void run_curves_file(rv_curves which, char name[64]);

/* settings.c: the settings in a configuration's text. */
rv_status run_settings_of(rv_context *context, const char *name, const char *text,
                          rv_run_setting **settings, int *count);
/* settings.c: the place of a key in a list, -1 where it is not. */
int run_setting_find(const rv_run_setting *settings, int count, const char *key);

#endif
