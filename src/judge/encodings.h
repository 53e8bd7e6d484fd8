/* Tables of features, and the judgement of an encoder by them. */
#ifndef JUDGE_ENCODINGS_H
#define JUDGE_ENCODINGS_H

#include "figures/figures.h"
#include "reverie/judge.h"

/* Rows in owned memory. */
typedef struct table {
    float *values; /* [count,width] */
    int64_t count, width;
} table;

rv_status table_new(rv_context *context, int64_t count, int64_t width, table *out);
rv_rows rows_of(const table *t);

/* Adds the accuracy of the nearest neighbour in z, and in the features (the input of the encoder's
 * last layer), if the model has them.  RV_BAD_USAGE for the training split. */
rv_status judge_encodings(rv_experiment *run, rv_split split, rv_values *values);

#endif
