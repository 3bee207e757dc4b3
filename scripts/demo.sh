#!/bin/sh
# demo.sh BIN: measure three networks of one space on this machine's CPU, for real.
set -eu
bin=$1
out=out/demo
mkdir -p "$out"
echo "\$ nasprof devices"
"$bin/nasprof" devices
echo "\$ nasprof measure --device cpu --arch examples/small.json examples/medium.json examples/large.json \\"
echo "    --save $out/results.jsonl --plot $out/latency.png"
"$bin/nasprof" measure --device cpu --arch examples/small.json examples/medium.json \
  examples/large.json --save "$out/results.jsonl" --plot "$out/latency.png"
echo "\$ nasprof measure --device cpu --runtime litert --arch examples/medium.json --protocol quick"
"$bin/nasprof" measure --device cpu --runtime litert --protocol quick --arch examples/medium.json \
  --save "$out/results.jsonl"
echo "Everything measured is in $out/results.jsonl, the histogram in $out/latency.png"
