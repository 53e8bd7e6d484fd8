/* Alarms: signs of a failing training in its numbers.
 *
 *   discriminator_saturated      Arjovsky & Bottou 2017, "Towards Principled Methods for Training
 *                                Generative Adversarial Networks", theorem 2.1
 *   generator_gradient_vanished  the same, theorem 2.4
 *   samples_collapsed            Goodfellow 2016, "NIPS 2016 Tutorial: GANs", section 5.1.1
 *   critic_at_clip               Gulrajani et al. 2017, "Improved Training of Wasserstein GANs",
 *                                section 3
 *   images_alike                 images that do not differ: black ones, or one read many times
 *   held_out_not_finite          for every model that is evaluated: a NaN there reaches no loss
 *   samples_dim                  for every model that draws: a last layer that is dead, or whose
 *                                values reach half of the range only
 *   levels_idle                  Sonderby et al. 2016, "Ladder Variational Autoencoders": levels of
 *                                latents whose KL is nearly 0, after a few epochs
 *   latents_idle                 Bowman et al. 2016, "Generating Sentences from a Continuous
 *                                Space", section 3.1: latents that a strong decoder does without
 *
 * Each of the first four is a threshold on a mean over the steps since the last event.  The
 * thresholds come from trainings that go well: real_score 0.5 to 0.8 and fake_score 0.2 to
 * 0.5 (`bigan`, `gan`); generator_gradient 0.003 and more in a `wgan`, whose clipped critic is
 * flattest, 0.1 and more elsewhere; at_clip 0.4 to 0.75 (`wgan`); diversity 0.15 and more after an
 * epoch, where an untrained net begins at 0.003 to 0.007. */
#include "core/text.h"
#include "reverie/train.h"

#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* NaN if the event has no such value: then every comparison is false. */
static double value_of(const rv_event *event, const char *name)
{
    for (int i = 0; i < event->count; i++)
        if (strcmp(event->name[i], name) == 0)
            return event->value[i];
    return NAN;
}

static int discriminator_saturated(const rv_event *event, rv_alarm *alarm)
{
    double real = value_of(event, "real_score"), fake = value_of(event, "fake_score");
    if (!(real > RV_ALARM_REAL_SCORE && fake < RV_ALARM_FAKE_SCORE))
        return 0;
    alarm->name = "discriminator_saturated";
    rv_text_format(
        alarm->cause, sizeof alarm->cause,
        "the discriminator tells all images from all samples (mean scores %.4f and %.4f): the "
        "generator learns little from it; lower its rate (`gan`: "
        "objective.discriminator_rate=0.2), or give it fewer or narrower layers",
        real, fake);
    return 1;
}

/* An alarm for one value, below or above a limit, from that step and epoch on; its cause shows the
 * value times `scale`. */
typedef struct rule {
    const char *name, *value;
    double below, above;
    int64_t epoch, step;
    double scale;
    const char *cause;
} rule;

static const rule rules[] = {
    {"generator_gradient_vanished", "generator_gradient", RV_ALARM_GRADIENT, INFINITY, 0, 0, 1,
     "the generator's gradient has length %.1e, so it stands still: its opponent is flat "
     "around the samples; raise objective.clip (`wgan`), take "
     "objective.loss=nonsaturating (`gan`), or lower the opponent's rate"},
    {"samples_collapsed", "diversity", RV_ALARM_DIVERSITY, INFINITY, 1, RV_ALARM_DIVERSITY_STEPS, 1,
     "the samples of a batch hardly differ: their variance is %.3f of the images'; the "
     "generator turns all noise into one picture; early on that may pass; if it stays, lower "
     "train.lr, put batchnorm into the generator, or take model wgan-gp"},
    {"critic_at_clip", "at_clip", -INFINITY, RV_ALARM_AT_CLIP, 0, 0, 100,
     "%.1f%% of the critic's weights are stuck at the clip, so it can hardly learn: "
     "raise objective.clip, lower train.lr, or take model wgan-gp"},
    {"images_alike", "diversity", -INFINITY, RV_ALARM_ALIKE, 0, 0, 1,
     "the training images of a batch do not differ (they are all black, or one image many "
     "times), so there is nothing to learn from them: look at `reverie data show`, or "
     "raise data.batch where it is 1"},
};

static int is_raised(const rule *r, const rv_event *event, rv_alarm *alarm)
{
    double value = value_of(event, r->value);
    if (event->epoch < r->epoch || event->step < r->step || !(value < r->below || value > r->above))
        return 0;
    alarm->name = r->name;
    rv_text_format(alarm->cause, sizeof alarm->cause, r->cause, r->scale * value);
    return 1;
}

static int held_out_not_finite(const rv_event *event, rv_alarm *alarm)
{
    for (int i = 0; i < event->count; i++) {
        if (isfinite(event->value[i]))
            continue;
        alarm->name = "held_out_not_finite";
        snprintf(alarm->cause, sizeof alarm->cause,
                 "%s of the %s split is not finite, so no best checkpoint can be chosen by it: an "
                 "image there holds a NaN, or the weights have grown too far (lower train.lr)",
                 event->name[i], event->split);
        return 1;
    }
    return 0;
}

/* Levels that carry nothing: kl_1, kl_2, ... */
static int levels_idle(const rv_event *event, rv_alarm *alarm)
{
    char list[64] = "";
    for (int i = 0; i < event->count && event->epoch >= RV_ALARM_LEVEL_EPOCHS; i++) {
        size_t used = strlen(list);
        if (strncmp(event->name[i], "kl_", 3) == 0 && event->value[i] < RV_ALARM_LEVEL_KL)
            snprintf(list + used, sizeof list - used, "%s%s", used > 0 ? ", " : "",
                     event->name[i] + 3);
    }
    if (!list[0])
        return 0;
    alarm->name = "levels_idle";
    rv_text_format(alarm->cause, sizeof alarm->cause,
                   "latents of level %s carry less than %.2f nats, so their posterior is the prior "
                   "whatever the image: put batchnorm into the words, and set objective.warmup, or "
                   "take model ladder",
                   list, RV_ALARM_LEVEL_KL);
    return 1;
}

/* All latents together carry nothing. */
static int latents_idle(const rv_event *event, rv_alarm *alarm)
{
    double kl = value_of(event, "kl");
    if (event->epoch < RV_ALARM_LEVEL_EPOCHS || !(kl < RV_ALARM_KL))
        return 0;
    alarm->name = "latents_idle";
    rv_text_format(alarm->cause, sizeof alarm->cause,
                   "the latents carry %.2f nats: q(z|x) is the prior whatever the image, and the "
                   "decoder does without z; set objective.warmup or objective.free_bits, or give "
                   "the decoder fewer layers",
                   kl);
    return 1;
}

int rv_alarms(const rv_event *event, rv_alarm out[RV_ALARMS_MOST])
{
    int count = 0;
    if (event->kind == RV_EVENT_SPLIT) {
        count += held_out_not_finite(event, out);
        count += levels_idle(event, &out[count]);
        return count + latents_idle(event, &out[count]);
    }
    if (event->kind == RV_EVENT_TRAIN && event->epoch < 1)
        return 0;
    count += discriminator_saturated(event, &out[count]);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        count += is_raised(&rules[i], event, &out[count]);
    return count;
}

/* ---- samples ---- */

static double middle_of(rv_data_sizes sizes)
{
    return 0.5 * ((double)sizes.low + (double)sizes.high);
}

rv_status rv_bright_share(rv_context *context, rv_source *source, double *out)
{
    enum { IMAGES = 256 };
    const rv_source_info *info = rv_source_describe(source);
    int64_t count = info->count < IMAGES ? info->count : IMAGES, bright = 0;
    float *rows = rv_malloc((size_t)(count * info->size) * sizeof *rows);
    rv_status status =
        rows ? rv_source_fetch_range(source, 0, count, 0, rows, NULL) : rv_fail_memory(context);
    double middle = middle_of(rv_data_sizes_of(source));
    for (int64_t i = 0; status == RV_OK && i < count * info->size; i++)
        bright += (double)rows[i] > middle;
    *out = count > 0 ? (double)bright / (double)(count * info->size) : 0;
    rv_free(rows);
    return status;
}

int rv_alarm_of_samples(const float *samples, int64_t count, rv_data_sizes sizes, double bright,
                        int64_t step, rv_alarm *out)
{
    if (step < RV_ALARM_DIVERSITY_STEPS || bright < RV_ALARM_BRIGHT)
        return 0;
    for (int64_t i = 0; i < count * rv_data_width(sizes); i++)
        if ((double)samples[i] > middle_of(sizes))
            return 0;
    out->name = "samples_dim";
    rv_text_format(
        out->cause, sizeof out->cause,
        "no pixel of %lld samples is in the upper half of the range, where %.0f%% of the "
        "images' pixels are: the last layer is dead or does not reach them (a relu before "
        "the output?); change it, or lower train.lr",
        (long long)count, 100 * bright);
    return 1;
}
