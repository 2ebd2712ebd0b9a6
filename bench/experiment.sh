#!/usr/bin/env bash
# The whole experiment of docs/results.md, from photos to the published models and their tables.
#
#     PAPER=…/paper COLOURS=…/colours HOME_PHOTOS=…/clothing-small bash bench/experiment.sh WORK [STEP …]
#
# STEPs, all in this order by default: home resnet50 lite paper leak networks recipes pairs distil. What is finished
# is not done again, and what was stopped or killed goes on. PAPER has the paper's ten classes, COLOURS these and
# the other colours' (`fetch paper` makes both). IMAGENET is a file of ResNet-50's weights where torchvision's cannot be
# downloaded.
# Defaults are for two CPU cores that compute in bfloat16; on a GPU: SIZE=224 LITE_SIZE=224 TABLE_SIZE=224
# TABLE_EPOCHS=10 EPOCHS=10.
set -euo pipefail

WORK=$(realpath -m "$1"); shift
SIZE=${SIZE:-112} EPOCHS=${EPOCHS:-5} FINAL_SIZE=${FINAL_SIZE:-224} LITE_SIZE=${LITE_SIZE:-192} SEEDS=${SEEDS:-0 1 2}
TABLE_SIZE=${TABLE_SIZE:-80} TABLE_EPOCHS=${TABLE_EPOCHS:-5}
PYTHON=${PYTHON:-.venv/bin/python} IMAGENET=${IMAGENET:-imagenet}
: "${PAPER:?the folder of the ten classes}" "${COLOURS:?the folder of the 24 classes}" "${HOME_PHOTOS:?clothing-small}"

PAPER=$(realpath "$PAPER") COLOURS=$(realpath "$COLOURS") HOME_PHOTOS=$(realpath "$HOME_PHOTOS")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
busana() { "$PYTHON" -m fashion_core "$@"; }

trained() {  # NAME DIR key=value …: trains that once, whatever happens on the way; prints the run's folder
    local name=$1 folder=$2 run; shift 2
    run=$(find "$WORK/$name" -mindepth 2 -maxdepth 2 -name config.json 2>/dev/null | head -n 1 || true)
    if [ -z "$run" ]; then
        busana train "$folder" --preset best --runs "$WORK/$name" --set "$@" | tail -n 1
    elif [ -e "$(dirname "$run")/model/card.json" ]; then
        dirname "$run"
    else
        busana train --resume "$(basename "$(dirname "$run")")" --runs "$WORK/$name" | tail -n 1
    fi
}

home() {  # photos that people took, by garment alone, hats, jackets and skirts too: no example, and nothing like one
    local photo garment
    while IFS=, read -r photo garment; do
        [ "$photo" = photo ] && continue
        mkdir -p "$WORK/home/$garment"
        cp "$HOME_PHOTOS/$photo" "$WORK/home/$garment/"
    done < docs/review/home-photos.csv
}

resnet50() {  # small photos first, then larger ones with home photos, whose garment alone is known
    local first
    first=$(trained resnet50-small "$PAPER" pretrained="$IMAGENET" image_size="$SIZE" epochs="$EPOCHS" batch_size=32 \
        learning_rate=0.005)
    trained resnet50 "$PAPER" pretrained="$first/best.safetensors" image_size="$FINAL_SIZE" epochs=6 batch_size=32 \
        learning_rate=0.005 warmup_epochs=0.2 extra="$WORK/home" flip_at_test=true
}

lite() {  # colours and garments on two heads: every pair has a name; small photos first; other articles last
    local first second
    first=$(trained lite-small "$COLOURS" architecture=efficientnet_lite0_two_head all_pairs=true epochs=3 \
        image_size=160 learning_rate=0.03 extra="$WORK/home")
    second=$(trained lite-large "$COLOURS" architecture=efficientnet_lite0_two_head all_pairs=true epochs=2 \
        image_size="$LITE_SIZE" pretrained="$first/best.safetensors" learning_rate=0.01 warmup_epochs=0.1 \
        extra="$WORK/home" flip_at_test=true)
    trained lite "$COLOURS" architecture=efficientnet_lite0_two_head all_pairs=true image_size="$LITE_SIZE" epochs=2 \
        pretrained="$second/best.safetensors" learning_rate=0.01 warmup_epochs=0.1 extra="$WORK/home" \
        outlier_exposure=true flip_at_test=true
}

paper() {  # the paper's recipe beside ours, its network from ImageNet
    busana compare "$PAPER" --only paper best --seeds $SEEDS --runs "$WORK/tables" --out "$WORK/paper.md" \
        --set image_size="$TABLE_SIZE" epochs="$TABLE_EPOCHS" pretrained="$IMAGENET"
}

TABLE=(image_size="$TABLE_SIZE" epochs="$TABLE_EPOCHS" batch_size=32 learning_rate=0.005)

leak() {  # near-duplicates on one side, and the usual split photo by photo, whose test leaks; the app's own small network
    local groups
    for groups in true false; do
        busana compare "$PAPER" --only best --seeds $SEEDS --runs "$WORK/tables" --out "$WORK/groups-$groups.md" \
            --set "${TABLE[@]}" architecture=efficientnet_lite0 pretrained=imagenet split_groups="$groups"
    done
}

networks() {  # from ImageNet; and, in a table of their own, all of them from nothing
    busana compare "$PAPER" --what architectures --seeds $SEEDS --runs "$WORK/tables" --out "$WORK/networks.md" \
        --set "${TABLE[@]}" pretrained=imagenet
    busana compare "$PAPER" --what architectures --runs "$WORK/tables" --out "$WORK/networks-from-nothing.md" \
        --set "${TABLE[@]}" pretrained=none optimizer=adamw learning_rate=0.0005 head_learning_rate=1 weight_decay=0.05
}

recipes() {
    busana compare "$PAPER" --what recipes --runs "$WORK/tables" --out "$WORK/recipes.md" \
        --set "${TABLE[@]}" pretrained="$IMAGENET"
}

pairs() {  # four pairs stay out of training: are they named all the same?
    local pair run
    mkdir -p "$WORK/seen" "$WORK/unseen"
    for pair in "$COLOURS"/*; do
        case $(basename "$pair") in
            blue_dress | green_pants | red_shoes | black_shirt) ln -sfn "$pair" "$WORK/unseen/" ;;
            *) ln -sfn "$pair" "$WORK/seen/" ;;
        esac
    done
    run=$(trained pairs "$WORK/seen" "${TABLE[@]}" architecture=efficientnet_lite0_two_head all_pairs=true)
    busana evaluate "$run" "$WORK/unseen" | tee "$WORK/unseen.txt"
}

distil() {  # the small network taught by the large one
    local teacher
    teacher=$(resnet50)
    trained distil "$PAPER" "${TABLE[@]}" architecture=efficientnet_lite0 pretrained=imagenet teacher="$teacher/model"
}

for step in "${@:-home resnet50 lite paper leak networks recipes pairs distil}"; do
    for name in $step; do "$name"; done
done
