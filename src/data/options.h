/* Rows of the option table that fill rv_data_config, for floor 6. */
#ifndef DATA_OPTIONS_H
#define DATA_OPTIONS_H

#include "reverie/data.h"
#include "reverie/option.h"

enum { RV_DATA_OPTION_COUNT = 14 };

/* `directories` has no row: it depends on the machine, not on a recipe. */
extern const rv_option rv_data_options[RV_DATA_OPTION_COUNT];

#endif
