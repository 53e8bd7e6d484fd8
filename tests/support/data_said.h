/* For the tests of src/data: what opening a set says, counted. */
#ifndef TESTS_DATA_SAID_H
#define TESTS_DATA_SAID_H

#include "data_fixture.h"

static char said[8192];
static int lines;

static inline void listen(void *user, rv_log_level level, const char *message)
{
    (void)user, (void)level;
    size_t used = strlen(said);
    snprintf(said + used, sizeof said - used, "%s\n", message);
    lines++;
}

static inline void hear(void)
{
    said[0] = '\0';
    lines = 0;
    rv_context_set_log(context, listen, NULL);
}

static inline void expect_said(const char *part)
{
    if (!strstr(said, part))
        FAIL("\"%s\" was not said, but: %s\n", part, said);
}

static inline void expect_silence(void)
{
    if (lines > 0)
        FAIL("%d lines were said: %s\n", lines, said);
}

static inline void write_array(const char *name, rv_element element, const void *values, int rank,
                               const int64_t *dim)
{
    char path[512];
    path_in(path, folder, name);
    assert_ok(context, rv_array_save_as(context, path, element, values, rank, dim));
}

#endif
