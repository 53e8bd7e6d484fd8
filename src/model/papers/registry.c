/* The table of the built-in kinds of models. */
#include "model/papers/registry.h"

#include <string.h>

static const rv_model_kind *const kinds[] = {
    &rv_vae_kind,     &rv_iwae_kind,    &rv_gan_kind,   &rv_wgan_kind,
    &rv_wgan_gp_kind, &rv_vae_gan_kind, &rv_bigan_kind, &rv_classifier_kind,
    &rv_m2_kind,      &rv_m1_m2_kind,   &rv_adgm_kind,  &rv_discrete_vae_kind};

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
