/* The order of parameters in files.
 *
 * Kernels are [O,H,W,I] inside, for images whose channels come last, and [O,I,H,W] in files, which
 * PyTorch's load_state_dict takes: rank 4 is permuted (0,3,1,2), and so are a kernel's
 * optimizer state and averages.  All other ranks are the same inside and outside. */
#ifndef TRAIN_LAYOUT_H
#define TRAIN_LAYOUT_H

#include "reverie/graph.h"

/* The shape in a file for a parameter of shape `inside`. */
rv_shape layout_outside(rv_shape inside);
/* Reorders the values of a parameter of shape `inside`, in place: to a file's order (`out` 1) or
 * back; RV_NO_MEMORY. */
rv_status layout_move(rv_context *context, rv_shape inside, float *values, int out);

#endif
