/* The problems of a run, read from metrics.jsonl for its report. */
#include "figures/figures.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

typedef struct heard {
    char name[64], cause[256];
    long long first, last; /* epochs */
} heard;

typedef struct hearing {
    heard heard[RV_ALARMS_MOST];
    int count;
} hearing;

static rv_status take_line(void *user, json_t *line)
{
    hearing *all = user;
    const char *event = json_string_value(json_object_get(line, "event"));
    const char *name = json_string_value(json_object_get(line, "name"));
    const char *cause = json_string_value(json_object_get(line, "cause"));
    long long epoch = json_integer_value(json_object_get(line, "epoch"));
    int i = 0;
    if (!event || strcmp(event, "alarm") != 0 || !name || !cause)
        return RV_OK;
    while (i < all->count && strcmp(all->heard[i].name, name) != 0)
        i++;
    if (i == RV_ALARMS_MOST)
        return RV_OK;
    heard *one = &all->heard[i];
    if (i == all->count) {
        all->count++;
        snprintf(one->name, sizeof one->name, "%s", name);
        one->first = epoch;
    }
    snprintf(one->cause, sizeof one->cause, "%s", cause);
    one->last = epoch;
    return RV_OK;
}

static rv_status add_one(rv_page *page, const heard *one)
{
    char text[512];
    if (one->first == one->last)
        snprintf(text, sizeof text, "%s, epoch %lld: %s", one->name, one->first, one->cause);
    else
        snprintf(text, sizeof text, "%s, epochs %lld to %lld: %s", one->name, one->first, one->last,
                 one->cause);
    return rv_page_text(page, text);
}

rv_status run_add_alarms(rv_experiment *run, rv_page *page)
{
    hearing all = {.count = 0};
    rv_status status = run_each_line(run->context, run->folder, "metrics.jsonl", take_line, &all);
    if (status == RV_OK && all.count > 0)
        status = rv_page_heading(page, "What went wrong");
    for (int i = 0; status == RV_OK && i < all.count; i++)
        status = add_one(page, &all.heard[i]);
    return status;
}
