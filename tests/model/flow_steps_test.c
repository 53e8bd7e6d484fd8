/* Training steps of posteriors moved by flows, of MADE, MAF and Real NVP, against PyTorch. */
#include "golden_steps.h"

#define SIZES(steps) 2, 3, 1, steps, 0, "flows/steps.txt"
#define RATE         "lr: 2e-2, epsilon: 1e-4, log: 1}\n"
#define ADAM         "train: {" RATE
#define RMSPROP      "train: {optimizer: rmsprop, centered: true, " RATE
#define ADAMAX       "train: {optimizer: adamax, " RATE

#define VAE "model: vae\nlatent: 3\nencoder: [linear 4, tanh]\ndecoder: [linear 4, tanh]\n"

#define TWO(kind, rest) VAE "posterior: {flow: " kind ", flow_length: 2" rest "}\n"
#define TWO_DRAWS       "objective: {samples: 2}\n"
#define SHARED          ", flow_amortised: false"
#define LAYERS          ", flow_layers: [masked 5, tanh, masked 4, tanh]"
#define NORM_LAYERS     ", flow_layers: [masked 5, batchnorm, tanh, masked 4, batchnorm, tanh]"

#define MAF     "model: maf\nlayers: [masked 6, tanh]\nlength: 3\n"
#define REALNVP "model: realnvp\nlayers: [linear 5, tanh]\nlength: 3\n"

static const step_case cases[] = {
    {"planar", TWO("planar", "") ADAM, SIZES(1)},
    {"planar_shared", TWO("planar", SHARED) ADAM, SIZES(1)},
    {"planar_iwae",
     VAE "posterior: {flow: planar, flow_length: 1}\n"
         "objective: {name: iwae, samples: 3, beta: 0.5}\n" ADAM,
     SIZES(1)},
    {"planar_full", TWO("planar", ", covariance: full") TWO_DRAWS ADAM, SIZES(1)},
    {"radial", TWO("radial", "") TWO_DRAWS ADAM, SIZES(1)},
    {"radial_shared", TWO("radial", SHARED) ADAM, SIZES(1)},
    {"householder", TWO("householder", "") ADAM, SIZES(1)},
    {"householder_shared", TWO("householder", SHARED) TWO_DRAWS ADAM, SIZES(1)},
    {"sylvester", TWO("sylvester", "") TWO_DRAWS ADAM, SIZES(1)},
    {"sylvester_shared", TWO("sylvester", SHARED) TWO_DRAWS ADAMAX, SIZES(1)},
    {"iaf", TWO("iaf", ", flow_context: 2" LAYERS) ADAM, SIZES(1)},
    {"iaf_alone", TWO("iaf", ", flow_context: 0" LAYERS) TWO_DRAWS RMSPROP, SIZES(1)},
    {"iaf_norm", TWO("iaf", ", flow_context: 2" NORM_LAYERS) TWO_DRAWS ADAM, SIZES(1)},
    {"made", "model: made\nlayers: [masked 6, tanh, masked 5, tanh]\n" RMSPROP, SIZES(1)},
    {"made_turned", "model: made\norder: reversed\nlayers: [masked 6, tanh]\n" ADAM, SIZES(1)},
    {"belief_network", "model: made\nlayers: []\n" ADAM, SIZES(1)},
    {"made_gaussian", "model: made\nconditionals: gaussian\nlayers: [masked 6, tanh]\n" ADAM,
     SIZES(1)},
    {"maf", MAF ADAM, SIZES(1)},
    {"maf_norm", MAF "batch_norm: true\n" ADAM, SIZES(2)},
    {"realnvp", REALNVP ADAMAX, SIZES(1)},
    {"realnvp_norm", REALNVP "batch_norm: true\n" ADAM, SIZES(1)},
};

int main(void)
{
    return run_steps("steps of flows", cases, sizeof cases / sizeof *cases, NULL);
}
