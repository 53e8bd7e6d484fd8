#!/usr/bin/env bats
# A report of large images stays small, and one of small images has all of them.
load support

setup() {
    prepare "$BATS_TEST_TMPDIR"
}

# sizes REPORT: "WIDTHxHEIGHT CAPTION" of each picture in the page, as the PNG itself has them.
sizes() {
    python3 - "$1" <<'PYTHON'
import base64, re, struct, sys
page = open(sys.argv[1], encoding="utf-8").read()
for caption, data in re.findall(r'alt="([^"]*)" src="data:image/png;base64,([^"]*)"', page):
    print("%dx%d" % struct.unpack(">2I", base64.b64decode(data[:64])[16:24]), caption)
PYTHON
}

@test "300 x 300 images in colour: below 4 MB" {
    python3 - <<'PYTHON'
import random, struct
random.seed(1) # noise: what compresses least
head = "{'descr': '|u1', 'fortran_order': False, 'shape': (24, 300, 300, 3), }"
head += " " * (-(10 + len(head) + 1) % 64) + "\n"
with open("noise.npy", "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode())
    file.write(random.randbytes(24 * 300 * 300 * 3))
PYTHON
    works train lab2-vae-2d data.name=noise.npy data.validation=8 data.batch=8 train.epochs=2 \
        "encoder=[linear 8, relu]" "decoder=[linear 8, relu]" --run run
    sizes run/report.html | tee sizes.txt
    [ "$(wc -c < run/report.html)" -lt 4000000 ]
    [ "$(cat sizes.txt)" = "806x303 Draws from the prior
600x300 One image of the fixed noise over the training, steps 2 to 4
806x202 Held-out images, and below each its reconstruction
605x303 Between two draws of the prior, three times
454x454 Decoded latents on a 6 x 6 grid over [-2, 2] x [-2, 2]" ]
}

@test "28 x 28 images: as many as ever" {
    works train "${TINY[@]}" --run run
    sizes run/report.html | tee sizes.txt
    [ "$(cat sizes.txt)" = "242x242 Draws from the prior
56x28 One image of the fixed noise over the training, steps 6 to 12
242x122 Held-out images, and below each its reconstruction
182x182 Between two draws of the prior, six times
302x302 Decoded latents on a 10 x 10 grid over [-2, 2] x [-2, 2]" ]
}
