#!/bin/sh
# demo.sh BIN: from measuring three networks on this machine's CPU to networks within three latency
# budgets, verified by measurement; then a network with weights, from images to files with their own
# accuracy.
set -eu
bin=$1
out=out/demo
mkdir -p "$out"
# What is made is kept with the demo's files, not among the user's own.
NASPROF_DATA=$out/data
export NASPROF_DATA

step() {
  printf '\n--- %s\n\n' "$1"
}
show() {
  echo "\$ $*"
  command=$1
  shift
  "$bin/$command" "$@"
}
# Budgets at shares of the way from the fastest network of the table to the slowest, in ms.
budgets() {
  "$bin/nasprof" lut show "$out/table.json" --json | "$bin/python" -c '
import json, sys
space, = json.load(sys.stdin)["spaces"]
low, high = space["min_ms"], space["max_ms"]
print(*(f"{low + float(share) * (high - low):.2g}" for share in sys.argv[1:]))' "$@"
}

step "1. Three networks, measured on this machine's CPU"
show nasprof measure --device cpu --protocol quick \
  --arch examples/small.json examples/medium.json examples/large.json \
  --save "$out/results.jsonl" --plot "$out/latency.png"

step "2. What every block of the space costs: a lookup table, judged by whole networks"
show nasprof build-lut --device cpu -o "$out/table.json"

step "3. What the table says of the three networks, which it has never seen"
show nasprof predict --lut "$out/table.json" \
  --arch examples/small.json examples/medium.json examples/large.json

step "4. The most accurate networks within three budgets, measured, ready to deploy"
echo "(architecture: blocks in each of five stages; kernel size, then expansion ratio of each block)"
# shellcheck disable=SC2046
set -- $(budgets 0.25 0.45 0.7)
show nassearch generate --budget "$1ms" --budget "$2ms" --budget "$3ms" --lut "$out/table.json" \
  --export onnx,tflite -o "$out/answers" --plot "$out/answers.png"

step "5. Any other budget, with predictions alone: about a second"
show nassearch generate --budget "$(budgets 0.35)ms" --lut "$out/table.json" --no-verify

step "6. Weights: all networks of a space trained together on images (1,797 handwritten digits)"
show nassearch supernet train --space examples/digits.json --data digits --seconds 60 \
  -o "$out/digits.safetensors" --plot "$out/training.png"

step "7. A network of it for an app: files, each with its accuracy on images it never saw, and its latency"
show nassearch deliver --supernet "$out/digits.safetensors" --data digits \
  --arch examples/digits-network.json --precision fp32,int8 --protocol quick -o "$out/app"

cat <<END

Everything is in $out:
  answers.png   the three networks, and the front they lie on
  answers/      each of them as JSON, ONNX and TFLite (random weights)
  app/          a network with trained weights: ONNX and TFLite, labels.txt, card.md
  table.json    what each block costs here
  latency.png   what was measured in step 1, results.jsonl its samples
Your own CPU, kept for good: $bin/nassearch generate --budget $2ms
END
