/* Checkpoints: whatever a file says of its tensors, its position and its model, it is refused or a
 * trainer goes on from it.  The checksum is made right first: damage is tensors.c's part. */
#include "fuzz.h"

#include "core/memory.h"
#include "io/tensors.h"
#include "reverie/config.h"
#include "reverie/io.h"
#include "reverie/train.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

static const char recipe[] =
    "model: vae\ndata: {name: DATA, batch: 4}\nlatent: 1\nlikelihood: bernoulli\n"
    "encoder: [linear 2, batchnorm, relu]\ndecoder: [linear 2, relu]\n"
    "train: {epochs: 3, log: 1, ema: 0.5}\n";

/* Made anew now and then: what is loaded over and over keeps names. */
enum { INPUTS_A_TRAINER = 200, IMAGES = 8, PIXELS = 4 };
static struct {
    rv_context *context;
    rv_config *config;
    rv_source *source;
    rv_model *model;
    rv_trainer *trainer;
    int inputs;
} made;

static void unmake(void)
{
    rv_trainer_free(made.trainer);
    rv_model_free(made.model);
    rv_source_free(made.source);
    rv_config_free(made.config);
    rv_context_free(made.context);
    memset(&made, 0, sizeof made);
}

static void write_images(void)
{
    float pixel[IMAGES * PIXELS];
    int64_t dim[] = {IMAGES, 2, 2};
    for (int i = 0; i < IMAGES * PIXELS; i++)
        pixel[i] = (float)(i % 5) / 4;
    rv_array_save(made.context, fuzz_path("images.npy"), pixel, 3, dim);
}

static void make(void)
{
    char name[4096];
    made.context = rv_context_new();
    rv_context_set_threads(made.context, 1);
    write_images();
    snprintf(name, sizeof name, "data.name=\"%s\"", fuzz_path("images.npy"));
    rv_config_new(made.context, &made.config);
    rv_config_parse(made.config, recipe, "recipe");
    rv_config_set(made.config, name);
    const rv_settings *settings = rv_config_settings(made.config);
    fuzz_require(settings != NULL, "the recipe: %s", rv_error_message(made.context));
    rv_source_open(made.context, &settings->data, RV_SPLIT_TRAIN, &made.source);
    rv_data_sizes sizes = {2, 2, 1, 0, 0, 1, 0, 0, 0, 0};
    rv_model_new(made.context, settings->model, settings->model_config, sizes, &made.model);
    rv_trainer_setup setup = {.model = made.model, .train = made.source, .config = settings->train};
    if (rv_error_status(made.context) == RV_OK)
        rv_trainer_new(made.context, &setup, &made.trainer);
    if (rv_error_status(made.context) == RV_OK)
        rv_trainer_prepare(made.trainer);
    fuzz_require(rv_error_status(made.context) == RV_OK, "no trainer: %s",
                 rv_error_message(made.context));
}

/* The digits of the checksum, if the file has any, made those of the file. */
static void mend(uint8_t *bytes, size_t size)
{
    char digits[RV_CHECKSUM_DIGITS + 1];
    char *at = size > 8 ? rv_checksum_place((char *)bytes + 8, size - 8) : NULL;
    if (!at)
        return;
    memset(at, '0', RV_CHECKSUM_DIGITS);
    XXH128_hash_t hash = XXH3_128bits(bytes, size);
    snprintf(digits, sizeof digits, "%016llx%016llx", (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
    memcpy(at, digits, RV_CHECKSUM_DIGITS);
}

/* Two trainings from one point agree about where that is. */
static void check_saved(void)
{
    rv_progress now = rv_trainer_progress(made.trainer);
    int64_t again = 0;
    rv_status status = rv_trainer_save(made.trainer, fuzz_path("again.safetensors"));
    fuzz_require(status == RV_OK, "what was loaded is not saved: %s",
                 rv_error_message(made.context));
    status = rv_trainer_load(made.trainer, fuzz_path("again.safetensors"), &again);
    fuzz_require(status == RV_OK, "what was saved is not loaded: %s",
                 rv_error_message(made.context));
    rv_progress then = rv_trainer_progress(made.trainer);
    fuzz_require(now.step == then.step && now.epoch == then.epoch && now.batch == then.batch,
                 "step %lld, epoch %lld, batch %lld became %lld, %lld, %lld", (long long)now.step,
                 (long long)now.epoch, (long long)now.batch, (long long)then.step,
                 (long long)then.epoch, (long long)then.batch);
}

static void check_trainer(const char *path)
{
    int64_t position = -1;
    rv_status status = rv_trainer_load(made.trainer, path, &position);
    fuzz_told(made.context, status);
    if (status != RV_OK)
        return;
    rv_progress now = rv_trainer_progress(made.trainer);
    fuzz_require(position >= 0 && now.step >= 0 && now.epoch >= 0 && now.batch >= 0 &&
                     now.batch < now.batches && now.count >= 0 && now.count <= RV_EVENT_VALUES_MOST,
                 "position %lld, step %lld, epoch %lld, batch %lld of %lld", (long long)position,
                 (long long)now.step, (long long)now.epoch, (long long)now.batch,
                 (long long)now.batches);
    fuzz_require(now.step < INT64_MAX / 2 && now.epoch < INT64_MAX / 2,
                 "step %lld, epoch %lld: sums of these overflow", (long long)now.step,
                 (long long)now.epoch);
    check_saved();
    fuzz_told(made.context, rv_trainer_step(made.trainer));
    made.inputs = INPUTS_A_TRAINER; /* one that has stepped is loaded no more */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rv_data_sizes sizes;
    if (made.inputs == INPUTS_A_TRAINER)
        unmake();
    if (!made.context)
        make();
    made.inputs++;
    uint8_t *bytes = rv_malloc(size);
    fuzz_require(bytes != NULL, "no memory");
    if (size > 0)
        memcpy(bytes, data, size);
    mend(bytes, size);
    const char *path = fuzz_file(bytes, size);
    rv_context *context = fuzz_begin(size);
    rv_error_clear(made.context);
    rv_status status = rv_checkpoint_sizes(context, path, &sizes);
    fuzz_told(context, status);
    fuzz_require(status != RV_OK || (sizes.height > 0 && sizes.classes >= 0), "absurd sizes");
    fuzz_told(made.context, rv_checkpoint_load(made.model, path, 0));
    rv_error_clear(made.context);
    fuzz_told(made.context, rv_checkpoint_load(made.model, path, 1));
    rv_error_clear(made.context);
    check_trainer(path);
    rv_free(bytes);
    fuzz_bounds();
    return 0;
}
