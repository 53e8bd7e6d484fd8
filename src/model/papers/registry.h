/* The built-in kinds of models: one file each, one paper a file. */
#ifndef PAPERS_REGISTRY_H
#define PAPERS_REGISTRY_H

#include "reverie/model.h"

extern const rv_model_kind rv_vae_kind;
extern const rv_model_kind rv_iwae_kind;
extern const rv_model_kind rv_ladder_kind;
extern const rv_model_kind rv_gan_kind;
extern const rv_model_kind rv_wgan_kind;
extern const rv_model_kind rv_wgan_gp_kind;
extern const rv_model_kind rv_vae_gan_kind;
extern const rv_model_kind rv_bigan_kind;
extern const rv_model_kind rv_discrete_vae_kind;
extern const rv_model_kind rv_classifier_kind;
extern const rv_model_kind rv_m2_kind;
extern const rv_model_kind rv_m1_m2_kind;
extern const rv_model_kind rv_adgm_kind;
extern const rv_model_kind rv_made_kind;
extern const rv_model_kind rv_maf_kind;
extern const rv_model_kind rv_realnvp_kind;
extern const rv_model_kind rv_energy_flow_kind;
extern const rv_model_kind rv_pixelcnn_kind;
extern const rv_model_kind rv_pixelvae_kind;

#endif
