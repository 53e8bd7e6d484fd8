/* Numbers and words in YAML. */
#ifndef CONFIG_TEXT_H
#define CONFIG_TEXT_H

#include "core/growing_text.h"

/* The shortest decimal that reads back as the same number, with a point in every locale. */
void config_text_number(rv_text *text, double value);
/* A scalar of YAML, quoted if necessary. */
void config_text_scalar(rv_text *text, const char *string);

/* Reads a whole decimal number, "1e-3"; 0 for anything else: infinities, or text after the
 * number. */
int config_read_number(const char *string, double *value);
/* The same for whole numbers, "10000" or "1e4". */
int config_read_integer(const char *string, int64_t *value);

#endif
