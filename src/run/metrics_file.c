/* Reading metrics.jsonl, and the names of the pictures of its curves. */
#include "run/run.h"

#include "io/json.h"

#include <stdio.h>
#include <string.h>

rv_status run_each_line(rv_context *context, const char *text, run_line take, void *user)
{
    rv_status status = RV_OK;
    while (*text && status == RV_OK) {
        size_t length = strcspn(text, "\n");
        json_t *line;
        status = rv_json_read(context, text, length, 0, &line, NULL);
        if (line)
            status = take(user, line);
        json_decref(line);
        text += length + (text[length] == '\n');
    }
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
