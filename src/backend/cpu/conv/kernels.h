/* The kernels of convolutions: direct (convolution.h), the transforms of bilinear algorithms, and
 * the products of their spectra (backend/transform/transform.h). */
#ifndef CPU_CONV_KERNELS_H
#define CPU_CONV_KERNELS_H

#include "backend/cpu/kernel/kernel.h"

extern const cpu_kernel cpu_convolution_kernel, cpu_transform_kernel, cpu_product_kernel;

#endif
