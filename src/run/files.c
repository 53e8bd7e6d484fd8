/* config.yaml and env.json. */
#include "run/run.h"

#include "core/memory.h"
#include "io/json.h"
#include "reverie/io.h"

#include <jansson.h>
#include <string.h>
#include <sys/utsname.h>

/* {key: value} of the lines "key\tvalue\n"; NULL when memory is out. */
static json_t *object_of(const char *lines)
{
    json_t *object = json_object();
    while (object && *lines) {
        size_t key = strcspn(lines, "\t"), value = strcspn(lines + key + 1, "\n");
        json_t *text = json_stringn(lines + key + 1, value);
        if (json_object_setn_new(object, lines, key, text) != 0) {
            json_decref(object);
            return NULL;
        }
        lines += key + value + 2;
    }
    return object;
}

/* The held-out value that selects the best checkpoint, which `runs best` reads
 * (rv_run_selection_read); null for a model without one. */
static json_t *selection(const rv_experiment *run)
{
    const rv_model *model = run->model;
    if (!model->kind->select)
        return json_null();
    return json_pack("{s:s, s:s, s:b}", "split", rv_split_name(run_held_out(run->settings)),
                     "value", model->kind->select(model), "larger_is_better",
                     !model->kind->selects_least);
}

static json_t *environment(const rv_experiment *run, rv_tuning tuning)
{
    struct utsname machine;
    memset(&machine, 0, sizeof machine);
    uname(&machine);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:o, s:s, s:o}", "version", rv_version(),
                     "system", machine.sysname, "release", machine.release, "machine",
                     machine.machine, "backend", rv_context_backend(run->context), "isa",
                     rv_context_isa(run->context), "threads", rv_context_threads(run->context),
                     "selection", selection(run), RV_TUNING_POLICY, tuning.policy,
                     RV_TUNING_CHOICES, object_of(tuning.choices));
}

static rv_status write_environment(rv_experiment *run)
{
    char path[RUN_PATH], *json;
    rv_tuning tuning = rv_context_tuning(run->context, RV_TUNING_USED);
    if (!tuning.choices)
        return rv_error_status(run->context);
    rv_status status = rv_json_write(run->context, environment(run, tuning),
                                     JSON_INDENT(2) | JSON_PRESERVE_ORDER, &json);
    if (status != RV_OK)
        return status;
    int is_written = run->environment && strcmp(run->environment, json) == 0;
    rv_free(run->environment);
    run->environment = json;
    if (is_written)
        return RV_OK;
    status = run_claim(run, "env.json", path);
    return status == RV_OK ? rv_file_write(run->context, path, json, strlen(json)) : status;
}

rv_status run_note_environment(rv_experiment *run)
{
    rv_status status = write_environment(run);
    return run->resumes ? run_without(run->context, status, "it is as it was") : status;
}

/* The inverse: the lines of such an object; the caller frees.  NULL when memory is out. */
static char *lines_of(json_t *object)
{
    const char *key;
    json_t *value;
    size_t bytes = 1;
    json_object_foreach(object, key, value)
    {
        bytes += strlen(key) + json_string_length(value) + 2;
    }
    char *text = rv_malloc(bytes), *at = text;
    json_object_foreach(object, key, value)
    {
        if (text && json_is_string(value))
            at = stpcpy(stpcpy(stpcpy(stpcpy(at, key), "\t"), json_string_value(value)), "\n");
    }
    if (text)
        *at = '\0';
    return text;
}

/* Whether the tuning in env.json, which older runs do not have, has the right types. */
static int is_tuning(json_t *object)
{
    const char *key;
    json_t *value, *policy = json_object_get(object, RV_TUNING_POLICY);
    json_t *choices = json_object_get(object, RV_TUNING_CHOICES);
    int ok = (!policy || json_is_string(policy)) && (!choices || json_is_object(choices));
    json_object_foreach(choices, key, value)
    {
        ok &= json_is_string(value);
    }
    return ok;
}

/* The choices that are newer than the checkpoint's own record. */
static rv_status follow(rv_experiment *run, json_t *object, int has_checkpoint, const char *path)
{
    rv_tuning tuning = {json_string_value(json_object_get(object, RV_TUNING_POLICY)), NULL};
    rv_status status = RV_OK;
    if (!tuning.policy)
        return RV_OK;
    if (!has_checkpoint)
        status = rv_context_follow_tuning(run->context, tuning, path);
    if (status != RV_OK)
        return status;
    char *choices = lines_of(json_object_get(object, RV_TUNING_CHOICES));
    tuning.choices = choices;
    status =
        choices ? rv_context_add_tuning(run->context, tuning, path) : rv_fail_memory(run->context);
    rv_free(choices);
    return status;
}

rv_status run_follow_environment(rv_experiment *run, int has_checkpoint)
{
    char path[RUN_PATH];
    json_t *object;
    run_path(run, "env.json", path);
    static const char without[] = "how convolutions were computed is not known";
    rv_status status = run_read_json(run->context, run->folder, "env.json", without, &object);
    if (status == RV_OK && object && !is_tuning(object))
        run_say_wrong(run->context, run->folder, "env.json", "is not what a run writes", without);
    if (status == RV_OK)
        status = follow(run, object, has_checkpoint, path);
    json_decref(object);
    return status;
}

/* config.yaml comes last: a run without it has not begun, and a run with it is complete. */
rv_status run_write_files(rv_experiment *run)
{
    char path[RUN_PATH];
    const char *text = rv_config_text(run->config);
    if (!text)
        return rv_error_status(run->context);
    rv_status status = write_environment(run);
    if (status == RV_OK)
        status = run_known_write(run);
    if (run->resumes)
        status = run_without(run->context, status, "it is as it was");
    if (status == RV_OK)
        status = run_claim(run, "config.yaml", path);
    if (status == RV_OK)
        status = rv_file_write(run->context, path, text, strlen(text));
    /* rv_config_text may have renewed the memory of the settings */
    run->settings = rv_config_settings(run->config);
    return run->settings ? status : rv_error_status(run->context);
}
