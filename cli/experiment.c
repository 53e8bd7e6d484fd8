#include "experiment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

rv_experiment_place cli_place(const cli_call *call, const char *folder)
{
    return (rv_experiment_place){folder, call->data_directory, call->data_directory_count};
}

rv_status cli_open(cli_call *call, rv_experiment **out)
{
    return cli_open_average(call, 0, out);
}

rv_status cli_open_average(cli_call *call, int average, rv_experiment **out)
{
    rv_experiment_place place = cli_place(call, call->argument[0]);
    return rv_experiment_open(call->context, &place, cli_text(call, "checkpoint"), average, out);
}

rv_status cli_wrote(cli_call *call, const char *path)
{
    if (call->json)
        return cli_print_json(call, json_pack("{s:o}", "file", rv_json_text(path)));
    printf("%s\n", path);
    return RV_OK;
}

rv_status cli_save_image(cli_call *call, rv_image *image)
{
    const char *path = cli_text(call, "output");
    if (!image)
        return rv_error_status(call->context);
    rv_status status = rv_image_save(call->context, image, path);
    rv_image_free(image);
    return status == RV_OK ? cli_wrote(call, path) : status;
}

rv_status cli_save_chart(cli_call *call, rv_chart *chart)
{
    const char *path = cli_text(call, "output");
    if (!chart)
        return rv_error_status(call->context);
    rv_status status = rv_chart_save(chart, path);
    rv_chart_free(chart);
    return status == RV_OK ? cli_wrote(call, path) : status;
}

int cli_ends_with(const char *text, const char *ending)
{
    size_t length = strlen(text), tail = strlen(ending);
    return length >= tail && strcmp(text + length - tail, ending) == 0;
}

json_t *cli_json_class(const char *name)
{
    char *end;
    long number = strtol(name, &end, 10);
    return *end || end == name ? rv_json_text(name) : json_integer(number);
}
