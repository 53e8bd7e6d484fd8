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

/* ---- JSON ---- */

/* Limits for what is parsed, far above what a run writes.  jansson needs up to 80 bytes for a byte
 * of text, so the memory for the values is limited too. */
enum { LINE_MOST = 1 << 20, FILE_MOST = 16 << 20, PARSED_MOST = 48 << 20 };

/* An upper estimate of the memory for the values in a text. */
static size_t parsed_size(const char *text, size_t bytes)
{
    size_t size = bytes;
    for (size_t i = 0; i < bytes; i++)
        size += text[i] == '{' ? 224 : text[i] == '[' ? 160 : text[i] == ',' ? 128 : 0;
    return size;
}

static int is_too_large(const char *text, size_t bytes)
{
    return parsed_size(text, bytes) > bytes + PARSED_MOST;
}

/* NULL: it is no JSON object, or too large to be one of a run. */
static rv_status read_object(rv_context *context, const char *text, size_t bytes, json_t **object)
{
    *object = NULL;
    if (is_too_large(text, bytes))
        return RV_OK;
    rv_status status = rv_json_read(context, text, bytes, 0, object, NULL);
    if (*object && !json_is_object(*object)) {
        json_decref(*object);
        *object = NULL;
    }
    return status;
}

rv_status run_without(rv_context *context, rv_status status, const char *what)
{
    if (status == RV_OK || status == RV_NO_MEMORY)
        return status;
    rv_notify_once(context, RV_LOG_WARNING, "%s; %s", rv_error_message(context), what);
    rv_error_clear(context);
    return RV_OK;
}

void run_say_wrong(rv_context *context, const char *folder, const char *name, const char *wrong,
                   const char *without)
{
    rv_notify_once(context, RV_LOG_WARNING, "%s/%s: %s: %s", folder, name, wrong, without);
}

rv_status run_read_json(rv_context *context, const char *folder, const char *name,
                        const char *without, json_t **object)
{
    char path[RUN_PATH];
    uint8_t *text = NULL;
    size_t size;
    *object = NULL;
    if (!run_has(folder, name))
        return RV_OK;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    rv_status status = rv_file_read(context, path, FILE_MOST, &text, &size);
    if (status != RV_OK)
        return run_without(context, status, without);
    status = read_object(context, (const char *)text, size, object);
    if (status == RV_OK && !*object)
        run_say_wrong(context, folder, name,
                      is_too_large((const char *)text, size) ? "holds more than a run writes"
                                                             : "is no JSON",
                      without);
    rv_io_free(text);
    return status;
}

/* ---- logs ---- */

/* Counts of the lines of a log. */
typedef struct log_lines {
    long long count, unread, first; /* `first` of the unread */
} log_lines;

static int is_or_absent(const json_t *line, const char *key, int is_integer)
{
    const json_t *value = json_object_get(line, key);
    return !value || (is_integer ? json_is_integer(value) : json_is_string(value));
}

/* Whether the keys that are common to the logs have values of the right types. */
static int is_event(const json_t *line)
{
    const json_t *seconds = json_object_get(line, "seconds");
    return is_or_absent(line, "event", 0) && is_or_absent(line, "split", 0) &&
           is_or_absent(line, "step", 1) && is_or_absent(line, "epoch", 1) &&
           (!seconds || json_is_number(seconds) || json_is_null(seconds));
}

/* The beginning of a last line: another process is writing it, or was killed while it did. */
static int is_unfinished(const char *text, size_t bytes)
{
    return bytes > 0 && bytes <= LINE_MOST && text[0] == '{' && text[bytes] != '\n' &&
           !memchr(text, 0, bytes);
}

static rv_status take_text(rv_context *context, const char *text, size_t bytes, log_lines *lines,
                           run_line take, void *user)
{
    json_t *line = NULL;
    rv_status status = RV_OK;
    lines->count++;
    if (bytes <= LINE_MOST)
        status = read_object(context, text, bytes, &line);
    int is_read = line && is_event(line);
    if (status == RV_OK && is_read)
        status = take(user, line);
    if (!is_read && bytes > 0 && !is_unfinished(text, bytes) && lines->unread++ == 0)
        lines->first = lines->count;
    json_decref(line);
    return status;
}

static void say_unread(rv_context *context, const char *path, const log_lines *lines)
{
    if (lines->unread == 1)
        rv_notify_once(context, RV_LOG_WARNING,
                       "%s: 1 of %lld lines cannot be read, line %lld; it is left out", path,
                       lines->count, lines->first);
    else if (lines->unread > 1)
        rv_notify_once(context, RV_LOG_WARNING,
                       "%s: %lld of %lld lines cannot be read, the first is line %lld; they are "
                       "left out",
                       path, lines->unread, lines->count, lines->first);
}

rv_status run_each_line(rv_context *context, const char *folder, const char *name, run_line take,
                        void *user)
{
    char path[RUN_PATH];
    uint8_t *text = NULL;
    size_t size = 0, length;
    log_lines lines = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    rv_status status = rv_file_read(context, path, (size_t)1 << 30, &text, &size);
    for (size_t at = 0; status == RV_OK && at < size; at += length + 1) {
        const char *line = (const char *)text + at, *end = memchr(line, '\n', size - at);
        length = end ? (size_t)(end - line) : size - at;
        status = take_text(context, line, length, &lines, take, user);
    }
    if (status == RV_OK)
        say_unread(context, path, &lines);
    rv_io_free(text);
    return status;
}

/* ---- names ---- */

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
