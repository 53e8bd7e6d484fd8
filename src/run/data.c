/* The data of a run: their place, whether they have changed, and the names of their
 * classes.  data.json records the data of the beginning of the run:
 *
 *     {"place": "/data/mnist", "classes": ["0", ...],
 *      "train": {"images": 50000, "fingerprint": "..."}, "validation": ..., "test": ...}
 */
#include "run/run.h"

#include "core/memory.h"
#include "io/json.h"
#include "reverie/io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

rv_data_config run_data(const rv_experiment *run)
{
    rv_data_config data = run->settings->data;
    data.directories = run->directories;
    data.directory_count = run->directory_count;
    return data;
}

rv_status run_has_test(rv_experiment *run, int *has_test)
{
    rv_data_config data = run_data(run);
    return rv_data_has_test(run->context, &data, has_test);
}

rv_status rv_experiment_split(rv_experiment *run, rv_split *split)
{
    int has_test = 0;
    rv_status status = run_has_test(run, &has_test);
    *split = has_test                             ? RV_SPLIT_TEST
             : run->settings->data.validation > 0 ? RV_SPLIT_VALIDATION
                                                  : RV_SPLIT_TRAIN;
    return status;
}

/* Values on different images are not comparable, and nothing else would tell. */
static void say_if_changed(rv_experiment *run, const rv_source *source)
{
    const rv_source_info *info = rv_source_describe(source);
    const char *known = run->known_fingerprint[info->split];
    if (!known[0] || strcmp(known, info->fingerprint) == 0)
        return;
    if (info->split == run_held_out(run->settings))
        snprintf(run->other_values, sizeof run->other_values, "other held-out images");
    rv_notify_once(
        run->context, RV_LOG_WARNING,
        "%s: the %s images are not those that the run was made with (%lld then, %lld now, of "
        "%s): numbers of the two do not compare",
        info->path, rv_split_name(info->split), (long long)run->known_count[info->split],
        (long long)info->count, info->name);
}

rv_source *run_open_source(rv_experiment *run, const rv_data_config *data, rv_split split)
{
    rv_source *source = NULL;
    rv_status status = rv_source_open(run->context, data, split, &source);
    if (status == RV_OK && run->model)
        status = rv_model_takes(run->model, source);
    if (status != RV_OK) {
        rv_source_free(source);
        return NULL;
    }
    say_if_changed(run, source);
    return source;
}

rv_source *rv_experiment_source(rv_experiment *run, rv_split split)
{
    rv_data_config data = run_data(run);
    if ((unsigned)split > RV_SPLIT_TEST) /* rv_source_open refuses it */
        return run_open_source(run, &data, split);
    if (!run->source[split])
        run->source[split] = run_open_source(run, &data, split);
    return run->source[split];
}

/* ---- classes ---- */

static rv_status keep_classes(rv_experiment *run, const char *const *names, int count)
{
    if (run->class_name || count == 0)
        return RV_OK;
    run->class_name = rv_arena_alloc(&run->memory, (size_t)count * sizeof *run->class_name);
    int ok = run->class_name != NULL;
    for (int i = 0; ok && i < count; i++)
        ok = (run->class_name[i] = rv_arena_strdup(&run->memory, names[i])) != NULL;
    run->class_count = ok ? count : 0;
    return ok ? RV_OK : rv_fail_memory(run->context);
}

const char *const *rv_experiment_classes(rv_experiment *run, int *count)
{
    *count = run->class_count;
    return run->class_name;
}

int rv_experiment_class(rv_experiment *run, const char *name)
{
    char names[256] = "", *end;
    long number = strtol(name, &end, 10);
    int known = run->class_count, all = run->model ? run->model->sizes.classes : 0;
    if (known == 0 && !*end && end != name && number >= 0 && number < all)
        return (int)number; /* a run without class names */
    for (int i = 0; i < known; i++) {
        size_t used = strlen(names);
        if (strcmp(run->class_name[i], name) == 0)
            return i;
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", run->class_name[i]);
    }
    rv_fail(run->context, RV_BAD_USAGE, "%s has no class `%.60s`%s%s", run->folder, name,
            names[0] ? "; there are " : "", names);
    return -1;
}

/* ---- data.json ---- */

static int is_split(const json_t *one)
{
    return !one || (json_is_string(json_object_get(one, "fingerprint")) &&
                    json_is_integer(json_object_get(one, "images")));
}

int run_data_is_whole(const json_t *object)
{
    const json_t *place = json_object_get(object, "place");
    const json_t *classes = json_object_get(object, "classes");
    int ok = (!place || json_is_string(place)) && (!classes || json_is_array(classes));
    for (int split = 0; split < 3; split++)
        ok &= is_split(json_object_get(object, rv_split_name((rv_split)split)));
    for (size_t i = 0; i < json_array_size(classes); i++)
        ok &= json_is_string(json_array_get(classes, i));
    return ok;
}

static rv_status take_classes(rv_experiment *run, json_t *array)
{
    size_t count = json_array_size(array);
    const char **names = rv_calloc(count + 1, sizeof *names);
    rv_status status = names ? RV_OK : rv_fail_memory(run->context);
    for (size_t i = 0; names && i < count; i++)
        if (!(names[i] = json_string_value(json_array_get(array, i))))
            count = 0; /* no list of names */
    if (status == RV_OK)
        status = keep_classes(run, names, (int)count);
    rv_free(names);
    return status;
}

static rv_status take(rv_experiment *run, json_t *object)
{
    for (int split = 0; split < 3; split++) {
        json_t *one = json_object_get(object, rv_split_name((rv_split)split));
        const char *fingerprint = json_string_value(json_object_get(one, "fingerprint"));
        run->known_count[split] = json_integer_value(json_object_get(one, "images"));
        snprintf(run->known_fingerprint[split], sizeof run->known_fingerprint[split], "%s",
                 fingerprint ? fingerprint : "");
    }
    return take_classes(run, json_object_get(object, "classes"));
}

/* A missing or damaged file does not prevent opening the run: *object is NULL. */
static rv_status read_known(rv_context *context, const char *folder, json_t **object)
{
    rv_status status = run_read_json(context, folder, "data.json", RUN_WITHOUT_DATA, object);
    if (*object && !run_data_is_whole(*object))
        run_say_wrong(context, folder, "data.json", "is not what a run writes", RUN_WITHOUT_DATA);
    return status;
}

rv_status run_known_read(rv_experiment *run)
{
    json_t *object;
    if (run->class_name)
        return RV_OK;
    rv_status status = read_known(run->context, run->folder, &object);
    if (object)
        status = take(run, object);
    json_decref(object);
    return status;
}

rv_status run_place_read(rv_context *context, const char *folder, rv_config *config)
{
    json_t *object;
    rv_status status = read_known(context, folder, &object);
    const char *place = json_string_value(json_object_get(object, "place"));
    if (status == RV_OK && place)
        status = rv_config_set_place(config, place);
    json_decref(object);
    return status;
}

static json_t *describe(const rv_experiment *run)
{
    json_t *object = json_object(), *classes = json_array();
    const rv_source_info *any = NULL;
    const rv_source *train = run->source[RV_SPLIT_TRAIN];
    int is_same = !train || strcmp(run->known_fingerprint[RV_SPLIT_TRAIN],
                                   rv_source_describe(train)->fingerprint) == 0;
    for (int split = 0; split < 3; split++) {
        int64_t images = run->known_count[split];
        const char *fingerprint = is_same ? run->known_fingerprint[split] : "";
        if (run->source[split]) {
            any = rv_source_describe(run->source[split]);
            images = any->count;
            fingerprint = any->fingerprint;
        }
        if (fingerprint[0])
            rv_json_put(
                &object, rv_split_name((rv_split)split),
                json_pack("{s:I, s:s}", "images", (json_int_t)images, "fingerprint", fingerprint));
    }
    char *place = any && any->place ? realpath(any->place, NULL) : NULL;
    /* A path that is not UTF-8 cannot be in JSON: it is not recorded. */
    json_t *kept = place ? json_string(place) : NULL;
    free(place);
    if (kept)
        rv_json_put(&object, "place", kept);
    for (int i = 0; any && i < any->class_count; i++)
        rv_json_add(&classes, rv_json_text(any->class_names[i]));
    rv_json_put(&object, "classes", classes);
    return object;
}

rv_status run_known_write(rv_experiment *run)
{
    char path[RUN_PATH], *text;
    rv_status status =
        rv_json_write(run->context, describe(run), JSON_INDENT(2) | JSON_PRESERVE_ORDER, &text);
    if (status != RV_OK)
        return status;
    status = run_claim(run, "data.json", path);
    if (status == RV_OK)
        status = rv_file_write(run->context, path, text, strlen(text));
    rv_free(text);
    const rv_source *any = run->source[RV_SPLIT_TRAIN];
    if (status == RV_OK && any)
        status = keep_classes(run, rv_source_describe(any)->class_names,
                              rv_source_describe(any)->class_count);
    return status;
}
