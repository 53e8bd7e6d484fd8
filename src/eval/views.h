/* Views of a model, for pictures and tables. */
#ifndef EVAL_VIEWS_H
#define EVAL_VIEWS_H

#include "reverie/eval.h"

/* RV_BAD_USAGE for a model without that ability: it lacks `what`, which `verb` needs. */
rv_status view_needs(const rv_model *model, int ability, const char *what, const char *verb);

/* RV_BAD_USAGE for a class that there is not, and for a model that makes no images of a class. */
rv_status view_check_classes(const rv_model *model, const int32_t *classes, int64_t count);

/* The class of image i: that of the list, or where there is none, all in turn. */
int64_t view_class_of(const rv_model *model, const int32_t *classes, int64_t i);

/* As rv_view_decode_classes, but a model that draws its images gives each its own noise, of `seed`
 * and the number of the image. */
rv_status view_decode_draws(rv_model *model, uint64_t seed, const float *z, const int32_t *classes,
                            int64_t count, float *images);

/* RV_BAD_USAGE for a number of rows below zero. */
rv_status view_check_rows(const rv_model *model, int64_t count);

/* rv_view_generate_classes of a model with a sampler: pixel by pixel at the arithmetic of one pass,
 * of a kind with `pixels`; and pass by pass: the same images, up to draws that rounding decides. */
rv_status view_generate_by_pixels(rv_model *model, uint64_t seed, const int32_t *classes,
                                  int64_t count, float *images);
rv_status view_generate_by_passes(rv_model *model, uint64_t seed, const int32_t *classes,
                                  int64_t count, float *images);

#endif
