/* reverie demo gumbel-softmax: relaxed draws of one categorical, over temperatures. */
#include "demo.h"
#include "experiment.h"

#include "reverie/demo.h"

#include <stdio.h>

static json_t *row_json(const rv_demo_gumbel_config *c, const rv_demo_gumbel_row *row)
{
    json_t *mean = json_array();
    for (int k = 0; mean && k < c->classes; k++)
        json_array_append_new(mean, rv_json_number(row->mean[k]));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "temperature",
                     rv_json_number(row->temperature), "largest", rv_json_number(row->largest),
                     "mean_entropy", rv_json_number(row->mean_entropy), "off",
                     rv_json_number(row->off), "off_by_chance", rv_json_number(row->off_by_chance),
                     "mean", mean);
}

static json_t *as_json(const rv_demo_gumbel_config *c, const rv_demo_gumbel_row *row,
                       const char *path)
{
    json_t *rows = json_array(), *probabilities = json_array();
    for (int r = 0; rows && r < c->rows; r++)
        json_array_append_new(rows, row_json(c, &row[r]));
    for (int k = 0; probabilities && k < c->classes; k++)
        json_array_append_new(probabilities, rv_json_number(c->probability[k]));
    return json_pack("{s:I, s:I, s:o, s:o, s:o}", "draws", (json_int_t)c->draws, "seed",
                     (json_int_t)c->seed, "probabilities", probabilities, "temperatures", rows,
                     "file", rv_json_text(path));
}

static void print(const rv_demo_gumbel_config *c, const rv_demo_gumbel_row *row, const char *path)
{
    printf("softmax((log p + g) / temperature), g Gumbel noise; %lld draws\n", (long long)c->draws);
    printf("temperature  largest component  entropy of the mean  mean off p by\n");
    for (int r = 0; r < c->rows; r++) {
        if (row[r].temperature > 0)
            printf("%11g", row[r].temperature);
        else
            printf("%11s", "hard limit");
        printf("  %17.4f  %19.4f  %13.4f\n", row[r].largest, row[r].mean_entropy, row[r].off);
    }
    printf(
        "The mean of relaxed draws is biased, towards uniform as the temperature grows; that of\n"
        "hard draws is off by chance alone, about %.4f (total variation).\n",
        row[0].off_by_chance);
    printf("%s\n", path);
}

static rv_status run(cli_call *call)
{
    rv_demo_gumbel_config config = rv_demo_gumbel_defaults();
    rv_demo_gumbel_row row[RV_DEMO_GUMBEL_ROWS_MOST];
    rv_image *figure;
    const char *path = cli_demo_output(call, "gumbel-softmax.png");
    config.draws = cli_demo_count(call, config.draws);
    config.seed = (uint64_t)cli_integer(call, "seed");
    rv_status status = rv_demo_gumbel(call->context, &config, row, &figure);
    if (status == RV_OK)
        status = rv_image_save(call->context, figure, path);
    rv_image_free(figure);
    if (status != RV_OK)
        return status;
    if (call->json)
        return cli_print_json(call, as_json(&config, row, path));
    print(&config, row, path);
    return RV_OK;
}

const cli_demo cli_demo_gumbel_softmax = {
    .name = "gumbel-softmax",
    .about = "relaxed draws of a categorical from temperature 10 to the one-hot limit",
    .endings = ".png",
    .run = run,
};
