/* metrics.jsonl: lines of a log, whatever they hold, as a summary and as charts. */
#include "fuzz.h"

#include "figures/curves.h"
#include "reverie/figures.h"
#include "reverie/study.h"

#include <stdio.h>
#include <string.h>

static void write_file(const char *name, const void *bytes, size_t count)
{
    FILE *file = fopen(fuzz_path(name), "wb");
    fuzz_require(file && fwrite(bytes, 1, count, file) == count && fclose(file) == 0,
                 "%s is not written", fuzz_path(name));
}

/* Every kind is made into a chart; drawing is slow, so that one kind is drawn, of some inputs. */
static void check_charts(rv_context *context, size_t drawn)
{
    rv_settings settings = {.name = "run"};
    rv_experiment run = {
        .context = context, .folder = (char *)(uintptr_t)fuzz_folder(), .settings = &settings};
    for (int i = 0; i < RV_CURVES_KINDS; i++) {
        rv_chart *chart = rv_experiment_curves_of(&run, (rv_curves)i);
        fuzz_require(chart || *rv_error_message(context), "no chart, and no word why");
        char *svg = chart && drawn == (size_t)i ? rv_chart_svg(chart) : NULL;
        fuzz_require(svg || !chart || drawn != (size_t)i, "not drawn: %s",
                     rv_error_message(context));
        rv_viz_text_free(svg);
        rv_chart_free(chart);
        rv_error_clear(context);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int has_config;
    if (!has_config)
        write_file("config.yaml", "model: vae\n", 11);
    has_config = 1;
    write_file("metrics.jsonl", data, size);
    rv_context *context = fuzz_begin(size);
    rv_run_summary summary;
    fuzz_told(context, rv_run_summary_read(context, fuzz_folder(), &summary));
    fuzz_require(summary.count >= 0 && summary.count <= RV_RUN_VALUES_MOST, "%d values",
                 summary.count);
    rv_error_clear(context);
    check_charts(context, size % (size_t)(8 * RV_CURVES_KINDS));
    return fuzz_end();
}
