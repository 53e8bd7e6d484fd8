#!/bin/sh
# A short sample of the campaigns, the same each time, for `make test`: `make soak` runs them long.
# usage: sample.sh PROGRAM
set -eu
here=$(cd "$(dirname "$0")" && pwd)
SOAK_REFERENCES=$(mktemp -d)
trap 'rm -rf "$SOAK_REFERENCES"' EXIT
export SOAK_REFERENCES SEED=1
SOAK_FAMILIES="wgan-gp classifier" "$here/kills.bash" "$1" 2
for campaign in saves errors; do
    SOAK_FAMILIES=classifier "$here/$campaign.bash" "$1" 2
done
for campaign in shorts damage signals writers; do
    SOAK_FAMILIES=classifier "$here/$campaign.bash" "$1" 1
done
