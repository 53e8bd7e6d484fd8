/* Lists of values as JSON. */
#ifndef VALUES_JSON_H
#define VALUES_JSON_H

#include "io/json.h"
#include "reverie/values.h"

/* Sets a key for every row that is data, in their order; like rv_json_put. */
void rv_values_put(json_t **object, const rv_values *values);

#endif
