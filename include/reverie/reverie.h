/* reverie/reverie.h - every public header.
 *
 *     #include <reverie/reverie.h>
 *
 *     float z[2] = {0.5f, -1}, pixels[28 * 28];                // of a run with two latents
 *     rv_context *context = rv_context_new();
 *     rv_experiment_place place = {"runs/first", NULL, 0};
 *     rv_experiment *run;
 *     if (rv_experiment_open(context, &place, "last", 0, &run) == RV_OK)
 *         rv_view_decode(rv_experiment_model(run), z, 1, pixels);
 *     rv_experiment_free(run);
 *     rv_context_free(context);
 */
#ifndef REVERIE_REVERIE_H
#define REVERIE_REVERIE_H

#include "reverie/backend.h"
#include "reverie/config.h"
#include "reverie/core.h"
#include "reverie/data.h"
#include "reverie/demo.h"
#include "reverie/distributions.h"
#include "reverie/eval.h"
#include "reverie/figures.h"
#include "reverie/flows.h"
#include "reverie/graph.h"
#include "reverie/inference.h"
#include "reverie/io.h"
#include "reverie/judge.h"
#include "reverie/listener.h"
#include "reverie/metrics.h"
#include "reverie/model.h"
#include "reverie/nn.h"
#include "reverie/objective.h"
#include "reverie/optim.h"
#include "reverie/option.h"
#include "reverie/program.h"
#include "reverie/run.h"
#include "reverie/runner.h"
#include "reverie/study.h"
#include "reverie/train.h"
#include "reverie/values.h"
#include "reverie/viz.h"

#endif
