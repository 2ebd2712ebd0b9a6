#!/usr/bin/env bash
# The whole experiment of docs/results.md, from photos to the published model and its tables.
#
#     PHOTOS=…/apparel10 PRODUCTS=…/products.zip PHONE=…/clothing-small bash bench/experiment.sh WORK [STEP …]
#
# STEPs, all in this order by default: photos pretrain seeds plain recipes architectures. What is finished is not done
# again, and what was stopped goes on, but for the pretraining, which begins anew. On a GPU: SIZE=224 TABLE_SIZE=224 TABLE_EPOCHS=20 EPOCHS=20 PRETRAIN_EPOCHS=20.
set -euo pipefail

WORK=$(realpath -m "$1"); shift
SIZE=${SIZE:-96} EPOCHS=${EPOCHS:-8} PRETRAIN_EPOCHS=${PRETRAIN_EPOCHS:-5} SEEDS=${SEEDS:-0 1 2}
TABLE_SIZE=${TABLE_SIZE:-64} TABLE_EPOCHS=${TABLE_EPOCHS:-4}
PYTHON=${PYTHON:-.venv/bin/python}
DECISIONS=${DECISIONS:-docs/review/apparel10-decisions.csv}
: "${PHOTOS:?the folder of the ten classes}" "${PRODUCTS:?the zip of catalogue products, its .csv beside it}" "${PHONE:?clothing-small}"

PHOTOS=$(realpath "$PHOTOS") PRODUCTS=$(realpath "$PRODUCTS") PHONE=$(realpath "$PHONE")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
busana() { "$PYTHON" -m fashion_core "$@"; }

photos() {  # products without the ten classes' own photos; partial labels: a garment in whatever colour
    [ -d "$WORK/products" ] || busana fetch products "$WORK/products" --from "$PRODUCTS" --without "$PHOTOS"
    mkdir -p "$WORK"/extra/{dress,pants,shirt,shoes,shorts}
    for garment in dress pants shirt shoes shorts; do
        rm -rf "$WORK/extra/$garment/phone"  # links alone; the photos of examples/ are left out, they test
        mkdir "$WORK/extra/$garment/phone"
        for photo in "$PHONE/train/$garment"/*; do
            grep -qF ",train/$garment/${photo##*/}," examples/labels.csv || ln -s "$photo" "$WORK/extra/$garment/phone/"
        done
    done
    ln -sfn "$WORK"/products/train/*_dresses "$WORK/extra/dress/"  # the two dress classes are the small ones
}

pretrain() {  # colour and article at once, on two heads that fine-tuning replaces
    [ -e "$WORK/pretrained.safetensors" ] && return
    busana train "$WORK/products" --preset quick --runs "$WORK/pretrain" --set architecture=resnet50_two_head \
        image_size="$SIZE" epochs="$PRETRAIN_EPOCHS" batch_size=64 learning_rate=0.06 warmup_epochs=0.5 \
        label_smoothing=0.1 ema_decay=0 crop_scale=0.5 | tail -n 1 > "$WORK/pretrain.run"
    cp "$(cat "$WORK/pretrain.run")/best.safetensors" "$WORK/pretrained.part"
    mv "$WORK/pretrained.part" "$WORK/pretrained.safetensors"
}

FINAL=(pretrained="$WORK/pretrained.safetensors" extra="$WORK/extra" decisions="$DECISIONS" image_size="$SIZE" epochs="$EPOCHS")
TABLE=(pretrained="$WORK/pretrained.safetensors" image_size="$TABLE_SIZE" epochs="$TABLE_EPOCHS")

seeds() {
    busana compare "$PHOTOS" --only best --seeds $SEEDS --runs "$WORK/runs" --out "$WORK/seeds.md" --set "${FINAL[@]}"
}

plain() {  # the usual split, photo by photo: its test leaks, and the card counts the leaks
    busana compare "$PHOTOS" --only best --seeds $SEEDS --runs "$WORK/runs" --out "$WORK/plain.md" \
        --set "${FINAL[@]}" split_groups=false
}

recipes() {
    busana compare "$PHOTOS" --what recipes --runs "$WORK/runs" --out "$WORK/recipes.md" \
        --set "${TABLE[@]}" decisions="$DECISIONS"
}

architectures() {  # from random weights: only one of them has others; AdamW, which all of them can start with
    busana compare "$PHOTOS" --what architectures --runs "$WORK/runs" --out "$WORK/architectures.md" \
        --set "${TABLE[@]}" pretrained=none optimizer=adamw learning_rate=0.0005 head_learning_rate=1 weight_decay=0.05
}

for step in "${@:-photos pretrain seeds plain recipes architectures}"; do
    for name in $step; do "$name"; done
done
