/* Binarisation: Salakhutdinov & Murray 2008 (a Bernoulli draw for each pixel); with new draws in
 * each epoch, Burda, Grosse & Salakhutdinov 2016.
 *
 * Pixel i of image n takes word i % 4 of Philox block (i / 4, epoch, n): any image can be drawn at
 * any time, in any order.  Most pixels of a digit are plain black, and their draw is skipped. */
#include "data/pixels.h"

#include "core/random.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void key_of(const char *what, const char *part, uint64_t seed, uint32_t key[2])
{
    char name[64];
    snprintf(name, sizeof name, "data.%s.%s", what, part);
    rv_random_key(seed, rv_site(name), key);
}

rv_pixel_rule rv_pixel_rule_make(const rv_data_config *config, const char *part)
{
    rv_pixel_rule rule = {.pixels = config->pixels,
                          .dequantise = config->dequantise,
                          .logit = config->logit,
                          .mean = 0,
                          .deviation = 1};
    if (config->range == RV_RANGE_SIGNED) { /* 2 v - 1 */
        rule.mean = 0.5;
        rule.deviation = 0.5;
    }
    if (config->normalize.count == 2) {
        rule.mean = config->normalize.value[0];
        rule.deviation = config->normalize.value[1];
    }
    rule.black = (float)((0 - rule.mean) / rule.deviation);
    rule.white = (float)((1 - rule.mean) / rule.deviation);
    for (int byte = 0; byte < 256; ++byte) {
        double v = byte / 255.0;
        rule.value[byte] = (float)((v - rule.mean) / rule.deviation);
        if (rule.pixels == RV_PIXELS_THRESHOLD)
            rule.value[byte] = v >= 0.5 ? rule.white : rule.black;
        /* u = (k + 1/2) 2^-23 < v  is  k < v 2^23 - 1/2 */
        rule.threshold[byte] = (uint32_t)fmax(ceil(v * 0x1p23 - 0.5), 0);
    }
    key_of("static", part, config->seed, rule.static_key);
    key_of("dynamic", part, config->seed, rule.dynamic_key);
    return rule;
}

/* The key of a draw, and its counter but for the block's number. */
static const uint32_t *draw_key(const rv_pixel_rule *rule, uint32_t number, int64_t epoch,
                                uint32_t counter[4])
{
    int anew = rule->pixels == RV_PIXELS_DYNAMIC || rule->dequantise;
    int again = anew && epoch != RV_DRAWN_ONCE;
    counter[0] = 0;
    counter[1] = again ? (uint32_t)epoch : 0;
    counter[2] = number;
    counter[3] = again ? (uint32_t)((uint64_t)epoch >> 32) : 0;
    return again ? rule->dynamic_key : rule->static_key;
}

static void draw_bytes(const rv_pixel_rule *rule, const uint8_t *bytes, int64_t size,
                       uint32_t number, int64_t epoch, float *out)
{
    const float level[2] = {rule->black, rule->white}; /* a table: a branch would be
                                                          unpredictable */
    uint32_t counter[4], random[4];
    const uint32_t *key = draw_key(rule, number, epoch, counter);
    for (int64_t i = 0; i < size; i += 4, ++counter[0]) {
        int some = size - i < 4 ? (int)(size - i) : 4;
        uint32_t four = 0;
        memcpy(&four, bytes + i, (size_t)some);
        if (four == 0) {
            for (int j = 0; j < some; ++j)
                out[i + j] = rule->black;
            continue;
        }
        rv_random_block(key, counter, random);
        for (int j = 0; j < some; ++j)
            out[i + j] = level[random[j] >> 9 < rule->threshold[bytes[i + j]]];
    }
}

/* log(s / (1 - s)), s = a + (1 - 2 a) v (Papamakarios et al. 2017, appendix) */
static float logit_of(double v, double a)
{
    double s = a + (1 - 2 * a) * v;
    return (float)log(s / (1 - s));
}

/* (byte + u) / 256 (Uria et al. 2013), and its logit. */
static void dequantised(const rv_pixel_rule *rule, const uint8_t *bytes, int64_t size,
                        uint32_t number, int64_t epoch, float *out)
{
    uint32_t counter[4], random[4] = {0};
    const uint32_t *key = draw_key(rule, number, epoch, counter);
    for (int64_t i = 0; i < size; ++i) {
        if (i % 4 == 0) {
            rv_random_block(key, counter, random);
            ++counter[0];
        }
        double v = (bytes[i] + rv_random_uniform(random[i % 4])) / 256;
        out[i] = rule->logit > 0 ? logit_of(v, rule->logit) : (float)v;
    }
}

void rv_pixels_from_bytes(const rv_pixel_rule *rule, const uint8_t *bytes, int64_t size,
                          uint32_t number, int64_t epoch, float *out)
{
    if (rule->pixels == RV_PIXELS_STATIC || rule->pixels == RV_PIXELS_DYNAMIC) {
        draw_bytes(rule, bytes, size, number, epoch, out);
        return;
    }
    if (rule->dequantise) {
        dequantised(rule, bytes, size, number, epoch, out);
        return;
    }
    for (int64_t i = 0; i < size; ++i)
        out[i] = rule->logit > 0 ? logit_of(bytes[i] / 255.0, rule->logit) : rule->value[bytes[i]];
}

void rv_pixels_from_values(const rv_pixel_rule *rule, const float *values, int64_t size,
                           uint32_t number, int64_t epoch, float *out)
{
    uint32_t counter[4], random[4] = {0};
    const uint32_t *key = draw_key(rule, number, epoch, counter);
    int drawn = rule->pixels == RV_PIXELS_STATIC || rule->pixels == RV_PIXELS_DYNAMIC;
    for (int64_t i = 0; i < size; ++i) {
        if (rule->logit > 0) {
            out[i] = logit_of((double)values[i], rule->logit);
            continue;
        }
        if (rule->pixels == RV_PIXELS_GRAY) {
            out[i] = (float)((values[i] - rule->mean) / rule->deviation);
            continue;
        }
        if (drawn && i % 4 == 0) {
            rv_random_block(key, counter, random);
            ++counter[0];
        }
        double cut = drawn ? rv_random_uniform(random[i % 4]) : 0.5;
        int is_white = drawn ? cut < values[i] : values[i] >= cut;
        out[i] = is_white ? rule->white : rule->black;
    }
}
