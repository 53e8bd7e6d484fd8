/* The last values in a run's metrics.jsonl, for tables of runs of any kind. */
#include "run/run.h"

#include "io/json.h"

#include <math.h>
#include <string.h>

/* The index of a value, or the next free index. */
static int place_of(const rv_run_summary *summary, const char *split, const char *name)
{
    int at = 0;
    while (at < summary->count && (strcmp(summary->value[at].name, name) != 0 ||
                                   strcmp(summary->value[at].split, split) != 0))
        at++;
    return at;
}

static rv_run_value *value_of(rv_run_summary *summary, const char *split, const char *name)
{
    int at = place_of(summary, split, name);
    if (at < summary->count || at == RV_RUN_VALUES_MOST)
        return at < summary->count ? &summary->value[at] : NULL;
    rv_run_value *made = &summary->value[summary->count++];
    *made = (rv_run_value){.last = (double)NAN, .least = (double)NAN, .most = (double)NAN};
    snprintf(made->split, sizeof made->split, "%s", split);
    snprintf(made->name, sizeof made->name, "%s", name);
    return made;
}

static rv_status take_line(void *user, json_t *line)
{
    rv_run_summary *summary = user;
    const char *event = json_string_value(json_object_get(line, "event")), *key;
    const char *split = json_string_value(json_object_get(line, "split"));
    json_t *value;
    int is_epoch = event && strcmp(event, "epoch") == 0;
    if (json_is_integer(json_object_get(line, "step")))
        summary->step = json_integer_value(json_object_get(line, "step"));
    if (!is_epoch && !(event && strcmp(event, "evaluation") == 0))
        return RV_OK;
    summary->epoch = json_integer_value(json_object_get(line, "epoch"));
    summary->epoch_step = summary->step;
    json_object_foreach(line, key, value)
    {
        int is_measured = strcmp(key, "lr") != 0; /* lr is a setting */
        int is_value = is_measured && (json_is_real(value) || json_is_null(value));
        rv_run_value *v = is_value ? value_of(summary, split ? split : "train", key) : NULL;
        if (!v)
            continue;
        v->last = json_is_real(value) ? json_real_value(value) : (double)NAN;
        v->least = fmin(v->least, v->last); /* of a NaN and a number, fmin takes the number */
        v->most = fmax(v->most, v->last);
    }
    return RV_OK;
}

rv_status rv_run_summary_read(rv_context *context, const char *folder, rv_run_summary *out)
{
    memset(out, 0, sizeof *out);
    if (!run_has(folder, "config.yaml"))
        return rv_fail(context, RV_BAD_FILE, "%s: holds no run (no config.yaml)", folder);
    if (!run_has(folder, "metrics.jsonl"))
        return RV_OK;
    return run_each_line(context, folder, "metrics.jsonl", take_line, out);
}

rv_status rv_run_fingerprint_read(rv_context *context, const char *folder, const char *split,
                                  char text[33])
{
    static const char without[] = "its numbers are compared as if of other images";
    json_t *object;
    rv_status status = run_read_json(context, folder, "data.json", without, &object);
    if (object && !run_data_is_whole(object))
        run_say_wrong(context, folder, "data.json", "is not what a run writes", without);
    const char *known =
        json_string_value(json_object_get(json_object_get(object, split), "fingerprint"));
    snprintf(text, 33, "%s", known ? known : "");
    json_decref(object);
    return status;
}

const rv_run_value *rv_run_summary_find(const rv_run_summary *summary, const char *split,
                                        const char *name)
{
    int at = place_of(summary, split, name);
    return at < summary->count ? &summary->value[at] : NULL;
}

/* ---- the value that selects the best weights ---- */

rv_status rv_run_selection_read(rv_context *context, const char *folder, rv_run_selection *out)
{
    static const char without[] = "what the run chooses its weights by is not known";
    json_t *object;
    memset(out, 0, sizeof *out);
    rv_status status = run_read_json(context, folder, "env.json", without, &object);
    json_t *selection = json_object_get(object, "selection");
    const char *split = json_string_value(json_object_get(selection, "split"));
    const char *name = json_string_value(json_object_get(selection, "value"));
    out->is_known = json_is_null(selection) || (split && name);
    if (selection && !out->is_known)
        run_say_wrong(context, folder, "env.json", "its `selection` is not what a run writes",
                      without);
    snprintf(out->split, sizeof out->split, "%s", split ? split : "");
    snprintf(out->name, sizeof out->name, "%s", name ? name : "");
    out->smaller_is_better = json_is_false(json_object_get(selection, "larger_is_better"));
    json_decref(object);
    return status;
}

double rv_run_value_best(const rv_run_value *value, const rv_run_selection *selection)
{
    return selection->smaller_is_better ? value->least : value->most;
}

static const rv_run_value *held_out(const rv_run_summary *summary, const char *name)
{
    const rv_run_value *value = rv_run_summary_find(summary, "validation", name);
    return value ? value : rv_run_summary_find(summary, "test", name);
}

/* The rule for models that are older than the recorded selection.  It does not change: a model with
 * another criterion records that. */
static const rv_run_value *chosen_by_settings(const rv_run_summary *summary,
                                              const rv_run_setting *settings, int count)
{
    static const char *const names[] = {"importance_bound", "accuracy", "elbo"};
    int objective = run_setting_find(settings, count, "objective.name");
    int is_iwae = objective >= 0 && strcmp(settings[objective].value, "iwae") == 0;
    const rv_run_value *value = NULL;
    for (int i = is_iwae ? 0 : 1; i < 3 && !value; i++)
        value = held_out(summary, names[i]);
    return value;
}

const rv_run_value *rv_run_summary_chosen(const rv_run_summary *summary,
                                          const rv_run_selection *selection,
                                          const rv_run_setting *settings, int count)
{
    return selection->is_known ? rv_run_summary_find(summary, selection->split, selection->name)
                               : chosen_by_settings(summary, settings, count);
}
