/* reverie/data.h - data sets as arrays of images, and batches of them.
 *
 *     rv_data_config config = rv_data_defaults();      // the built-in digits
 *     config.pixels = RV_PIXELS_STATIC;
 *     rv_source *train;
 *     rv_loader *loader;
 *     rv_batch batch;
 *     rv_source_open(context, &config, RV_SPLIT_TRAIN, &train);
 *     rv_loader_config order = rv_loader_defaults(train);   // shuffled, batches of 64
 *     rv_loader_new(context, train, &order, &loader);
 *     while (rv_loader_next(loader, &batch) == RV_OK && batch.epoch < 10)
 *         ...                                           // batch.images is [B,D], D = H*W*C
 *     rv_loader_free(loader), rv_source_free(train);
 *
 * Letters: N images in the set, B images in a batch, H W C height, width and channels of an image,
 * D = H*W*C.  An image is a row of D floats, in the order [H,W,C].
 */
#ifndef REVERIE_DATA_H
#define REVERIE_DATA_H

#include "reverie/core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Settings ------------------------------------------------------------------------------ */

typedef enum rv_split { RV_SPLIT_TRAIN, RV_SPLIT_VALIDATION, RV_SPLIT_TEST } rv_split;

/* The value that represents a pixel of grey value v in [0,1]. */
typedef enum rv_pixels {
    RV_PIXELS_GRAY,     /* v */
    RV_PIXELS_STATIC,   /* 1 with probability v: one draw from data.seed, always the same */
    RV_PIXELS_DYNAMIC,  /* 1 with probability v: a new draw each epoch */
    RV_PIXELS_THRESHOLD /* 1 when v >= 0.5 */
} rv_pixels;

/* The values of black and white. */
typedef enum rv_range {
    RV_RANGE_UNIT,  /* [0, 1] */
    RV_RANGE_SIGNED /* [-1, 1] */
} rv_range;

/* "train", "validation", "test"; "gray", "static", ...; "[0,1]", "[-1,1]".  Static; "unknown" for a
 * value outside the enumeration. */
const char *rv_split_name(rv_split split);
const char *rv_pixels_name(rv_pixels pixels);
const char *rv_range_name(rv_range range);

/* Lists that the configuration borrows; the layout is that of rv_integers and rv_numbers. */
typedef struct rv_data_integers {
    const int64_t *value;
    int count;
} rv_data_integers;

typedef struct rv_data_numbers {
    const double *value;
    int count;
} rv_data_numbers;

/* rv_source_open copies everything here.
 *
 * The training images of the data set are selected in three steps.  Their order is the order of the
 * file; for PNG folders it is one in which every stretch has each class in proportion.
 *   1.  `classes` keeps the images with these labels (of test images too);
 *   2.  `validation` takes the last remaining images as the validation split;
 *   3.  `limit` keeps the first remaining images as the training split.
 * So a limit changes neither the validation images nor the test images.  Reading stops at the last
 * image that is needed.  One message names the classes that a split lacks after these steps.
 */
typedef struct rv_data_config {
    /* "digits"; a name to find in `directories` (a folder of IDX files, a folder with one folder of
     * PNGs for each class, or NAME.npy); or a path, if it contains '/' or names an .npy file in the
     * current folder. */
    const char *name;
    const char *const *directories; /* searched in this order: DIR/mnist/train-images-... */
    int directory_count;
    uint64_t seed;            /* of binarisation and built-in digits; train.seed is another */
    int64_t limit;            /* training images to keep; 0 or more than exist: all */
    int64_t validation;       /* training images to hold out, from the end; 0: none */
    rv_data_integers classes; /* labels to keep, which become the classes; empty: all */
    rv_pixels pixels;         /* RV_PIXELS_... */
    rv_range range;           /* RV_RANGE_... */
    int dequantise; /* bytes become (byte + u) / 256, u uniform in (0,1): new in each epoch */
    double logit;   /* a: v becomes log(s / (1 - s)), s = a + (1 - 2 a) v; 0: off */
    rv_data_numbers normalize; /* {mean, deviation}: v becomes (v - mean) / deviation; empty: off */
    int64_t batch;             /* images in a batch, for rv_loader_defaults */
    int64_t labels;            /* training images that keep their label; 0: all */
    int64_t labelled_batch;    /* labelled images in a batch; 0: `batch`, or all if fewer */
    rv_data_numbers values;    /* {black, white} of an .npy file without bytes; empty: {0, 1} */
    const char *fallback;      /* a former path of `name`, for when it is not found; or NULL */
} rv_data_config;

/* digits, seed 1, all images, no validation split, gray pixels in [0,1], batches of 64. */
rv_data_config rv_data_defaults(void);

/* ---- Sources ------------------------------------------------------------------------------- */

/* One split of a data set, in memory; the built-in digits are drawn at the first request.  Several
 * threads may read a source at once. */
typedef struct rv_source rv_source;

typedef struct rv_source_info {
    const char *name; /* as configured */
    const char *path; /* the file of the images, or their folder; "built in" for the digits */
    rv_split split;
    rv_pixels pixels;
    rv_range range;
    int64_t count;                  /* N */
    int height, width, channels;    /* H, W, C; rows that are not images have height 1 */
    int64_t size;                   /* D = H*W*C */
    int class_count;                /* labels are 0 .. class_count - 1; 0: the set has no labels */
    const char *const *class_names; /* [class_count] labels in the files, or names of folders */
    uint64_t seed;                  /* data.seed */
    int64_t batch;                  /* data.batch */
    int64_t labels;                 /* data.labels */
    int64_t labelled_batch;         /* data.labelled_batch */
    int are_points;                 /* rows of real numbers, without a range: no pixels */
    int energy;                     /* of rv_energy, whose density the points have; 0: none */
    double entropy;                 /* of the law that points are drawn from, nats; 0: not known */
    int dequantised;                /* data.dequantise */
    double logit;                   /* data.logit */
    float low, high;                /* the values of black and white */
    const char *place;    /* the file or folder that data.name refers to; NULL for the digits */
    char fingerprint[33]; /* a checksum of the stored images and labels, in hex digits */
} rv_source_info;

/* Whether the data set of `config` has test images: an .npy file, and PNG folders without `test`,
 * have only training images.  Reads no images.  Fails as rv_source_open does for a set that does
 * not exist; then `*has_test` is 1. */
rv_status rv_data_has_test(rv_context *context, const rv_data_config *config, int *has_test);

/* Opens one split.  On failure `*source` is NULL, and the message names the file and the remedy:
 * RV_BAD_FILE for a missing, corrupt or inconsistent data set, RV_BAD_USAGE for a setting that does
 * not fit the set, RV_NO_MEMORY.  The caller owns the source; it must not outlive the context. */
rv_status rv_source_open(rv_context *context, const rv_data_config *config, rv_split split,
                         rv_source **source);
/* Frees the source, after its loaders.  NULL is ignored. */
void rv_source_free(rv_source *source);

/* Describes the source, which owns the result. */
const rv_source_info *rv_source_describe(const rv_source *source);

/* Images `indices[0..count)` (positions in the source, 0 .. N-1, any order, repeats allowed) as
 * floats, in the source's pixel mode, range and normalisation.  `images` [count,D] and `labels`
 * [count] are the caller's; `labels` may be NULL; labels are -1 for a set without labels.
 * RV_BAD_USAGE for a position outside the source, and for a `count` or an `epoch` below zero.
 *
 * `epoch` chooses the draw of RV_PIXELS_DYNAMIC on the training split, and is otherwise ignored:
 * validation and test images are drawn once from data.seed, also with RV_PIXELS_DYNAMIC. */
rv_status rv_source_fetch(rv_source *source, const int64_t *indices, int64_t count, int64_t epoch,
                          float *images, int32_t *labels);
/* The same for the `count` consecutive images that begin at `first`. */
rv_status rv_source_fetch_range(rv_source *source, int64_t first, int64_t count, int64_t epoch,
                                float *images, int32_t *labels);
/* The label of one image, -1 when the set has none or `index` is outside it. */
int32_t rv_source_label(const rv_source *source, int64_t index);

/* A choice of `labels` images, equally many of each class of the source, drawn from `seed`. `asked`
 * names the setting in error messages. */
typedef struct rv_label_choice {
    int64_t labels;
    uint64_t seed;
    const char *asked;
} rv_label_choice;
/* Writes their positions in the source, ascending, to the caller's positions [labels] (Kingma et
 * al. 2014, section 4).  RV_BAD_USAGE: a set without labels, a number that is no multiple of the
 * number of classes, or more than a class has. */
rv_status rv_source_choose(rv_context *context, const rv_source *source,
                           const rv_label_choice *choice, int64_t *positions);
/* The positions of the images that keep their label under data.labels, ascending; the caller frees
 * them with rv_labelled_free.  Chosen as rv_source_choose does, from data.seed; all images for
 * data.labels=0.  The same errors. */
rv_status rv_source_labelled(rv_context *context, const rv_source *source, int64_t **positions,
                             int64_t *count);
void rv_labelled_free(int64_t *positions); /* NULL is ignored */

/* ---- Loaders ------------------------------------------------------------------------------- */

/* Batches without end, epoch after epoch.  A thread prepares them ahead if a processor is free for
 * it; otherwise they are prepared on request. */
typedef struct rv_loader rv_loader;

typedef struct rv_loader_config {
    int64_t batch;       /* B, at least 1 */
    uint64_t seed;       /* of the order of images: train.seed */
    int64_t start_epoch; /* the first batch given: epoch (from 0) ... */
    int64_t start_image; /* ... and images of it already delivered; all of them: the next epoch */
    int shuffle;         /* 1: the order is a function of (seed, epoch); 0: 0 .. N-1 */
    int drop_last;       /* 1: skips a short last batch */
    int ahead;           /* 1: a thread prepares batches ahead */
    const int64_t *only; /* [only_count] positions to draw batches from; NULL: all.  Borrowed */
    int64_t only_count;  /* while the loader lives */
} rv_loader_config;

/* The source's data.batch, seed 1, from the beginning, shuffled, with the short last batch.
 * `ahead` is 1 when the context's threads leave a processor free: two computing threads on one
 * processor wait for each other and for the third, which costs four times the preparation of a
 * batch. */
rv_loader_config rv_loader_defaults(const rv_source *source);

/* The loader owns the memory; it is valid until the next call on the loader. */
typedef struct rv_batch {
    const float *images;    /* [B,D] */
    const int32_t *labels;  /* [B]; -1 when the set has none */
    const int64_t *indices; /* [B] positions in the source */
    int64_t count;          /* B: as configured, or fewer in the last batch of an epoch */
    int64_t epoch;          /* from 0 */
    int64_t index;          /* in the epoch, from 0 */
    int last;               /* 1: the epoch ends with this batch */
} rv_batch;

/* Starts the thread, if `ahead`.  RV_BAD_USAGE for a batch below 1, a start outside an epoch or
 * in an epoch above 2^53, drop_last with a batch larger than the set, or an `only` that is empty or
 * has a position outside the source.  The caller owns the loader; the source must outlive
 * it. */
rv_status rv_loader_new(rv_context *context, rv_source *source, const rv_loader_config *config,
                        rv_loader **loader);
/* The next batch; allocates nothing.  A failure is returned after the batches that precede it, and
 * again by every later call. */
rv_status rv_loader_next(rv_loader *loader, rv_batch *batch);
/* Batches in one epoch. */
int64_t rv_loader_batches(const rv_loader *loader);
/* Stops the thread at any time, and frees the loader.  NULL is ignored. */
void rv_loader_free(rv_loader *loader);

/* ---- A list of data sets --------------------------------------------------------------------- */

typedef struct rv_data_entry {
    char *name; /* the value of data.name */
    char *path; /* where it was found; "built in"; NULL: known, but not found */
    int64_t train_count, test_count;
    int height, width, channels;
    int are_points; /* of the plane: no images */
    int64_t bytes;  /* on disk; 0 when built in */
    char *problem;  /* why it, or a part of it, cannot be opened; NULL: no problem found */
    char *note;     /* messages of opening it, such as ignored files; NULL: none */
} rv_data_entry;

/* The known data sets (`digits`, `mnist`) and all others in the directories, sorted by name, the
 * known ones first.  A set in two directories is listed once, from the first of them.  Folders and
 * files that are no data sets are ignored; damaged sets come last, with the reason as `problem`.
 * Headers and the sizes of files are read, and labels that are names; of contents, only what those
 * do not tell: a gzip whose trailer names another length, a PNG file without its end.
 * The caller frees the entries with rv_data_list_free. */
rv_status rv_data_list(rv_context *context, const char *const *directories, int directory_count,
                       rv_data_entry **entries, int *entry_count);
void rv_data_list_free(rv_data_entry *entries, int entry_count);

#ifdef __cplusplus
}
#endif
#endif
