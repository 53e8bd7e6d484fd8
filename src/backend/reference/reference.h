/* The reference backend, and its diagnosis of a step that failed. */
#ifndef REFERENCE_REFERENCE_H
#define REFERENCE_REFERENCE_H

#include "backend/backend.h"

extern const rv_backend rv_backend_reference;

/* Evaluates the work op by op, each value rounded to its type, and names the first node whose
 * value is not finite ("" when none). */
rv_status rv_reference_diagnose(rv_work *work, char *text, size_t bytes);

#endif
