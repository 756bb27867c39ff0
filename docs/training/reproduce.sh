#!/bin/sh
# Train every file of weights/ from nothing, one phase after another.
#
#   docs/training/reproduce.sh [DIR]            the runs go to DIR (runs/reproduce)
#   DRY_RUN=1 docs/training/reproduce.sh        print the commands instead
#   SMOKE=1 DATA=DIR PHOTOS=DIR DRAWN=DIR docs/training/reproduce.sh /tmp/smoke
#                                               one step of each phase, to see that all of them run
#
# DATA is the training set (bsd432), PHOTOS the one that is added for photographs as cameras make
# them (photos); both are downloaded. DRAWN are pictures of flat tones, type and charts, which
# benchmarks/graphics.py draws unless they are given. A run that was cut goes on where it stopped; a finished phase
# is not repeated. Those with batches of 64 and 128 are meant for a GPU, where they take minutes; on two CPU cores
# all phases take days.
# docs/training/README.md says what the phases are for.
set -eu

runs=${1:-runs/reproduce}
data=${DATA:-bsd432}
photos=${PHOTOS:-photos}
drawn=${DRAWN:-$runs/drawn}
smoke=
if [ -n "${SMOKE:-}" ]; then
    smoke="--steps 1 --batch-size 1 --patch-size 16 --validate-every 1 --precision float32"
fi

# train NAME OPTION...: one phase, into $runs/NAME. Of an option given twice the last one counts.
train() {
    name=$1
    shift
    if [ -e "$runs/$name.done" ]; then
        return
    fi
    resume=
    if [ -e "$runs/$name/checkpoint.safetensors" ]; then
        resume=--resume
    fi
    # shellcheck disable=SC2086  # $smoke and $resume are lists of words, or nothing
    set -- spiden train --data "$data" --sigma 0:55 --precision bfloat16 "$@" \
        --output "$runs/$name" $smoke $resume
    if [ -n "${DRY_RUN:-}" ]; then
        echo "$*"
        return
    fi
    "$@"
    : >"$runs/$name.done"
}

if [ ! -e "$drawn" ] && [ -z "${DRY_RUN:-}" ]; then
    python "$(dirname "$0")/../../benchmarks/graphics.py" "$drawn" --count 60
fi

# weights NAME: the file that a phase wrote.
weights() {
    echo "$runs/$1/weights.safetensors"
}

# all NAME OPTION...: a phase on both sets, whose branch needs larger patches.
all() {
    name=$1
    shift
    train "$name" --data "$photos" --sigma 0:75 --freeze-norm --optimiser muon --patch-size 96 "$@"
}

# digits NAME OPTION...: a phase that trains weighted spikes.
digits() {
    name=$1
    shift
    all "$name" --loss psnr --timesteps 4,4,4,3 --sparsity-weight 0.004 "$@"
}

# The CNN for grey pictures, which is the start of all that follows, and its spiking network.
train base-cnn-adam --preset base --neuron relu --steps 14000 --validate-every 1000
all base-cnn --preset base --neuron relu --init "$(weights base-cnn-adam)" \
    --lr 3e-3 --batch-size 128 --steps 5500 --validate-every 1000
digits base-start --preset base --init "$(weights base-cnn)" --teacher "$(weights base-cnn)" \
    --batch-size 128 --steps 1700 --validate-every 500
digits base-both --preset base --init "$(weights base-start)" --teacher "$(weights base-cnn)" \
    --teacher-weight 0.3 --sparsity-weight 0.006 --lr 1.2e-3 --batch-size 8 --steps 6000
train base-before --preset base --init "$(weights base-both)" --teacher "$(weights base-cnn)" \
    --sigma 0:75 --freeze-norm --optimiser muon --patch-size 96 --loss psnr --timesteps 4,4,4,3 \
    --teacher-weight 0.3 --sparsity-weight 0.004 --lr 6e-4 --warmup 50 --batch-size 8 --steps 1000
digits base-sparse --data "$drawn" --preset base --init "$(weights base-before)" \
    --teacher "$(weights base-cnn)" --teacher-weight 0.3 --sparsity-weight 0.06 \
    --sparsity-over synapses --lr 7e-4 --batch-size 8 --steps 6000
digits base --data "$drawn" --preset base --init "$(weights base-sparse)" \
    --teacher "$(weights base-cnn)" --teacher-weight 0.3 --sparsity-weight 0.04 \
    --sparsity-over synapses --lr 3e-4 --batch-size 8 --steps 800

# The same for colour.
all base-colour-cnn --preset base --colour --neuron relu --init "$(weights base-cnn)" \
    --lr 3e-3 --batch-size 128 --steps 5500 --validate-every 1000
digits base-colour-start --preset base-colour --init "$(weights base-colour-cnn)" \
    --teacher "$(weights base-colour-cnn)" --batch-size 128 --steps 1700 --validate-every 500
digits base-colour --preset base-colour --init "$(weights base-colour-start)" \
    --teacher "$(weights base-colour-cnn)" --sparsity-weight 0.003 --lr 1.5e-3 --batch-size 8 \
    --steps 10000

# Photographs as cameras make them, in colour.
all photo-cnn --noise camera --preset base --colour --neuron relu \
    --init "$(weights base-colour-cnn)" --lr 3e-3 --batch-size 64 --steps 2500 --validate-every 500
digits photo-start --noise camera --preset base-colour --init "$(weights photo-cnn)" \
    --teacher "$(weights photo-cnn)" --sparsity-weight 0.003 --batch-size 64 --steps 1200
digits photo --noise camera --preset base-colour --init "$(weights photo-start)" \
    --teacher "$(weights photo-cnn)" --sparsity-weight 0.003 --lr 1e-3 --batch-size 8 --steps 2000

# The small ones.
train tiny-cnn-adam --preset tiny --neuron relu --batch-size 8 --steps 16000 --validate-every 4000
train tiny-cnn --preset tiny --neuron relu --init "$(weights tiny-cnn-adam)" \
    --teacher "$(weights base-cnn)" --freeze-norm --optimiser muon --warmup 100 \
    --steps 3500 --validate-every 1750
train tiny --preset tiny --init "$(weights tiny-cnn)" --loss psnr --timesteps 4,4,4,3 --freeze-norm \
    --optimiser muon --sparsity-weight 0.002 --warmup 100 --steps 3500

# Spikes of equal weight, trained through time: the neurons of the paper.
train base-if-cnn-adam --preset base-if --neuron relu --steps 14000 --validate-every 1000
train base-if-cnn --preset base-if --neuron relu --init "$(weights base-if-cnn-adam)" \
    --freeze-norm --optimiser muon --steps 29000 --validate-every 1000
train base-if-quantised --preset base-if --init "$(weights base-if-cnn)" --method quantiser \
    --teacher "$(weights base-if-cnn)" --freeze-norm --optimiser muon --timesteps 4,4,2 \
    --sparsity-weight 0.005 --steps 40500 --validate-every 1500
train base-if --preset base-if --init "$(weights base-if-quantised)" --learn-initial \
    --teacher "$(weights base-if-cnn)" --freeze-norm --optimiser muon --timesteps 4,4,2 \
    --sparsity-weight 0.004 --lr 1e-3 --warmup 50 --steps 12300 --validate-every 300
