#!/bin/sh
# Train every file of weights/ from nothing, one phase after another.
#
#   docs/training/reproduce.sh [DIR]            the runs go to DIR (runs/reproduce)
#   DRY_RUN=1 docs/training/reproduce.sh        print the commands instead
#   SMOKE=1 DATA=DIR PHOTOS=DIR docs/training/reproduce.sh /tmp/smoke
#                                               one step of each phase, to see that all of them run
#
# DATA is the training set (bsd432), PHOTOS the one that is added for photographs as cameras make
# them (photos); both are downloaded. A run that was cut goes on where it stopped; a finished phase
# is not repeated. All phases take about 20 hours on two CPU cores.
# docs/training/README.md says what the phases are for.
set -eu

runs=${1:-runs/reproduce}
data=${DATA:-bsd432}
photos=${PHOTOS:-photos}
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

# weights NAME: the file that a phase wrote.
weights() {
    echo "$runs/$1/weights.safetensors"
}

# The CNN for grey pictures, which is the start and the teacher of all that follows.
train base-cnn-adam --preset base --neuron relu --steps 14000 --validate-every 1000
train base-cnn --preset base --neuron relu --init "$(weights base-cnn-adam)" \
    --freeze-norm --optimiser muon --steps 29000 --validate-every 1000

# The spiking network for grey pictures.
train base-quantised --preset base --init "$(weights base-cnn)" --method quantiser \
    --teacher "$(weights base-cnn)" --freeze-norm --optimiser muon --timesteps 4,4,2 \
    --sparsity-weight 0.005 --steps 40500 --validate-every 1500
train base --preset base --init "$(weights base-quantised)" --learn-initial \
    --teacher "$(weights base-cnn)" --freeze-norm --optimiser muon --timesteps 4,4,2 \
    --sparsity-weight 0.004 --lr 1e-3 --warmup 50 --steps 12300 --validate-every 300

# The same two for colour.
train base-colour-cnn --preset base --colour --neuron relu --init "$(weights base-cnn)" \
    --freeze-norm --optimiser muon --steps 14000 --validate-every 500
train base-colour-quantised --preset base --colour --init "$(weights base-colour-cnn)" \
    --method quantiser --teacher "$(weights base-colour-cnn)" --freeze-norm --optimiser muon \
    --timesteps 4,4,2 --sparsity-weight 0.005 --steps 5000 --validate-every 500
train base-colour --preset base --colour --init "$(weights base-colour-quantised)" --learn-initial \
    --teacher "$(weights base-colour-cnn)" --freeze-norm --optimiser muon --timesteps 4,4,2 \
    --sparsity-weight 0.004 --lr 1e-3 --warmup 50 --steps 1100 --validate-every 100

# The small ones.
train tiny-cnn-adam --preset tiny --neuron relu --batch-size 8 --steps 16000 --validate-every 4000
train tiny-cnn --preset tiny --neuron relu --init "$(weights tiny-cnn-adam)" \
    --teacher "$(weights base-cnn)" --freeze-norm --optimiser muon --warmup 100 \
    --steps 3500 --validate-every 1750
train tiny-quantised --preset tiny --init "$(weights tiny-cnn)" --method quantiser \
    --teacher "$(weights base-cnn)" --freeze-norm --optimiser muon --timesteps 4,4,2 \
    --sparsity-weight 0.005 --warmup 100 --steps 5000 --validate-every 1000
train tiny --preset tiny --init "$(weights tiny-quantised)" \
    --teacher "$(weights base-cnn)" --freeze-norm --optimiser muon --timesteps 4,4,2 \
    --sparsity-weight 0.003 --lr 1e-3 --warmup 100 --steps 4000 --validate-every 500

# Photographs as cameras make them, in colour.
train photo-cnn-before --data "$photos" --noise camera --preset base --colour --neuron relu \
    --init "$(weights base-colour-cnn)" --freeze-norm --optimiser muon --steps 4400 \
    --validate-every 500
train photo-cnn --data "$photos" --noise camera --preset base --colour --neuron relu \
    --init "$(weights photo-cnn-before)" --freeze-norm --optimiser muon --lr 1e-3 --warmup 50 \
    --seed 1 --steps 2500 --validate-every 500
train photo-quantised --data "$photos" --noise camera --preset base --colour \
    --init "$(weights photo-cnn)" --method quantiser --teacher "$(weights photo-cnn)" \
    --freeze-norm --optimiser muon --timesteps 4,4,2 --sparsity-weight 0.003 --lr 1.5e-3 \
    --steps 4900 --validate-every 500
train photo --data "$photos" --noise camera --preset base --colour \
    --init "$(weights photo-quantised)" --learn-initial --teacher "$(weights photo-cnn)" \
    --freeze-norm --optimiser muon --timesteps 4,4,2 --sparsity-weight 0.003 --lr 1e-3 --warmup 50 \
    --steps 700 --validate-every 100
