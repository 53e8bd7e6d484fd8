/* Writes one pass of a convolution as transforms and a product of spectra. */
#include "backend/cpu/lowering/lowered.h"

#include "backend/transform/transform.h"

static rv_expr transform(const rv_conv_transform *algorithm, rv_expr x, int leg, int adjoint,
                         int again, rv_shape shape)
{
    rv_attribute attribute = rv_attribute_none();
    attribute.transform = *algorithm;
    attribute.transform.leg = leg;
    attribute.transform.adjoint = adjoint;
    attribute.transform.again = again;
    return rv_node_new(x->graph, RV_OP_conv_transform, &x, 1, &attribute, RV_F32, shape);
}

static rv_expr product(const rv_conv_transform *algorithm, rv_expr a, rv_expr b, int leg)
{
    rv_expr pair[2] = {a, b};
    rv_attribute attribute = rv_attribute_none();
    attribute.transform = *algorithm;
    attribute.transform.leg = leg;
    return rv_node_new(a->graph, RV_OP_conv_product, pair, 2, &attribute, RV_F32,
                       rv_shape1(rv_spectrum_size(algorithm, leg)));
}

/* Equations (2) of backend/transform/transform.h: the operands' spectra, their product, and the
 * adjoint of the result's transform. */
rv_expr cpu_lowered(const rv_conv_transform *algorithm, cpu_conv_pass pass, const rv_expr pixels[3],
                    rv_expr spectrum[3], const int again[3])
{
    int to = cpu_leg_of_pass(pass), leg[2] = {rv_product_leg(to, 0), rv_product_leg(to, 1)};
    for (int i = 0; i < 2; i++)
        if (!spectrum[leg[i]])
            spectrum[leg[i]] =
                transform(algorithm, pixels[leg[i]], leg[i], 0, again ? again[leg[i]] : 0,
                          rv_shape1(rv_spectrum_size(algorithm, leg[i])));
    rv_expr result = product(algorithm, spectrum[leg[0]], spectrum[leg[1]], to);
    return transform(algorithm, result, to, 1, 0, cpu_leg_shape(algorithm, to));
}
