/* The option rows of the group `data`. */
#include "data/options.h"

/* Floor 6 writes lists as rv_integers and rv_numbers, and choices as int. */
_Static_assert(offsetof(rv_data_integers, value) == offsetof(rv_integers, value) &&
                   offsetof(rv_data_integers, count) == offsetof(rv_integers, count) &&
                   sizeof(rv_data_integers) == sizeof(rv_integers),
               "rv_data_integers is laid out as rv_integers");
_Static_assert(offsetof(rv_data_numbers, value) == offsetof(rv_numbers, value) &&
                   offsetof(rv_data_numbers, count) == offsetof(rv_numbers, count) &&
                   sizeof(rv_data_numbers) == sizeof(rv_numbers),
               "rv_data_numbers is laid out as rv_numbers");
_Static_assert(sizeof(rv_pixels) == sizeof(int) && sizeof(rv_range) == sizeof(int),
               "a choice is as wide as an int");

#define RV_ROWS_OF rv_data_config

const rv_option rv_data_options[RV_DATA_OPTION_COUNT] = {
    RV_STRING("data.name", name, "digits",
              "data set: digits or moons, circles, spirals, checkerboard, eight-gaussians, banana, "
              "energy-1 "
              "to energy-4 (built in); mnist, a folder of IDX or PNG files, or an .npy file "
              "(floats [N,2] are points, "
              "too)"),
    RV_CHOICE("data.pixels", pixels, "gray", "gray|static|dynamic|threshold",
              "pixel values: as they are, drawn once, drawn each epoch, or cut at one half"),
    RV_CHOICE("data.range", range, "[0,1]", "[0,1]|[-1,1]", "where black and white go"),
    RV_SWITCH(
        "data.dequantise", dequantise, "false",
        "bytes become (byte + u) / 256, u uniform in (0,1) and new at each epoch: for densities"),
    RV_NUMBER("data.logit", logit, "0", 0, 0.49,
              "a: a pixel v becomes the logit of a + (1 - 2 a) v, as 1e-6; 0 is off"),
    RV_NUMBERS(
        "data.normalize", normalize, "[]", -1e6, 1e6,
        "[mean, deviation] of the gray values, which become (v - mean) / deviation; [] is off"),
    RV_NUMBERS(
        "data.values", values, "[]", -1e9, 1e9,
        "[black, white] of an .npy file that is not of bytes, as in [0, 255] or [-1, 1]; [] is [0, "
        "1], and leaves floats [N,2] the points that they are"),
    RV_INTEGERS("data.classes", classes, "[]", 0, 2147483647,
                "labels of the images that are kept; [] keeps all"),
    RV_INTEGER("data.validation", validation, "0", 0, 4294967295.0,
               "images set aside for validation, from the end of the training images"),
    RV_INTEGER("data.limit", limit, "0", 0, 4294967295.0,
               "keep only the first so many training images; 0 keeps all"),
    RV_INTEGER("data.seed", seed, "1", 0, 9007199254740992.0,
               "seed of the built-in digits and of binarisation"),
    RV_INTEGER("data.batch", batch, "64", 1, 1048576, "images a batch"),
    RV_INTEGER("data.labels", labels, "0", 0, 4294967295.0,
               "training images that keep their label, as many of each class; 0: all"),
    RV_INTEGER("data.labelled_batch", labelled_batch, "0", 0, 1048576,
               "labelled images a batch, in addition to data.batch; 0: as many, or all there are"),
};
