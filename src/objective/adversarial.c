/* Adversarial losses from scores: the GAN's, the Wasserstein GAN's, and the gradient penalty.
 *
 * Goodfellow et al. 2014, "Generative Adversarial Nets"; Arjovsky, Chintala & Bottou 2017,
 * "Wasserstein GAN"; Gulrajani et al. 2017, "Improved Training of Wasserstein GANs".
 *
 * With logits l, D = sigmoid(l):  -log D = softplus(-l)  and  -log(1 - D) = softplus(l). */
#include "reverie/objective.h"

static rv_expr mean(rv_expr each)
{
    return rv_mean(each, rv_all_axes(each));
}

rv_expr rv_gan_discriminator_loss(rv_expr real, rv_expr fake)
{
    return rv_add(mean(rv_softplus(rv_neg(real))), mean(rv_softplus(fake)));
}

rv_expr rv_gan_generator_loss(rv_expr fake, rv_gan_loss kind)
{
    if (kind == RV_GAN_MINIMAX)
        return rv_neg(mean(rv_softplus(fake)));
    return mean(rv_softplus(rv_neg(fake)));
}

rv_expr rv_wasserstein_critic_loss(rv_expr real, rv_expr fake)
{
    return rv_sub(mean(fake), mean(real));
}

rv_expr rv_wasserstein_generator_loss(rv_expr fake)
{
    return rv_neg(mean(fake));
}

/* x^ = e x + (1 - e) x~,  e ~ U(0, 1) */
rv_expr rv_interpolates(rv_expr real, rv_expr fake, const char *name)
{
    if (rv_is_poison(real) || rv_is_poison(fake))
        return rv_is_poison(real) ? real : fake;
    rv_shape each = rv_shape2(rv_expr_shape(real).dim[0], 1);
    rv_draw_axes axes = {0, -1};
    rv_expr e = rv_draw_uniform(rv_expr_graph(real), name, each, axes); /* [B,1] */
    return rv_add(fake, rv_mul(e, rv_sub(real, fake)));
}

/* A score depends only on its own point, so the gradient of the sum has the gradients of all
 * scores. */
rv_expr rv_gradient_penalty(rv_expr scores, rv_expr points)
{
    rv_expr gradient;
    rv_expr total = rv_sum(scores, rv_all_axes(scores));
    rv_grad(total, &points, 1, &gradient);                         /* [B,D] */
    rv_expr length = rv_norm(gradient, rv_axes_from(gradient, 1)); /* [B] */
    return mean(rv_square(rv_shift(length, -1)));
}
