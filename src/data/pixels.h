/* Conversion of stored grey values to the floats that a model sees. */
#ifndef DATA_PIXELS_H
#define DATA_PIXELS_H

#include "reverie/data.h"

typedef struct rv_pixel_rule {
    rv_pixels pixels;
    float value[256];        /* the value of a byte, for gray and threshold */
    uint32_t threshold[256]; /* a byte becomes white when its 23 random bits are below this */
    float black, white;      /* the two values of a binary pixel */
    int dequantise;          /* bytes become (byte + u) / 256 */
    double logit;            /* a: v becomes the logit of a + (1 - 2 a) v; 0: off */
    double mean, deviation;  /* a grey value v in [0,1] becomes (v - mean) / deviation */
    uint32_t static_key[2], dynamic_key[2];
} rv_pixel_rule;

/* The rule for checked settings.  `part` separates the draws of training images from those of test
 * images ("train", "test"). */
rv_pixel_rule rv_pixel_rule_make(const rv_data_config *config, const char *part);

enum { RV_DRAWN_ONCE = -1 };

/* One image: `size` bytes, or grey values in [0,1], to `size` floats.  `number` is the image's
 * place in its file; `epoch` chooses the dynamic draw, RV_DRAWN_ONCE the static one instead. */
void rv_pixels_from_bytes(const rv_pixel_rule *rule, const uint8_t *bytes, int64_t size,
                          uint32_t number, int64_t epoch, float *out);
void rv_pixels_from_values(const rv_pixel_rule *rule, const float *values, int64_t size,
                           uint32_t number, int64_t epoch, float *out);

#endif
