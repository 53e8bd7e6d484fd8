# What the tests of studies share: small pictures, and studies on them that take a second.

SMALL="{name: lines.npy, validation: 50, batch: 25}"
NETS="encoder: [linear 16, relu], decoder: [linear 16, relu]"

# 450 small pictures of crosses.
write_pictures() {
    python3 - <<'PYTHON'
import random, struct
random.seed(1)
count, side = 450, 12
header = "{'descr': '|u1', 'fortran_order': False, 'shape': (%d, %d, %d), }" % (count, side, side)
header += " " * (63 - (10 + len(header)) % 64) + "\n"
pixels = bytearray()
for _ in range(count):
    row, column = random.randrange(1, 11), random.randrange(1, 11)
    pixels += bytes(230 if abs(y - row) < 2 or x == column else 10
                    for y in range(side) for x in range(side))
open("lines.npy", "wb").write(
    b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() + pixels)
PYTHON
}

# A study of two cells and two seeds, small enough for a second.
write_tiny() {
    cat > tiny.yaml <<YAML
about: a tiny study
base: lab2-vae-2d
settings: {data: $SMALL, $NETS, train.epochs: 2}
grid: {objective.beta: [0.5, 2]}
seeds: 2
YAML
}

# One of two cells, long enough to be stopped in the middle.
write_long() {
    cat > long.yaml <<YAML
base: lab2-vae-2d
settings: {data: {name: lines.npy, validation: 60, batch: 8}, $NETS, train: {epochs: 4, save: 7}}
grid: {latent: [2, 3]}
YAML
}

fingerprints() {
    find "$1" -type f -print0 | sort -z | xargs -0 sha256sum
}

# wait_for COMMAND...: until it succeeds, twenty seconds at most.
wait_for() {
    for _ in $(seq 2000); do
        "$@" 2> /dev/null && return 0
        sleep 0.01
    done
    echo "never: $*" && return 1
}

has_checkpoint() {
    compgen -G "$1/checkpoints/step-*.safetensors" > /dev/null
}
