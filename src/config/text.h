/* A text that grows, and numbers and words in YAML. */
#ifndef CONFIG_TEXT_H
#define CONFIG_TEXT_H

#include "reverie/core.h"

typedef struct config_text {
    char *characters; /* NUL-terminated; NULL while empty; freed with rv_free */
    size_t length, capacity;
    int failed; /* memory ran out; later calls do nothing */
} config_text;  /* zero-initialised is empty */

void config_text_add(config_text *text, const char *string);
void config_text_printf(config_text *text, const char *format, ...) RV_PRINTF(2, 3);
/* The shortest decimal that reads back as the same number, with a point in every locale. */
void config_text_number(config_text *text, double value);
/* A scalar of YAML, quoted if necessary. */
void config_text_scalar(config_text *text, const char *string);

/* Reads a whole decimal number, "1e-3"; 0 for anything else: infinities, or text after the
 * number. */
int config_read_number(const char *string, double *value);
/* The same for whole numbers, "10000" or "1e4". */
int config_read_integer(const char *string, int64_t *value);

#endif
