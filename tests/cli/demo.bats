#!/usr/bin/env bats
# The demonstrations: what they print, the figures they leave, and each error.

load support

setup() {
    prepare "$BATS_TEST_TMPDIR"
}

@test "demo lists the demonstrations" {
    works demo
    has "$out" "importance-sampling"
    has "$out" "gumbel-softmax"
    works demo --json
    python3 -c "
import json
names = [d['name'] for d in json.load(open('out.txt'))]
assert names[:2] == ['importance-sampling', 'gumbel-softmax'], names"
}

@test "demo importance-sampling: the known effective sample size, and a figure" {
    works demo importance-sampling
    has "$out" "5.5946"
    has "$out" "17.9%"
    works inspect importance-sampling.png
    has "$out" "1600 x 880"
    works demo importance-sampling -n 500 --seed 7 -o own.svg --json
    python3 -c "
import json
d = json.load(open('out.txt'))
assert d['draws'] == 500 and d['seed'] == 7 and d['file'] == 'own.svg', d
assert abs(d['weight_square'] - 5.5946) < 1e-4 and abs(d['estimate'] - 5) < 3, d"
    grep -q '<svg' own.svg
}

@test "demo gumbel-softmax: one-hot rows in the limit, and a figure" {
    works demo gumbel-softmax -n 20000
    has "$out" "hard limit"
    works inspect gumbel-softmax.png
    has "$out" "1290 x 1506"
    works demo gumbel-softmax -n 20000 -o own.png --json
    python3 -c "
import json
rows = json.load(open('out.txt'))['temperatures']
assert [r['temperature'] for r in rows] == [10, 2, 1, 0.5, 0.1, 0.01, 0], rows
assert rows[-1]['largest'] == 1 and rows[-1]['off'] < 0.02 < rows[2]['off'], rows"
}

@test "demo flow: the KL by the number of steps, and a figure" {
    works demo flow -n 2560 -o own.png --json
    python3 -c "
import json
d = json.load(open('out.txt'))
assert d['energy'] == 1 and d['draws'] == 2560 and abs(d['log_z'] - 1.8775016) < 1e-6, d
assert [f['steps'] for f in d['fits']] == [0, 2, 8, 32], d
assert all(f['kl'] > 0 for f in d['fits']), d"
    works inspect own.png
    has "$out" "1248 x 284"
    fails 2 'take 256 to' demo flow -n 100
}

@test "demo says what is wrong" {
    fails 2 'did you mean `gumbel-softmax`' demo gumbel-sofmax
    fails 2 'from 2 to' demo gumbel-softmax -n 1
    fails 2 'of which 8 are shown' demo gumbel-softmax -n 5
    fails 2 '.png' demo gumbel-softmax -n 100 -o figure.txt
    fails 4 'nowhere' demo importance-sampling -o nowhere/figure.png
    [ ! -e gumbel-softmax.png ]
}
