#!/usr/bin/env bats
# reverie inpaint: what it says of how it draws, what it writes, and what it refuses.

load support

SET=(data.name=digits data.validation=60 data.batch=20 train.epochs=1 --threads 1)
NETS=("encoder=[linear 16, relu]" "decoder=[linear 16, relu]")
CNN=(lab2-pixelcnn "${SET[@]}" data.limit=200 "layers=[gated 4 k3 strict: true, gated 4 k3]")

setup_file() {
    prepare "$BATS_FILE_TMPDIR/shared"
    works train "${CNN[@]}" --run cnn
    works train "${CNN[@]}" condition=class --run class
    works train "${CNN[@]}" data.pixels=gray conditionals=logistic components=2 --run gray
    works train lab2-vae "${SET[@]}" data.limit=200 latent=2 "${NETS[@]}" --run vae
    works train lab2-vae "${SET[@]}" data.limit=200 latent=2 "${NETS[@]}" data.pixels=gray --run levels
    works train lab0-pixelvae "${SET[@]}" data.limit=100 latent=2 "encoder=[linear 16, relu]" \
        "layers=[gated 4 k3 strict: true, relu]" --run pixelvae
    works train lab2-gan "${SET[@]}" data.limit=200 "generator=[linear 8, relu]" \
        "discriminator=[linear 8, relu]" --run gan
}

setup() {
    prepare "$BATS_TEST_TMPDIR"
    ln -s "$BATS_FILE_TMPDIR/shared" runs
}

# png FILE HEIGHT WIDTH COLOUR...: a gray PNG whose pixels have these values in turn.
png() {
    python3 - "$@" <<'PYTHON'
import struct, sys, zlib
name, height, width, *colour = sys.argv[1:]
height, width, colour = int(height), int(width), [int(c) for c in colour]
rows = b"".join(b"\0" + bytes(colour[(y * width + x) % len(colour)] for x in range(width))
                for y in range(height))
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
with open(name, "wb") as file:
    file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", height and width, height, 8,
        0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
PYTHON
}

# known FILE SPLIT-IMAGE TEST: of the completions in FILE.npy, rows and columns for which TEST holds
# are those of every other completion; others differ somewhere.
known() {
    python3 - "$1" "$2" <<'PYTHON'
import struct, sys
values = open(sys.argv[1], "rb").read()[128:]
count = len(values) // 4 // 784
v = struct.unpack("<%df" % (count * 784), values)
is_known = eval("lambda r, c: " + sys.argv[2])
differ = 0
for t in range(784):
    seen = {v[n * 784 + t] for n in range(count)}
    if is_known(t // 28, t % 28):
        assert len(seen) == 1, (t // 28, t % 28, seen)
    differ += len(seen) > 1
assert count > 1 and differ > 0, (count, differ)
PYTHON
}

@test "it says how it draws" {
    works inpaint runs/cnn -n 3 -o c.png
    [ "$out" = "exact draws: no known pixel comes after a missing one
c.png" ]
    works inpaint runs/cnn --mask top -n 3 --draws 8
    has "$out" "importance resampling of 8 draws, by the known pixels that come after a missing one: effective"
    has "$out" "inpainting.png"
    has "$err" "warning: of 8 draws" # at most 8 are effective, and 10 are wanted
    works inpaint runs/vae --sweeps 7
    has "$out" "7 sweeps of Gibbs sampling"
    has "$out" "approximate"
    works inpaint runs/pixelvae --sweeps 2 -n 2
    has "$out" "2 sweeps of Gibbs sampling"
    json 'd["mode"] == "exact" and d["completions"] == 2 and d["missing"] == 392 and d["file"] == "c.png"' \
        inpaint runs/cnn -n 2 -o c.png
    json 'd["mode"] == "resampled" and d["draws"] == 200 and 1 <= d["effective"] <= 200 and
        len(d["log_weights"]) == 200 and abs(d["effective"] -
            sum(math.exp(w - max(d["log_weights"])) for w in d["log_weights"]) ** 2 /
            sum(math.exp(2 * (w - max(d["log_weights"]))) for w in d["log_weights"])) < 1e-6 * 200' \
        inpaint runs/cnn --mask centre -n 2
    json 'd["mode"] == "gibbs" and d["sweeps"] == 100 and d["missing"] == 196' inpaint runs/vae --mask centre
}

@test "a class that is given, or unknown" {
    json 'd["mode"] == "exact"' inpaint runs/class --class 3 -n 2
    json 'd["mode"] == "resampled" and d["draws"] == 30' inpaint runs/class -n 2 --draws 30
    works inpaint runs/class -n 2 --draws 30 -o class.png
    has "$out" "by the known pixels, which tell of the class"
    fails 2 '9 draws for 10 classes' inpaint runs/class -n 2 --draws 9
    fails 2 'class `ten`' inpaint runs/class --class ten
    fails 2 'does not decode by class' inpaint runs/cnn --class 3
    fails 2 'does not decode by class' inpaint runs/vae --class 3
}

@test "known pixels stay, and seeds decide the others" {
    for run in cnn class gray vae levels pixelvae; do
        local more=()
        [[ $run == vae || $run == levels || $run == pixelvae ]] && more=(--sweeps 3)
        works inpaint runs/$run -n 3 -o bottom.npy "${more[@]}"
        known bottom.npy "r < 14"
        works inpaint runs/$run --mask left -n 3 -o left.npy "${more[@]}"
        known left.npy "c >= 14"
        works inpaint runs/$run --mask left -n 3 -o again.npy "${more[@]}" --threads 2
        cmp left.npy again.npy
        works inpaint runs/$run --mask left -n 3 -o other.npy "${more[@]}" --seed 2
        not cmp -s left.npy other.npy
        works inpaint runs/$run --image 5 -n 3 -o other.npy "${more[@]}"
        not cmp -s bottom.npy other.npy
    done
}

@test "a mask of one's own" {
    png stripes.png 28 28 0 255 255 0
    works inpaint runs/cnn --mask stripes.png -n 3 -o s.npy
    known s.npy "(r * 28 + c) % 4 in (0, 3)"
    json 'd["missing"] == 392' inpaint runs/vae --mask stripes.png -n 2 -o s.png
    png all.png 28 28 255
    json 'd["mode"] == "exact" and d["missing"] == 784' inpaint runs/cnn --mask all.png -n 2
    works inpaint runs/cnn --mask all.png -n 2 -o drawn.npy --seed 4
    works sample runs/cnn -n 2 --seed 4 -o sampled.npy
    cmp drawn.npy sampled.npy
    works inpaint runs/vae --mask all.png -n 2
    png none.png 28 28 0
    fails 2 'mask `none.png` has no pixel to fill in' inpaint runs/cnn --mask none.png
    ln -s all.png link.png
    cp all.png kept.png
    fails 2 'link.png: --mask names this file too' inpaint runs/cnn --mask all.png -o link.png
    cmp all.png kept.png
    png small.png 8 8 255
    fails 2 'small.png: the mask is 8 x 8, and the images are 28 x 28' inpaint runs/cnn --mask small.png
    png gray.png 28 28 0 0 0 128
    fails 2 'gray.png: the pixel of row 0, column 3 is neither white (to be filled in) nor black' \
        inpaint runs/vae --mask gray.png
    head -c 60 all.png > cut.png
    fails 3 'cut.png' inpaint runs/cnn --mask cut.png
    fails 3 'nowhere.png' inpaint runs/cnn --mask nowhere.png
    fails 2 'mask `middle`: top, bottom, left, right, centre, or a PNG file' inpaint runs/cnn --mask middle
    [ ! -e inpainting.png ] || rm inpainting.png
}

@test "the picture has the image, its hole, and the completions" {
    works inpaint runs/cnn -n 3 --enlarge 2 -o p.png
    python3 - <<'PYTHON'
import struct, zlib
data = open("p.png", "rb").read()
assert struct.unpack(">II", data[16:24]) == (2 * (5 * 30 + 2), 2 * (28 + 4)), data[16:24]
PYTHON
}

@test "images of colour" {
    python3 - <<'PYTHON'
import random, struct
random.seed(2)
text = b"{'descr': '|u1', 'fortran_order': False, 'shape': (60, 28, 28, 3), }"
text += b" " * (63 - (10 + len(text)) % 64) + b"\n"
with open("colour.npy", "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text)
    file.write(bytes(random.randrange(256) for _ in range(60 * 28 * 28 * 3)))
PYTHON
    works train lab2-vae data.name=colour.npy data.validation=20 data.batch=10 train.epochs=1 \
        data.pixels=gray likelihood=gaussian latent=2 "${NETS[@]}" --threads 1 --run colour
    works inpaint colour --mask top -n 2 --sweeps 2 -o c.png
    works inpaint colour --mask top -n 2 --sweeps 2 -o c.npy
    python3 - <<'PYTHON'
import struct
v = struct.unpack("<%df" % (2 * 28 * 28 * 3), open("c.npy", "rb").read()[128:])
half = 14 * 28 * 3
assert v[half:2 * half] == v[3 * half:] and all(a != b for a, b in zip(v[:half], v[2 * half:3 * half]))
PYTHON
}

@test "what it refuses is told in one line" {
    fails 2 'model `gan` cannot fill in pixels' inpaint runs/gan
    fails 2 'the images are 0 to' inpaint runs/cnn --image 100000
    fails 2 '--count' inpaint runs/cnn -n 0
    fails 2 '--sweeps is of models with latents' inpaint runs/cnn --sweeps 3
    fails 2 '--draws is of models that draw pixel by pixel' inpaint runs/vae --draws 30
    fails 2 '--draws is of importance resampling, and these draws are exact' inpaint runs/cnn --draws 30
    fails 2 '4 draws for 8 completions' inpaint runs/cnn --mask top --draws 4
    fails 2 '--enlarge is of a picture' inpaint runs/cnn --enlarge 2 -o x.npy
    fails 2 'end the name in' inpaint runs/cnn -o x.jpg
    fails 4 'no/such' inpaint runs/cnn -o no/such/x.png
    [ ! -e inpainting.png ]
}
