/* The table of the kinds of models: the built-in ones, and those that a program adds. */
#include "model/papers/registry.h"

#include <string.h>

enum { KINDS_MOST = 28 };

/* NULL ends it. */
static const rv_model_kind *kinds[KINDS_MOST + 1] = {
    &rv_vae_kind,          &rv_iwae_kind,     &rv_ladder_kind,  &rv_gan_kind,
    &rv_wgan_kind,         &rv_wgan_gp_kind,  &rv_vae_gan_kind, &rv_bigan_kind,
    &rv_classifier_kind,   &rv_m2_kind,       &rv_m1_m2_kind,   &rv_adgm_kind,
    &rv_discrete_vae_kind, &rv_made_kind,     &rv_maf_kind,     &rv_realnvp_kind,
    &rv_energy_flow_kind,  &rv_pixelcnn_kind, &rv_pixelvae_kind};

rv_status rv_model_register(rv_context *context, const rv_model_kind *kind)
{
    const char *problem = NULL;
    const char *name = kind->name ? kind->name : "";
    const rv_model_kind *same = rv_model_kind_find(name);
    int count;
    rv_model_kinds(&count);
    if (same == kind)
        return RV_OK;
    if (same)
        problem = "is there already: give yours another name";
    else if (!*name || !kind->nets)
        problem = "needs a name, and nets";
    else if (!rv_model_kind_has(kind, RV_TRAINING))
        problem = "cannot be trained: it needs `train`, or a part that makes one";
    else if (count == KINDS_MOST)
        problem = "is one too many: the table of kinds is full";
    if (problem)
        return rv_fail(context, RV_BAD_USAGE, "model kind `%s` %s", name, problem);
    kinds[count] = kind;
    return RV_OK;
}

const rv_model_kind *const *rv_model_kinds(int *count)
{
    for (*count = 0; kinds[*count]; ++*count)
        ;
    return kinds;
}

const rv_model_kind *rv_model_kind_find(const char *name)
{
    for (int i = 0; kinds[i]; i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}
