/* Reads the files of a folder, and names the pictures of a run's curves. */
#include "run/run.h"

#include "io/json.h"
#include "reverie/io.h"

#include <stdio.h>
#include <string.h>

int run_has(const char *folder, const char *name)
{
    char path[RUN_PATH];
    return snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path &&
           rv_file_exists(path);
}

rv_status run_read_json(rv_context *context, const char *folder, const char *name, size_t most,
                        json_t **object)
{
    char path[RUN_PATH];
    uint8_t *text = NULL;
    size_t size;
    *object = NULL;
    if (!run_has(folder, name))
        return RV_OK;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    rv_status status = rv_file_read(context, path, most, &text, &size);
    if (status == RV_OK)
        status = rv_json_read(context, (const char *)text, size, 0, object, NULL);
    rv_io_free(text);
    return status;
}

rv_status run_each_line(rv_context *context, const char *folder, const char *name, run_line take,
                        void *user)
{
    char path[RUN_PATH];
    uint8_t *text = NULL;
    size_t size;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    rv_status status = rv_file_read(context, path, (size_t)1 << 30, &text, &size);
    for (const char *at = (const char *)text; status == RV_OK && *at;) {
        size_t length = strcspn(at, "\n");
        json_t *line;
        status = rv_json_read(context, at, length, 0, &line, NULL);
        if (line)
            status = take(user, line);
        json_decref(line);
        at += length + (at[length] == '\n');
    }
    rv_io_free(text);
    return status;
}

const char *run_curves_name(rv_curves which)
{
    static const char *const name[RV_CURVES_KINDS] = {"losses",    "reconstruction", "kl",
                                                      "distance",  "scores",         "diversity",
                                                      "gradients", "rate",           "other"};
    return name[which];
}

void run_curves_file(rv_curves which, char name[64])
{
    snprintf(name, 64, which == RV_CURVES_LOSSES ? "curves" : "curves-%s", run_curves_name(which));
}
