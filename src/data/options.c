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

#define FIELD(name) offsetof(rv_data_config, name)

const rv_option rv_data_options[RV_DATA_OPTION_COUNT] = {
    {"data.name", RV_OPTION_TEXT, FIELD(name), "digits", 0, 0, NULL,
     "data set: digits (built in), mnist, a folder of IDX or PNG files, or an .npy file"},
    {"data.pixels", RV_OPTION_CHOICE, FIELD(pixels), "gray", 0, 0, "gray|static|dynamic|threshold",
     "pixel values: as they are, drawn once, drawn each epoch, or cut at one half"},
    {"data.range", RV_OPTION_CHOICE, FIELD(range), "[0,1]", 0, 0, "[0,1]|[-1,1]",
     "where black and white go"},
    {"data.normalize", RV_OPTION_NUMBERS, FIELD(normalize), "[]", -1e6, 1e6, NULL,
     "[mean, deviation] of the gray values, which become (v - mean) / deviation; [] is off"},
    {"data.values", RV_OPTION_NUMBERS, FIELD(values), "[]", -1e9, 1e9, NULL,
     "[black, white] of an .npy file that is not of bytes, as in [0, 255] or [-1, 1]; [] is [0, "
     "1]"},
    {"data.classes", RV_OPTION_INTEGERS, FIELD(classes), "[]", 0, 2147483647, NULL,
     "labels of the images that are kept; [] keeps all"},
    {"data.validation", RV_OPTION_INTEGER, FIELD(validation), "0", 0, 4294967295.0, NULL,
     "images set aside for validation, from the end of the training images"},
    {"data.limit", RV_OPTION_INTEGER, FIELD(limit), "0", 0, 4294967295.0, NULL,
     "keep only the first so many training images; 0 keeps all"},
    {"data.seed", RV_OPTION_INTEGER, FIELD(seed), "1", 0, 9007199254740992.0, NULL,
     "seed of the built-in digits and of binarisation"},
    {"data.batch", RV_OPTION_INTEGER, FIELD(batch), "64", 1, 1048576, NULL, "images a batch"},
    {"data.labels", RV_OPTION_INTEGER, FIELD(labels), "0", 0, 4294967295.0, NULL,
     "training images that keep their label, as many of each class; 0: all"},
    {"data.labelled_batch", RV_OPTION_INTEGER, FIELD(labelled_batch), "0", 0, 1048576, NULL,
     "labelled images a batch, beside data.batch; 0: as many, or all there are"},
};
