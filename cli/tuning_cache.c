/* Reads and writes the file with this machine's tuning in the user's cache folder. */
#include "environment.h"

#include "core/random.h"
#include "reverie/backend.h"
#include "reverie/io.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

enum { CACHE_MOST = 1 << 20, PROCESSOR_BYTES = 128 };

/* The processor's name for itself, or the kind of machine if it has none. */
static void processor_name(char name[PROCESSOR_BYTES])
{
    struct utsname machine;
    memset(name, 0, PROCESSOR_BYTES);
#if defined(__x86_64__)
    unsigned words[4];
    for (unsigned part = 0; part < 3; part++)
        if (__get_cpuid(0x80000002 + part, &words[0], &words[1], &words[2], &words[3]))
            memcpy(name + part * sizeof words, words, sizeof words);
#endif
    if (!*name && uname(&machine) == 0)
        snprintf(name, PROCESSOR_BYTES, "%s", machine.machine);
}

static const char *cache_path(const cli_call *call, rv_arena *arena)
{
    char processor[PROCESSOR_BYTES], key[PROCESSOR_BYTES + 64];
    processor_name(processor);
    /* "in turns": not with the choices of versions that measured less carefully. */
    snprintf(key, sizeof key, "%s, reverie %s, oneDNN %s, in turns", processor, rv_version(),
             rv_onednn_version());
    return rv_arena_printf(arena, "%s/convolutions-%016" PRIx64 ".txt", call->cache_folder,
                           rv_site(key));
}

/* Adds the choices of a file to those of a context. */
static rv_status read_file(rv_context *context, const char *path)
{
    uint8_t *text;
    size_t count;
    rv_status status = rv_file_read(context, path, CACHE_MOST, &text, &count);
    if (status != RV_OK)
        return status;
    if (strlen((const char *)text) != count)
        status = rv_fail(context, RV_BAD_FILE, "%s: is no text; the file is damaged", path);
    else
        status = rv_context_add_tuning(context, (rv_tuning){NULL, (const char *)text}, path);
    rv_io_free(text);
    return status;
}

rv_status cli_tuning_cache_load(cli_call *call, rv_arena *arena)
{
    if (!call->cache_folder)
        return RV_OK;
    call->tuning_cache = cache_path(call, arena);
    if (!call->tuning_cache)
        return rv_fail_memory(call->context);
    if (access(call->tuning_cache, R_OK) != 0)
        return RV_OK;
    rv_status status = read_file(call->context, call->tuning_cache);
    if (status == RV_OK || status == RV_NO_MEMORY)
        return status;
    rv_notify(call->context, RV_LOG_WARNING, "%s; it is made again",
              rv_error_message(call->context));
    rv_error_clear(call->context);
    call->tuning_cache_damaged = 1;
    return RV_OK;
}

/* The file may have grown since it was read: additions of others stay. */
static void write_file(rv_context *context, const cli_call *call, const char *news)
{
    if (!call->tuning_cache_damaged && access(call->tuning_cache, R_OK) == 0 &&
        read_file(context, call->tuning_cache) != RV_OK) {
        if (rv_error_status(context) != RV_BAD_FILE) /* the file is good: its choices stay */
            return;
        rv_error_clear(context);
    }
    rv_context_add_tuning(context, (rv_tuning){NULL, news}, call->tuning_cache);
    const char *text = rv_context_tuning(context, RV_TUNING_KNOWN).choices;
    rv_status status = rv_error_status(context);
    if (status == RV_OK)
        status = rv_folder_make(context, call->cache_folder);
    if (status == RV_OK)
        rv_file_write(context, call->tuning_cache, text, strlen(text));
}

/* In a separate context, whose failures have no effect. */
void cli_tuning_cache_save(cli_call *call)
{
    if (!call->tuning_cache)
        return;
    const char *news = rv_context_tuning(call->context, RV_TUNING_NEW).choices;
    if (!news || (!*news && !call->tuning_cache_damaged))
        return;
    rv_context *context = rv_context_new();
    if (!context)
        return;
    write_file(context, call, news);
    rv_context_free(context);
}
