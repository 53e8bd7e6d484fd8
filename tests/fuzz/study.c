/* Study files: whatever they say, every run is resolved or the file is refused, with its line. */
#include "fuzz.h"

#include "reverie/study.h"

#include <stdio.h>
#include <string.h>

static const char recipe[] = "model: vae\ndata: {name: digits, limit: 64}\nlatent: 2\n"
                             "encoder: [linear 4, relu]\ndecoder: [linear 4, relu]\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int has_recipe;
    const char *directories[] = {fuzz_folder()};
    if (!has_recipe) {
        FILE *file = fopen(fuzz_path("tiny.yaml"), "w");
        fuzz_require(file && fputs(recipe, file) >= 0 && fclose(file) == 0, "no recipe");
        has_recipe = 1;
    }
    rv_context *context = fuzz_begin(size);
    rv_study *study;
    rv_study_request request = {.path = fuzz_file(data, size),
                                .folder = "/nowhere",
                                .recipe_directories = directories,
                                .recipe_directory_count = 1};
    rv_status status = rv_study_open(context, &request, &study);
    fuzz_told(context, status);
    fuzz_require(status != RV_OK || study != NULL, "fine, but no study");
    rv_study_free(study);
    return fuzz_end();
}
