#!/bin/sh
# demo.sh BIN: measure networks on this machine's CPU, build its lookup table, and predict with it.
set -eu
bin=$1
out=out/demo
mkdir -p "$out"
show() {
  echo "\$ nasprof $*"
  "$bin/nasprof" "$@"
}
show devices
show measure --device cpu --arch examples/small.json examples/medium.json examples/large.json \
  --save "$out/results.jsonl" --plot "$out/latency.png"
show measure --device cpu --runtime litert --arch examples/medium.json --protocol quick \
  --save "$out/results.jsonl"
show build-lut --device cpu -o "$out/table.json"
echo "\$ nasprof lut show $out/table.json --plot $out/table.png > $out/table.txt"
"$bin/nasprof" lut show "$out/table.json" --plot "$out/table.png" > "$out/table.txt"
show predict --lut "$out/table.json" \
  --arch examples/small.json examples/medium.json examples/large.json
echo "In $out: results.jsonl and latency.png (measured), table.json, table.txt and table.png"
