/* Chooses the algorithm that computes a convolution. */
#include "backend/cpu/lowering/choose.h"

#include "backend/cpu/tile/tile.h"
#include "backend/transform/transform.h"
#include "backend/tuning.h"
#include "core/context.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The largest accepted rounding error, in units of a direct sum's (rv_transform_error). */
#define ACCEPTED_ERROR 12
/* A measurement is made only where the estimated gain of a transform is between these, and the
 * direct sum takes more than WORTH_MEASURING seconds. */
#define LEAST_GAIN      0.67
#define CLEAR_GAIN      2
#define WORTH_MEASURING 5e-4
/* The largest accepted spectrum of a leg. */
#define MOST_ELEMENTS 5e8

enum { KEY = 192, VALUE = 40 };

/* What the cost of a convolution depends on, beside its sizes. */
typedef struct machine {
    const char *isa;
    int threads;
} machine;

static machine machine_of(const rv_context *context)
{
    return (machine){rv_tile_table_find(context->isa)->name, rv_context_threads(context)};
}

/* "avx512, 2 threads: 64 x 21x21x128, windows 256 x 5x5, stride 2x2, pads 0,0 0,0, passes fiw" */
static void key_of(const machine *on, const cpu_form *form, char key[KEY])
{
    const rv_conv_transform *s = &form->sizes;
    const rv_conv *g = &s->geometry;
    snprintf(key, KEY,
             "%s, %d threads: %d x %dx%dx%d, windows %d x %dx%d, stride %dx%d, pads %d,%d "
             "%d,%d, passes %s%s%s",
             on->isa, on->threads, s->batch, s->image[0], s->image[1], s->inputs, s->outputs,
             s->window[0], s->window[1], g->stride[0], g->stride[1], g->pad_low[0], g->pad_high[0],
             g->pad_low[1], g->pad_high[1], form->count[CPU_CONV_FORWARD] ? "f" : "",
             form->count[CPU_CONV_INPUT_GRADIENT] ? "i" : "",
             form->count[CPU_CONV_WEIGHT_GRADIENT] ? "w" : "");
}

/* ---- candidates ---- */

typedef struct best {
    double seconds;
    cpu_choice choice;
} best;

static void consider(const machine *on, const cpu_form *form, int family, int height, int width,
                     best *b)
{
    rv_conv_transform algorithm = form->sizes;
    algorithm.family = family;
    algorithm.tile[0] = height < algorithm.result[0] ? height : algorithm.result[0];
    algorithm.tile[1] = width < algorithm.result[1] ? width : algorithm.result[1];
    if (!rv_transform_possible(&algorithm))
        return;
    for (int leg = 0; leg < 3; leg++)
        if ((double)rv_spectrum_size(&algorithm, leg) > MOST_ELEMENTS)
            return;
    double seconds = cpu_transform_seconds(form, &algorithm, on->isa, on->threads);
    if (seconds < b->seconds && rv_transform_error(&algorithm) <= ACCEPTED_ERROR)
        *b = (best){seconds, {1, algorithm}};
}

/* The cheapest algorithm by the model; its `transforms` is 0 where there is none. */
static best cheapest(const machine *on, const cpu_form *form)
{
    static const int tiles[] = {4, 6, 8, 12, 16, 24};
    best b = {INFINITY, {0, form->sizes}};
    for (int tile = 1; tile <= 4; tile++)
        consider(on, form, RV_TOOM_COOK, tile, tile, &b);
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++)
        consider(on, form, RV_FOURIER, tiles[i], tiles[i], &b);
    consider(on, form, RV_FOURIER, form->sizes.result[0], form->sizes.result[1], &b);
    return b;
}

/* ---- choices as text: "direct", "fourier 21x21", "toom-cook 3x3" ---- */

static void write_choice(const cpu_choice *choice, char value[VALUE])
{
    const rv_conv_transform *a = &choice->algorithm;
    if (!choice->transforms)
        snprintf(value, VALUE, "direct");
    else
        snprintf(value, VALUE, "%s %dx%d", rv_family_name(a->family), a->tile[0], a->tile[1]);
}

/* 0 for a text that is no choice, or no choice for this form. */
static int read_choice(const char *value, const cpu_form *form, cpu_choice *out)
{
    char family[16], rest;
    *out = (cpu_choice){0, form->sizes};
    if (strcmp(value, "direct") == 0)
        return 1;
    rv_conv_transform *a = &out->algorithm;
    out->transforms = 1;
    if (sscanf(value, "%15s %dx%d%c", family, &a->tile[0], &a->tile[1], &rest) != 3)
        return 0;
    a->family = strcmp(family, rv_family_name(RV_FOURIER)) == 0 ? RV_FOURIER : RV_TOOM_COOK;
    return strcmp(family, rv_family_name(a->family)) == 0 && a->tile[0] > 0 && a->tile[1] > 0 &&
           a->tile[0] <= a->result[0] && a->tile[1] <= a->result[1] && rv_transform_possible(a);
}

/* ---- the choice ---- */

/* Whether the transform is taken instead of the direct sum: by the model, unless a measurement is
 * clear.  *lasts: whether another process would choose the same. */
static rv_status compare(const rv_backend *backend, rv_context *context, const machine *on,
                         const cpu_form *form, best *b, int *lasts)
{
    const cpu_choice choices[2] = {{0, form->sizes}, b->choice};
    double direct = cpu_direct_seconds(form, on->isa, on->threads);
    double gain = direct / b->seconds;
    cpu_rounds rounds;
    b->choice.transforms = gain > CPU_WORTHWHILE;
    if (!rv_context_conv_measuring(context) || direct < WORTH_MEASURING || gain < LEAST_GAIN ||
        gain > CLEAR_GAIN)
        return RV_OK;
    rv_status status = cpu_measure(backend, context, form, choices, &rounds);
    cpu_verdict verdict = cpu_judge(&rounds);
    if (verdict != CPU_WITHIN_NOISE)
        b->choice.transforms = verdict == CPU_SECOND_WINS;
    *lasts = !cpu_was_busy(&rounds);
    return status;
}

rv_status cpu_choose(const rv_backend *backend, rv_context *context, const cpu_form *form,
                     cpu_choice *out)
{
    char key[KEY], value[VALUE];
    rv_status status = RV_OK;
    int lasts = 1;
    *out = (cpu_choice){0, form->sizes};
    if (rv_context_conv(context) == RV_CONV_DIRECT)
        return RV_OK;
    machine on = machine_of(context);
    key_of(&on, form, key);
    const char *known = rv_choice_find(context, key);
    if (known && read_choice(known, form, out))
        return RV_OK;
    best b = cheapest(&on, form);
    if (!b.choice.transforms) /* there is no choice: dilation, which the key does not contain */
        return RV_OK;
    if (rv_context_conv(context) == RV_CONV_AUTO)
        status = compare(backend, context, &on, form, &b, &lasts);
    *out = b.choice;
    write_choice(out, value);
    if (status != RV_OK)
        return status;
    return lasts ? rv_choice_set(context, key, value) : rv_choice_record(context, key, value);
}
