/* Shared by the writer and the reader of safetensors: element types, and the place of the
 * checksum. */
#ifndef IO_TENSORS_H
#define IO_TENSORS_H

#include "io/json.h"
#include "reverie/io.h"

enum { RV_CHECKSUM_DIGITS = 32, RV_TENSORS_HEADER_MOST = 100 * 1000 * 1000 /* as in Python's */ };

#define RV_CHECKSUM_KEY "xxh3_128"

int rv_element_find(const char *name); /* -1: unknown */
/* The product of the sizes times the bytes of an element; -1: more than `most`, or a bad size. */
int64_t rv_tensor_bytes(const rv_tensor *tensor, int64_t most);
/* The place of the checksum's 32 digits in a header as Reverie writes it, without spaces; NULL when
 * there are none.  Inside a JSON string the quotes would have a backslash, so nothing else in the
 * header can match. */
char *rv_checksum_place(char *header, size_t length);

#endif
