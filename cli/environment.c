/* Reads the variables of the environment. */
#include "environment.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { DIRECTORIES_MOST = 4 };

/* An empty variable is an unset one. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static rv_status find_cache_folder(cli_call *call, rv_arena *arena)
{
    const char *cache = variable("XDG_CACHE_HOME"), *home = variable("HOME");
    if (cache)
        call->cache_folder = rv_arena_printf(arena, "%s/reverie", cache);
    else if (home)
        call->cache_folder = rv_arena_printf(arena, "%s/.cache/reverie", home);
    return (cache || home) && !call->cache_folder ? rv_fail_memory(call->context) : RV_OK;
}

static void add_data_directories(cli_call *call, const char *first)
{
    const char *directories[] = {first, variable("REVERIE_DATA"), call->cache_folder};
    for (int i = 0; i < CLI_COUNT(directories); i++)
        if (directories[i])
            call->data_directory[call->data_directory_count++] = directories[i];
}

/* The folder of the running program; "" if the system does not tell. */
static void program_folder(char *folder, size_t bytes)
{
    ssize_t length = readlink("/proc/self/exe", folder, bytes - 1);
    folder[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
}

static rv_status add_recipe_directories(cli_call *call, rv_arena *arena)
{
    static const char *const places[] = {"/recipes", "/../share/reverie/recipes"};
    char program[4096], *path;
    call->recipe_directory[call->recipe_directory_count++] = "recipes";
    program_folder(program, sizeof program);
    for (int i = 0; i < CLI_COUNT(places) && *program; i++) {
        if (!(path = rv_arena_printf(arena, "%s%s", program, places[i])))
            return rv_fail_memory(call->context);
        char *real = realpath(path, NULL);
        if (real && !(path = rv_arena_strdup(arena, real))) {
            free(real);
            return rv_fail_memory(call->context);
        }
        if (real)
            call->recipe_directory[call->recipe_directory_count++] = path;
        free(real);
    }
    return RV_OK;
}

rv_status cli_environment_read(cli_call *call, rv_arena *arena, const char *first)
{
    call->data_directory = rv_arena_alloc(arena, DIRECTORIES_MOST * sizeof(char *));
    call->recipe_directory = rv_arena_alloc(arena, DIRECTORIES_MOST * sizeof(char *));
    if (!call->data_directory || !call->recipe_directory)
        return rv_fail_memory(call->context);
    rv_status status = find_cache_folder(call, arena);
    add_data_directories(call, first);
    return status == RV_OK ? add_recipe_directories(call, arena) : status;
}

/* ---- the terminal ---- */

int cli_is_terminal(int descriptor)
{
    const char *kind = variable("TERM");
    return isatty(descriptor) && kind && strcmp(kind, "dumb") != 0;
}

int cli_wants_color(int descriptor)
{
    return cli_is_terminal(descriptor) && !variable("NO_COLOR");
}

int cli_terminal_width(int descriptor)
{
    struct winsize size;
    if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 80;
    return size.ws_col;
}
