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

/* What stands for a pixel of grey value v in [0,1]. */
typedef enum rv_pixels {
    RV_PIXELS_GRAY,     /* v */
    RV_PIXELS_STATIC,   /* 1 with probability v: one draw from data.seed, for ever */
    RV_PIXELS_DYNAMIC,  /* 1 with probability v: a new draw each epoch */
    RV_PIXELS_THRESHOLD /* 1 when v >= 0.5 */
} rv_pixels;

/* Where the two ends of the grey scale go. */
typedef enum rv_range {
    RV_RANGE_UNIT,  /* [0, 1] */
    RV_RANGE_SIGNED /* [-1, 1] */
} rv_range;

/* "train", "validation", "test"; "gray", "static", ...; "[0,1]", "[-1,1]".  Static; "unknown" for a
 * value outside the enumeration. */
const char *rv_split_name(rv_split split);
const char *rv_pixels_name(rv_pixels pixels);
const char *rv_range_name(rv_range range);

/* Lists that the configuration borrows; laid out as rv_integers and rv_numbers of the options. */
typedef struct rv_data_integers {
    const int64_t *value;
    int count;
} rv_data_integers;

typedef struct rv_data_numbers {
    const double *value;
    int count;
} rv_data_numbers;

/* Everything here is borrowed while rv_source_open runs, and copied by it.
 *
 * From the training images of the data set (in the order of the file; of PNG folders in one in
 * which every stretch holds each class in its share), one after the other:
 *   1. `classes` keeps the images with those labels (test images too);
 *   2. `validation` takes the last images of what is left as the validation split;
 *   3. `limit` keeps the first images of what is left as the training split.
 * So a limit changes neither the validation images nor the test images.  Reading stops at the last
 * image that is needed.  Classes that a limit, or the validation images, leave out are said, once.
 */
typedef struct rv_data_config {
    /* "digits"; a name looked for in `directories` (a folder of IDX files, of PNGs in one folder a
     * class, or NAME.npy); or a path, when it holds a '/' (or is the name of an .npy file here). */
    const char *name;
    const char *const *directories; /* looked in, in this order; DIR/mnist/train-images-... */
    int directory_count;
    uint64_t seed;            /* binarisation and built-in digits; apart from training's seed */
    int64_t limit;            /* training images kept; 0 or more than there are: all */
    int64_t validation;       /* training images set aside, from the end; 0: none */
    rv_data_integers classes; /* labels kept, which are the classes then; empty: all */
    rv_pixels pixels;         /* RV_PIXELS_... */
    rv_range range;           /* RV_RANGE_... */
    int dequantise; /* bytes become (byte + u) / 256, u uniform in (0,1): new at each epoch */
    double logit;   /* a: v becomes log(s / (1 - s)), s = a + (1 - 2 a) v; 0: off */
    rv_data_numbers normalize; /* {mean, deviation}: v becomes (v - mean) / deviation; empty: off */
    int64_t batch;             /* images a batch: what rv_loader_defaults takes */
    int64_t labels;            /* training images that keep their label; 0: all */
    int64_t labelled_batch; /* labelled images a batch; 0: as `batch`, or fewer where there are */
    rv_data_numbers values; /* {black, white} in an .npy file that is not of bytes; empty: {0, 1} */
    const char *fallback;   /* a path that `name` had before, where it is not found now; or NULL */
} rv_data_config;

/* digits, seed 1, everything kept, no validation split, gray pixels in [0,1], batches of 64. */
rv_data_config rv_data_defaults(void);

/* ---- Sources ------------------------------------------------------------------------------- */

/* One split of a data set.  It lives in memory; the built-in digits are drawn when first asked for.
 * A source may be read from several threads at once. */
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
    const char *const *class_names; /* [class_count] the labels of the files, or folders' names */
    uint64_t seed;                  /* data.seed */
    int64_t batch;                  /* data.batch */
    int64_t labels;                 /* data.labels */
    int64_t labelled_batch;         /* data.labelled_batch */
    int are_points;                 /* rows of real numbers, of no range: no pixels */
    int dequantised;                /* data.dequantise */
    double logit;                   /* data.logit */
    float low, high;      /* what black and white are here: the range of the values given */
    const char *place;    /* the file or folder that data.name is; NULL for the digits */
    char fingerprint[33]; /* a checksum of the stored images and labels, in hex digits */
} rv_source_info;

/* Whether the set that `config` names keeps test images: an .npy file, and PNG folders without
 * `test`, are training images alone.  Of what it keeps nothing is read.  Fails as rv_source_open
 * does for a set that is not there; `*has_test` is 1 then. */
rv_status rv_data_has_test(rv_context *context, const rv_data_config *config, int *has_test);

/* Opens one split.  On failure `*source` is NULL and the message says which file, and what to do:
 * RV_BAD_FILE for a missing, corrupt or inconsistent data set, RV_BAD_USAGE for a setting that does
 * not fit the set, RV_NO_MEMORY.  The caller owns the source; it must not outlive the context. */
rv_status rv_source_open(rv_context *context, const rv_data_config *config, rv_split split,
                         rv_source **source);
/* NULL is ignored.  Loaders over the source must have been freed before. */
void rv_source_free(rv_source *source);

/* What the source holds; owned by the source. */
const rv_source_info *rv_source_describe(const rv_source *source);

/* Images `indices[0..count)` (positions in the source, 0 .. N-1, any order, repeats allowed) as
 * floats, in the source's pixel mode, range and normalisation.  `images` [count,D] and `labels`
 * [count] are the caller's; labels may be NULL, and are -1 for a set without labels.
 *
 * `epoch` chooses the draw of RV_PIXELS_DYNAMIC on the training split, and is otherwise ignored:
 * validation and test images are drawn once from data.seed, under `dynamic` as under `static`. */
rv_status rv_source_fetch(rv_source *source, const int64_t *indices, int64_t count, int64_t epoch,
                          float *images, int32_t *labels);
/* The same for the `count` consecutive images that begin at `first`. */
rv_status rv_source_fetch_range(rv_source *source, int64_t first, int64_t count, int64_t epoch,
                                float *images, int32_t *labels);
/* The label of one image, -1 when the set has none or `index` is outside it. */
int32_t rv_source_label(const rv_source *source, int64_t index);

/* `labels` images, as many of each class that the source has, drawn from `seed`.  `asked` is what
 * asks for them, as errors call it. */
typedef struct rv_label_choice {
    int64_t labels;
    uint64_t seed;
    const char *asked;
} rv_label_choice;
/* Their positions in the source, ascending, into positions [labels], the caller's.  Kingma et al.
 * 2014, section 4.  RV_BAD_USAGE: a set without labels, a number that the classes do not divide,
 * or more than a class has. */
rv_status rv_source_choose(rv_context *context, const rv_source *source,
                           const rv_label_choice *choice, int64_t *positions);
/* The images that keep their label under data.labels: positions in the source, ascending, the
 * caller's to free with rv_labelled_free.  Chosen as by rv_source_choose from data.seed; all of
 * them for data.labels=0.  Errors as there. */
rv_status rv_source_labelled(rv_context *context, const rv_source *source, int64_t **positions,
                             int64_t *count);
void rv_labelled_free(int64_t *positions); /* NULL is ignored */

/* ---- Loaders ------------------------------------------------------------------------------- */

/* Batches without end, epoch after epoch; prepared ahead on a thread of their own where a processor
 * is left for it, else when they are asked for. */
typedef struct rv_loader rv_loader;

typedef struct rv_loader_config {
    int64_t batch;       /* B, at least 1 */
    uint64_t seed;       /* of the order: train.seed */
    int64_t start_epoch; /* the first batch given: epoch (from 0) ... */
    int64_t start_image; /* ... and images of it already given; all of them: the next epoch */
    int shuffle;         /* 1: the order of an epoch is a function of (seed, epoch); 0: 0 .. N-1 */
    int drop_last;       /* 1: a short last batch is left out */
    int ahead;           /* 1: prepared ahead by a thread */
    const int64_t *only; /* [only_count] positions that the batches are of; NULL: all.  Borrowed */
    int64_t only_count;  /* while the loader lives */
} rv_loader_config;

/* The source's data.batch, seed 1, from the beginning, shuffled, with the short last batch; ahead
 * when the context's threads leave a processor (two threads that compute on one wait for each
 * other, and then for the third: four times the work of preparing a batch). */
rv_loader_config rv_loader_defaults(const rv_source *source);

/* The memory is the loader's, and stays as it is until the next call on the loader. */
typedef struct rv_batch {
    const float *images;    /* [B,D] */
    const int32_t *labels;  /* [B]; -1 when the set has none */
    const int64_t *indices; /* [B] positions in the source */
    int64_t count;          /* B: the configured one, or fewer in the last batch of an epoch */
    int64_t epoch;          /* from 0 */
    int64_t index;          /* in the epoch, from 0 */
    int last;               /* 1: the epoch ends with this batch */
} rv_batch;

/* Starts the thread, if there is to be one.  RV_BAD_USAGE for a batch below 1, a start outside an
 * epoch, or a batch larger than the set together with drop_last.  The caller owns the loader; the
 * source must outlive it. */
rv_status rv_loader_new(rv_context *context, rv_source *source, const rv_loader_config *config,
                        rv_loader **loader);
/* The next batch; allocates nothing.  A failure comes in its turn, after the batches before it, and
 * again on every later call. */
rv_status rv_loader_next(rv_loader *loader, rv_batch *batch);
/* Batches in one epoch. */
int64_t rv_loader_batches(const rv_loader *loader);
/* Stops the thread, in mid-stream too.  NULL is ignored. */
void rv_loader_free(rv_loader *loader);

/* ---- What there is ------------------------------------------------------------------------- */

typedef struct rv_data_entry {
    char *name; /* what data.name takes */
    char *path; /* where it was found; "built in"; NULL: known, and not found */
    int64_t train_count, test_count;
    int height, width, channels;
    int64_t bytes; /* on disk; 0 when built in */
    char *problem; /* why it cannot be opened, or a part of it cannot; NULL: nothing found wrong */
    char *note;    /* what opening it would say, as files that are passed over; NULL: nothing */
} rv_data_entry;

/* The known data sets (`digits`, `mnist`) and whatever else the directories hold, sorted by name,
 * the known ones first.  A set that stands in two directories is listed where it is found first.
 * A folder or file that is no data set is passed over; damaged ones come last, with the reason as
 * their problem.  Of IDX and .npy files only the headers are read, of PNG files the first one and
 * the headers of some.
 * The caller frees the entries with rv_data_list_free. */
rv_status rv_data_list(rv_context *context, const char *const *directories, int directory_count,
                       rv_data_entry **entries, int *entry_count);
void rv_data_list_free(rv_data_entry *entries, int entry_count);

#ifdef __cplusplus
}
#endif
#endif
