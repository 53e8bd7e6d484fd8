/* Recipes: a configuration that is taken is written as text that reads back as the same text. */
#include "fuzz.h"

#include "core/memory.h"
#include "reverie/config.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rv_context *context = fuzz_begin(size);
    rv_config *config, *again;
    rv_status status = rv_config_new(context, &config);
    if (status == RV_OK)
        status = rv_config_read(config, fuzz_file(data, size));
    fuzz_told(context, status);
    const char *text = status == RV_OK ? rv_config_text(config) : NULL;
    fuzz_require(status != RV_OK || text || *rv_error_message(context), "refused without a word");
    if (text) {
        status = rv_config_new(context, &again);
        if (status == RV_OK)
            status = rv_config_parse(again, text, "text");
        const char *same = status == RV_OK ? rv_config_text(again) : NULL;
        fuzz_require(same != NULL, "its own text is refused: %s:\n%s", rv_error_message(context),
                     text);
        fuzz_require(strcmp(text, same) == 0, "read back it is another:\n%s\n%s", text, same);
        rv_config_free(again);
    }
    rv_config_free(config);
    return fuzz_end();
}
