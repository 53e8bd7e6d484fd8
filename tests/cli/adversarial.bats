#!/usr/bin/env bats
# Adversarial models and the classifier: settings that do not fit, each one clear line and the
# documented exit code; and what is only warned of.

load support

setup() {
    prepare "$BATS_TEST_TMPDIR"
}

# A step of a moment: ten of 28x28 images, twice.
SMALL=(data.name=digits data.limit=20 data.batch=10 data.validation=0 train.epochs=1)
GAN=(lab2-gan "${SMALL[@]}" latent=3 "generator=[linear 8, relu]" "discriminator=[linear 8, relu]")
WGAN=(lab1-wgan "${SMALL[@]}" latent=3 "generator=[linear 8, relu]" "critic=[linear 8, relu]")
VAEGAN=(lab0-vaegan "${SMALL[@]}" latent=2 "encoder=[linear 8, relu]" "decoder=[linear 8, relu]"
    "discriminator=[linear 8, relu]" objective.feature_layers=2)
BIGAN=(lab0-bigan "${SMALL[@]}" latent=2 "encoder=[linear 8, relu]" "generator=[linear 8, relu]"
    "discriminator=[linear 8, relu]")
DCGAN=(lab1-dcgan "${SMALL[@]}" base_width=1)

# refuses CODE MESSAGE-PART ARGUMENTS...: training fails so, and makes no folder.
refuses() {
    local code_expected=$1 part=$2
    shift 2
    fails "$code_expected" "$part" train "$@" --run made
    [ "$(wc -l < err.txt)" -eq 1 ] || { cat err.txt && return 1; }
    [ ! -e made ] || { find made && return 1; }
}

# trains ARGUMENTS...: it works, into `made`.
trains() {
    rm -rf made
    works train "$@" --run made
}

# pictures_npy COUNT: gray images without labels, in pictures.npy.
pictures_npy() {
    python3 - "$1" <<'PYTHON'
import struct, sys
count = int(sys.argv[1])
head = "{'descr': '|u1', 'fortran_order': False, 'shape': (%d, 28, 28), }" % count
head = head.ljust(117).encode() + b"\n"
pixels = bytes((7 * i) % 251 for i in range(count * 28 * 28))
with open("pictures.npy", "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + pixels)
PYTHON
}

@test "the small models that the others vary are trained" {
    for model in GAN WGAN VAEGAN BIGAN DCGAN; do
        declare -n words=$model
        trains "${words[@]}"
        not has "$err" 'warning'
    done
}

@test "sizes that do not chain: the layer, and what would do" {
    refuses 2 'generator.1: `reshape 4 3 3` needs 36 values, but its input is [30]; `linear 36`' \
        "${DCGAN[@]}" "generator=[linear 30, reshape 4 3 3]"
    refuses 2 'generator.2: `conv 4 k9` needs an input of at least 9x9, but it is [5,5,8]' \
        "${DCGAN[@]}" "generator=[deconv 8 k5, relu, conv 4 k9]"
    has "$err" 'a kernel of 5 or a padding of 2 would fit'
    refuses 2 'discriminator.0: `conv 4 k40` needs an input of at least 40x40' \
        "${DCGAN[@]}" "discriminator=[conv 4 k40]"
    refuses 2 'discriminator.3: `conv 3 k3` needs an input of at least 3x3' \
        "${DCGAN[@]}" "discriminator=[conv 4 k4 s2 p1, flatten, linear 4, conv 3 k3]"
    refuses 2 '`deconv 8v k5` at position 1 of generator: N is `8v`' \
        "${DCGAN[@]}" "generator=[deconv 8v k5]"
}

@test "an opponent that ends in an image cannot give one number: flatten" {
    for words in "[conv 4 k4 s2 p1]" "[conv 1 k28, upsample 2]"; do
        refuses 2 'discriminator.' "${DCGAN[@]}" "discriminator=$words"
        has "$err" 'put `flatten` or `globalavgpool` before it'
    done
    refuses 2 'critic.1' "${WGAN[@]}" "critic=[conv 4 k4 s2 p1]"
    refuses 2 'encoder.1' "${VAEGAN[@]}" "encoder=[conv 4 k4 s2 p1]"
    refuses 2 'encoder.1' "${BIGAN[@]}" "encoder=[conv 4 k4 s2 p1]"
}

@test "an opponent whose words end in any vector gets a layer to one number" {
    trains "${WGAN[@]}" "critic=[linear 1, flatten]"
    trains "${WGAN[@]}" "critic=[]"
    trains "${GAN[@]}" "discriminator=[conv 2 k4 s2 p1, flatten, linear 5]"
    works show made
    has "$out" 'linear 1'
}

@test "a joint discriminator takes no image: the word, and what it is given" {
    refuses 2 'discriminator.0: `conv 4 k4 s2 p1`' "${BIGAN[@]}" "discriminator=[conv 4 k4 s2 p1]"
    has "$err" 'the vector [786]'
}

@test "a generator whose image has another size than the data: both sizes" {
    refuses 2 'generator gives [8,8,1] for each image, but the images are [28,28,1]' \
        "${DCGAN[@]}" "generator=[deconv 8w k5 nobias, relu, deconv channels k4]"
    refuses 2 'decoder gives [4,4,3] for each image, but the images are [28,28,1]' \
        "${VAEGAN[@]}" "decoder=[deconv 3 k4]"
}

@test "a generator that ends in what output= adds" {
    refuses 2 'generator ends in `tanh`' "${GAN[@]}" "generator=[linear 8, tanh]"
    has "$err" 'set output=tanh'
    refuses 2 'decoder ends in `sigmoid`' "${VAEGAN[@]}" "decoder=[linear 8, sigmoid]"
    has "$err" 'set output=sigmoid'
}

@test "a generator whose range is not the data's: a warning that names both settings" {
    trains "${GAN[@]}" output=tanh
    has "$err" 'warning: the generator ends in a tanh, in [-1,1], but the images are in [0,1]'
    has "$err" 'data.range=[-1,1]'
    has "$err" 'output=sigmoid'
    trains "${GAN[@]}" 'data.range=[-1,1]'
    has "$err" 'warning: the generator ends in a sigmoid, in [0,1], but the images are in [-1,1]'
    has "$err" 'output=tanh'
    has "$err" 'data.range=[0,1]'
    trains "${GAN[@]}" 'data.range=[-1,1]' output=tanh
    not has "$err" 'warning'
    trains "${WGAN[@]}" 'data.range=[0,1]'
    has "$err" 'warning: the generator ends in a tanh'
}

@test "batch norm in the critic of a gradient penalty: a warning that names layer norm" {
    trains lab1-wgan-gp "${SMALL[@]}" latent=3 "generator=[linear 8, relu]" \
        "critic=[linear 8, batchnorm, relu]"
    has "$err" 'warning: the critic has `batchnorm`'
    has "$err" '`layernorm`'
}

@test "batch norm and batches of one image" {
    fails 2 '`batchnorm`' train "${GAN[@]}" "generator=[linear 8, batchnorm, relu]" data.batch=1 \
        --run made
    has "$err" 'generator.1'
    has "$err" 'more than one example a batch'
    rm -rf made
    trains "${GAN[@]}" data.batch=1
}

@test "a classifier of images without labels, or of one class" {
    pictures_npy 20
    refuses 2 'a classifier needs labelled images of two classes or more; these have 0' \
        lab1-classifier data.name=./pictures.npy data.batch=4 data.validation=5 train.epochs=1
    trains "${WGAN[@]}" data.name=./pictures.npy data.validation=5 # the others need none
}

@test "a classifier's normalisation" {
    for pair in '[0.5]' '[0.5,0]' '[0.5,-1]' '[1,2,3]'; do
        refuses 2 'normalize: wants [mean, deviation] with a deviation above 0, or []' \
            lab1-classifier "${SMALL[@]}" "normalize=$pair"
    done
}

@test "an unknown loss, output, prior or initialiser: what there is" {
    refuses 2 'objective.loss wants one of nonsaturating, minimax, not `hinge`' \
        "${GAN[@]}" objective.loss=hinge
    refuses 2 'objective.loss wants one of nonsaturating, minimax' \
        "${VAEGAN[@]}" objective.loss=wasserstein
    refuses 2 'output wants one of sigmoid, tanh, none' "${GAN[@]}" output=softmax
    refuses 2 'prior wants one of normal, uniform' "${BIGAN[@]}" prior=gamma
    refuses 2 'initialiser wants one of ' "${GAN[@]}" initialiser=xavier
    has "$err" 'dcgan'
}

@test "a loss of another model is an unknown key" {
    refuses 2 'unknown key `objective.loss`' "${WGAN[@]}" objective.loss=minimax
    refuses 2 'unknown key `objective.clip`' "${GAN[@]}" objective.clip=0.01
    refuses 2 'unknown key `critic`' "${GAN[@]}" "critic=[linear 8]"
}

@test "numbers out of range: what is wanted" {
    refuses 2 'objective.clip wants a number from 1e-9' "${WGAN[@]}" objective.clip=0
    refuses 2 'objective.critic_steps wants a whole number from 1' "${WGAN[@]}" \
        objective.critic_steps=0
    refuses 2 'objective.penalty wants a number from 0' lab1-wgan-gp "${SMALL[@]}" \
        objective.penalty=-1
    refuses 2 'latent wants a whole number from 1' "${GAN[@]}" latent=0
    refuses 2 'base_width wants a whole number from 1' "${GAN[@]}" base_width=0
    refuses 2 'objective.gamma wants a number from 0' "${VAEGAN[@]}" objective.gamma=-1
}

@test "more feature layers than the discriminator has" {
    refuses 2 'objective.feature_layers=3: the discriminator has 2 layers before its last' \
        "${VAEGAN[@]}" objective.feature_layers=3
    refuses 2 'objective.feature_layers=900' "${VAEGAN[@]}" objective.feature_layers=900
    trains "${VAEGAN[@]}" objective.feature_layers=0
}

@test "resuming with the checkpoint of another model, or of other sizes" {
    works train "${GAN[@]}" --run gan
    works train "${WGAN[@]}" --run wgan
    rm -r gan/checkpoints
    cp -r wgan/checkpoints gan/checkpoints
    fails 3 'of a model `wgan`, not `gan`' resume gan train.epochs=2
    has "$err" 'gan/checkpoints/step-'
    fails 3 'tensor critic.0.weight' resume wgan train.epochs=2 "critic=[linear 9, relu]"
    fails 2 'unknown key `objective.clip`' resume wgan train.epochs=2 model=wgan-gp
    works resume wgan train.epochs=2
}

@test "a verb that needs what the model has not" {
    works train "${WGAN[@]}" --run wgan
    for verb in reconstruct traverse encode; do
        fails 2 'model `wgan` has no encoder' "$verb" wgan
    done
    fails 2 '--classifier' evaluate wgan
    works sample wgan
}

@test "a run that ends in mid-epoch and goes on gives the same bytes" {
    works train "${WGAN[@]}" data.limit=70 train.epochs=2 --run whole
    works train "${WGAN[@]}" data.limit=70 train.epochs=2 train.steps=8 --run parts
    works resume parts train.steps=0
    cmp "$(newest whole)" "$(newest parts)"
}
