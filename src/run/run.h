/* The inside of a run, for this room. */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include "core/arena.h"
#include "reverie/run.h"

#include <jansson.h>

enum { RUN_PATH = 4096 };

struct rv_experiment {
    rv_context *context;
    rv_arena memory; /* holds the texts */
    const char *folder;
    const char *const *directories; /* [directory_count] */
    int directory_count;
    rv_config *config;
    const rv_settings *settings; /* inside config */
    rv_source *source[3];        /* by rv_split */
    /* From data.json: the data at the beginning of the run; NULL or 0 if unknown. */
    char known_fingerprint[3][33];
    int64_t known_count[3];
    const char **class_name; /* [class_count] */
    int class_count;
    rv_model *model;
    /* For a run in training: the lock that excludes other writers, and the list of its files. */
    rv_lock *lock;
    rv_ledger *ledger;
    size_t made; /* length of the part of the folder's path that is older than this run, in bytes */
    int owns;    /* the files on the list belong to this run */
    int waits;   /* another run stays in the folder until this one can begin */
    int begun;   /* has taken a step */
    int replaces; /* another run, whose files are set aside until this one begins to train */
    int reads;    /* was opened for reading */
    int resumes;  /* training continues from a checkpoint */
    int settings_changed;  /* since config.yaml was written */
    char other_values[64]; /* the setting that makes held-out values incomparable; "": none */
    char *environment;     /* env.json as last written by this process; NULL: not yet */
};

/* "FOLDER/name" into path. */
void run_path(const rv_experiment *run, const char *name, char path[RUN_PATH]);
/* run.c: a copy of a place, in the arena; 0: memory is out. */
int run_copy_place(rv_arena *arena, const rv_experiment_place *place, rv_experiment_place *copy);
/* folder.c: locks the folder and reads the list of the run's files.  The first makes the folder for
 * a new run and checks that it contains no file that the run would write; `how` as in
 * rv_experiment_create.  The second is for an existing run. */
rv_status run_folder_create(rv_experiment *run, int how);
rv_status run_folder_enter(rv_experiment *run);
/* RV_BAD_USAGE for a run that does not hold its folder, so that it may not train there: it was
 * opened for reading, or its training was given up. */
rv_status run_folder_check_held(const rv_experiment *run);
/* Adds FOLDER/name, a file to be written, to the list; gives its path. */
rv_status run_claim(rv_experiment *run, const char *name, char path[RUN_PATH]);
/* The new run can begin: sets the files of the replaced run aside, and writes its own first
 * files. */
rv_status run_folder_begin(rv_experiment *run);
/* The new run has begun to train: removes the replaced run. */
rv_status run_folder_begun(rv_experiment *run);
/* The new run has not begun: removes its files, and restores the run that it would have
 * replaced. */
void run_folder_give_up(rv_experiment *run);
void run_folder_leave(rv_experiment *run);
/* Before anything is read or written: the checks of run_folder_create that are possible at once. */
rv_status run_folder_look(rv_experiment *run, int how);
/* RV_BAD_FILE if the folder contains no run. */
rv_status run_check_is_there(rv_experiment *run);
/* files.c: config.yaml and env.json. */
rv_status run_write_files(rv_experiment *run);
/* Writes env.json again if it has changed: its tuning grows while programs are compiled. */
rv_status run_note_environment(rv_experiment *run);
/* Continues with the tuning in env.json: the choices that are newer than the checkpoint, and
 * without a checkpoint the policy too. */
rv_status run_follow_environment(rv_experiment *run, int has_checkpoint);
/* The held-out split: validation if the recipe has one, else test. */
rv_split run_held_out(const rv_settings *settings);
/* Whether the model evaluates or reconstructs: a GAN does neither. */
int run_needs_held_out(const rv_settings *settings);
/* data.c: the settings of the data, with the directories to search. */
rv_data_config run_data(const rv_experiment *run);
/* data.c: opens a split of such data, for the caller: checks the model's size, and compares it with
 * the data at the beginning of the run.  NULL on failure. */
rv_source *run_open_source(rv_experiment *run, const rv_data_config *data, rv_split split);
/* data.c: gives the configuration the place of the data that data.json of the folder names. */
rv_status run_place_read(rv_context *context, const char *folder, rv_config *config);
/* data.c: reads and writes data.json of the folder, from the open sources. */
rv_status run_known_read(rv_experiment *run);
rv_status run_known_write(rv_experiment *run);
#define RUN_WITHOUT_DATA "whether the data are those of the run is not known"
/* data.c: whether the content of data.json has the right types. */
int run_data_is_whole(const json_t *object);
/* run.c: evaluates the model on images; a NULL source could not be opened. */
rv_status run_evaluate(rv_experiment *run, rv_source *source, uint64_t seed, rv_report *report);
/* Whether the data set has test images. */
rv_status run_has_test(rv_experiment *run, int *has_test);

/* read.c: whether FOLDER/name exists. */
int run_has(const char *folder, const char *name);
/* read.c: reports an unreadable file other than the weights as a warning, once, and continues; a
 * lack of memory stays a failure. */
rv_status run_without(rv_context *context, rv_status status, const char *what);
/* read.c: the object in FOLDER/name; NULL: it does not exist, or cannot be read, which a warning
 * says once, with the consequence `without` it.  A failure is a lack of memory. */
rv_status run_read_json(rv_context *context, const char *folder, const char *name,
                        const char *without, json_t **object);
/* read.c: warns once of wrong content in FOLDER/name, with the consequence. */
void run_say_wrong(rv_context *context, const char *folder, const char *name, const char *wrong,
                   const char *without);
/* read.c: calls `take` with each line of FOLDER/name that is a JSON object, in order; warns once of
 * the number of other lines.  Stops at a failure, also a lack of memory. */
typedef rv_status (*run_line)(void *user, json_t *line);
rv_status run_each_line(rv_context *context, const char *folder, const char *name, run_line take,
                        void *user);
/* read.c: "losses", "kl", ...: the words of RV_CURVES_CHOICES. */
const char *run_curves_name(rv_curves which);
/* read.c: the file name of the picture of those curves in samples/: "curves" for the losses, else
 * "curves-KIND". */
void run_curves_file(rv_curves which, char name[64]);

/* settings.c: the settings in a configuration's text. */
rv_status run_settings_of(rv_context *context, const char *name, const char *text,
                          rv_run_setting **settings, int *count);
/* settings.c: the index of a key in a list, -1 if it is absent. */
int run_setting_find(const rv_run_setting *settings, int count, const char *key);

#endif
