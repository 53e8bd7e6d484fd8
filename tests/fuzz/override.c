/* Settings of the command line: each line is one `key=value` over a recipe. */
#include "fuzz.h"

#include "reverie/config.h"

#include <string.h>

static const char recipe[] = "name: base\nmodel: vae\ndata.name: digits\nlatent: 2\n"
                             "encoder: [linear 4, relu]\ndecoder: [linear 4, relu]\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rv_context *context = fuzz_begin(size);
    char *line = (char *)(uintptr_t)fuzz_text(data, size);
    rv_config *config;
    rv_status status = rv_config_new(context, &config);
    if (status == RV_OK)
        status = rv_config_parse(config, recipe, "recipe");
    fuzz_require(status == RV_OK, "the recipe: %s", rv_error_message(context));
    for (int lines = 0; status == RV_OK && *line && lines < 100; lines++) {
        size_t length = strcspn(line, "\n");
        char *next = line + length + (line[length] == '\n');
        line[length] = '\0';
        status = rv_config_set(config, line);
        fuzz_told(context, status);
        line = next;
    }
    if (status == RV_OK)
        fuzz_require(rv_config_settings(config) || *rv_error_message(context),
                     "refused without a word");
    rv_config_free(config);
    return fuzz_end();
}
