# What the program says of data sets that are damaged, empty of sense, or hold what is not read.

load support.bash

setup() {
    WORK=$(mktemp -d)
    cd "$WORK"
}

teardown() {
    rm -rf "$WORK"
}

# two images of 2 x 2: black
black_idx() {
    mkdir -p "$1"
    printf '\0\0\10\3\0\0\0\2\0\0\0\2\0\0\0\2\0\0\0\0\0\0\0\0' > "$1/train-images-idx3-ubyte"
}

@test "a damaged set is named after the list, with the reason, and the list succeeds" {
    mkdir -p sets/page
    echo '<!DOCTYPE html><title>404</title>' > sets/page/train-images-idx3-ubyte
    black_idx sets/fine
    for verb in "data list" doctor; do
        "$REVERIE" $verb --data-dir sets > out.txt
        grep -q 'damaged.*train-images-idx3-ubyte: is a web page, not the data' out.txt
        grep -q 'fine' out.txt
    done
    "$REVERIE" data list --data-dir sets > out.txt
    [ "$(tail -1 out.txt | grep -c '^page .*damaged')" -eq 1 ]
    "$REVERIE" data list --data-dir sets --json > out.json
    python3 - <<'END' || [ $? -eq 127 ]
import json
rows = {r["name"]: r for r in json.load(open("out.json"))}
assert "web page" in rows["page"]["problem"] and rows["fine"]["problem"] is None
END
}

@test "a set of which one part cannot be opened is listed once" {
    black_idx sets/half
    cp sets/half/train-images-idx3-ubyte sets/half/t10k-images-idx3-ubyte
    printf '\0\0\10\1\0\0\0\2\0\0' > sets/half/train-labels-idx1-ubyte
    for verb in "data list" doctor; do
        "$REVERIE" $verb --data-dir sets > out.txt
        [ "$(grep -c half out.txt)" -eq 1 ]
        grep -q 'half.* its labels, t10k-labels-idx1-ubyte' out.txt
    done
}

@test "a set that is all black is said when it is opened" {
    black_idx sets/black
    "$REVERIE" data show black --data-dir sets -o look.png 2> err.txt
    grep -q 'warning: .*every pixel of the train images is 0 of 255 (black)' err.txt
}

@test "a long path does not hide the reason" {
    path=sets
    for i in 1 2 3 4 5 6; do
        path=$path/$(printf '%0200d' "$i")
    done
    mkdir -p "$path"
    echo '<html>' > "$path/train-images-idx3-ubyte"
    code=0
    "$REVERIE" data show "./$path" -o look.png 2> err.txt || code=$?
    [ "$code" -eq 3 ]
    grep -q 'train-images-idx3-ubyte: is a web page' err.txt
}
