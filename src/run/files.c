/* config.yaml and env.json. */
#include "run/run.h"

#include "reverie/io.h"

#include <jansson.h>
#include <string.h>
#include <sys/utsname.h>

static json_t *environment(const rv_experiment *run)
{
    struct utsname machine;
    memset(&machine, 0, sizeof machine);
    uname(&machine);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "version", rv_version(), "system",
                     machine.sysname, "release", machine.release, "machine", machine.machine,
                     "backend", rv_context_backend(run->context), "isa",
                     rv_context_isa(run->context), "threads", rv_context_threads(run->context));
}

void run_json_free(char *text)
{
    json_free_t release;
    json_get_alloc_funcs(NULL, &release);
    if (text)
        release(text);
}

rv_status run_write_files(rv_experiment *run)
{
    char path[RUN_PATH];
    const char *text = rv_config_text(run->config);
    if (!text)
        return rv_error_status(run->context);
    run_path(run, "config.yaml", path);
    rv_status status = rv_file_write(run->context, path, text, strlen(text));
    json_t *object = environment(run);
    char *json = object ? json_dumps(object, JSON_INDENT(2) | JSON_PRESERVE_ORDER) : NULL;
    json_decref(object);
    if (status == RV_OK && !json)
        status = rv_fail_memory(run->context);
    run_path(run, "env.json", path);
    if (status == RV_OK)
        status = rv_file_write(run->context, path, json, strlen(json));
    run_json_free(json);
    /* rv_config_text may have renewed what the settings point to. */
    run->settings = rv_config_settings(run->config);
    return run->settings ? status : rv_error_status(run->context);
}
