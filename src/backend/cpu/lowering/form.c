/* The form of a convolution, and the tensors (legs) of its passes. */
#include "backend/cpu/lowering/form.h"

#include "backend/transform/transform.h"

#include <string.h>

cpu_form cpu_form_of(rv_expr node)
{
    cpu_form form;
    cpu_conv_shape shape = cpu_conv_shape_of(node);
    memset(&form, 0, sizeof form);
    form.sizes.geometry = shape.geometry;
    for (int axis = 0; axis < 2; axis++) {
        form.sizes.image[axis] = (int)shape.image[axis];
        form.sizes.window[axis] = (int)shape.kernel[axis];
        form.sizes.result[axis] = (int)shape.result[axis];
    }
    form.sizes.batch = (int)shape.batch;
    form.sizes.inputs = (int)shape.inputs;
    form.sizes.outputs = (int)shape.outputs;
    form.count[shape.pass] = 1;
    form.first = (int)shape.pass;
    return form;
}

int cpu_form_same(const cpu_form *a, const cpu_form *b)
{
    return memcmp(&a->sizes, &b->sizes, sizeof a->sizes) == 0;
}

int cpu_leg_of_pass(int pass)
{
    return pass == CPU_CONV_FORWARD          ? RV_RESULT
           : pass == CPU_CONV_INPUT_GRADIENT ? RV_IMAGE
                                             : RV_WINDOW;
}

rv_shape cpu_leg_shape(const rv_conv_transform *s, int leg)
{
    const int *size = leg == RV_IMAGE ? s->image : leg == RV_WINDOW ? s->window : s->result;
    return rv_shape4(rv_leg_planes(s, leg), size[0], size[1], rv_leg_channels(s, leg));
}
