/* The registry of model kinds, and what is common to all models. */
#include "reverie/model.h"

#include "core/memory.h"
#include "core/option.h"
#include "model/kinds.h"

#include <string.h>

static const rv_model_kind *const kinds[] = {&rv_vae_kind};

const rv_model_kind *const *rv_model_kinds(int *count)
{
    *count = (int)(sizeof kinds / sizeof *kinds);
    return kinds;
}

const rv_model_kind *rv_model_kind_find(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}

int64_t rv_data_width(rv_data_sizes sizes)
{
    return sizes.height * sizes.width * sizes.channels;
}

rv_status rv_model_new(rv_context *context, const rv_model_kind *kind, const void *config,
                       rv_data_sizes sizes, rv_model **out)
{
    *out = NULL;
    rv_model *model = rv_calloc(1, sizeof *model);
    if (model)
        model->config = rv_malloc(kind->config_size);
    if (!model || !model->config) {
        rv_free(model);
        return rv_fail_memory(context);
    }
    model->context = context;
    model->kind = kind;
    model->sizes = sizes;
    memcpy(model->config, config, kind->config_size);
    rv_status status = kind->create(model, model->config);
    if (status != RV_OK) {
        rv_model_free(model);
        return status;
    }
    *out = model;
    return RV_OK;
}

void rv_model_free(rv_model *model)
{
    if (!model)
        return;
    if (model->self)
        model->kind->destroy(model);
    rv_free(model->config);
    rv_free(model);
}
