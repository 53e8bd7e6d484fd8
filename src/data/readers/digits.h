/* The built-in data set: handwritten-looking digits, each a pure function of (seed, split, i). */
#ifndef DATA_DIGITS_H
#define DATA_DIGITS_H

#include <stdint.h>

enum {
    RV_DIGITS_TRAIN = 60000,
    RV_DIGITS_TEST = 10000,
    RV_DIGITS_SIDE = 28,
    RV_DIGITS_SIZE = RV_DIGITS_SIDE * RV_DIGITS_SIDE
};

/* 0: the training images, 1: the test images. */
typedef enum rv_digits_set { RV_DIGITS_TRAINING, RV_DIGITS_TESTING } rv_digits_set;

/* Labels of images 0 .. count-1: every ten images in a row hold each digit once. */
void rv_digits_labels(uint64_t seed, rv_digits_set set, int64_t count, int32_t *labels);
/* Draws image `number`, which shows `label`: white ink (255) on black (0), rows from the top. */
void rv_digits_draw(uint64_t seed, rv_digits_set set, uint32_t number, int32_t label,
                    uint8_t image[RV_DIGITS_SIZE]);

#endif
