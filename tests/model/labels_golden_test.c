/* Training steps of the semi-supervised models against PyTorch (tests/golden/make_labels.py): the
 * loss with the label enumerated and drawn, its parts, weights and optimizer states, from the same
 * weights, images, labelled images and noise. */
#include "golden_steps.h"

#define NET       "[linear 5, softplus]\n"
#define OBJECTIVE "objective: {alpha: 0.7, labelled: 0.5"
#define ADAM      "train: {lr: 2e-2, epsilon: 1e-4, log: 1}\n"

#define M2 "model: m2\nlatent: 2\nclassifier: " NET "encoder: " NET "decoder: " NET ADAM
#define M1_M2                                                                                      \
    "model: m1-m2\nfeatures: 3\nlatent: 2\nfeature_encoder: " NET "feature_decoder: " NET          \
    "classifier: " NET "encoder: " NET "decoder: " NET ADAM
#define ADGM                                                                                       \
    "model: adgm\nlatent: 2\nauxiliary: 3\nauxiliary_encoder: " NET "classifier: " NET             \
    "encoder: " NET "auxiliary_decoder: " NET "decoder: " NET ADAM

#define FILE_OF "labels/steps.txt"

static const step_case cases[] = {
    {"m2", M2 OBJECTIVE "}\n", 4, 4, 1, 2, 1, FILE_OF},
    {"m2_sample", M2 OBJECTIVE ", unknown: sample}\n", 4, 4, 1, 2, 1, FILE_OF},
    {"m1_m2", M1_M2 OBJECTIVE "}\n", 4, 4, 1, 2, 1, FILE_OF},
    {"adgm", ADGM OBJECTIVE "}\n", 4, 4, 1, 2, 1, FILE_OF},
};

int main(void)
{
    return run_steps("labels_golden", cases, sizeof cases / sizeof *cases, NULL);
}
