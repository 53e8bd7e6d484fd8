/* YAML as a list of settings: nested maps become dotted keys, and each setting knows its place in
 * the source. */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include "config/value.h"

typedef struct config_settings {
    rv_context *context;
    rv_arena *arena; /* of the settings and their texts */
    config_setting *first, **end;
} config_settings;

void config_settings_begin(config_settings *settings, rv_context *context, rv_arena *arena);
/* Appends the settings of a file; of a text, which messages call `name`; of `key=value`. */
rv_status config_settings_read(config_settings *settings, const char *path);
rv_status config_settings_parse(config_settings *settings, const char *text, const char *name);
rv_status config_settings_override(config_settings *settings, const char *override);
/* A setting outside the list, from YAML text: for a row's default. */
rv_status config_setting_parse(rv_context *context, rv_arena *arena, const char *key,
                               const char *text, config_setting *out);

#endif
