#!/bin/sh
# A TEST DOUBLE of LiteRT 2.x's benchmark_model: it runs nothing and its times mean nothing.
#
# It prints what the real program prints, results on stderr, count= lines on stdout; its GPU takes
# the whole graph, and its NPU cannot be loaded, so that the CPU runs the model.
graph= runs=50 delegate=XNNPACK unknown=
for word in "$@"; do
  value=${word#*=}
  case $word in
    --graph=*) graph=$value ;;
    --num_runs=*) runs=$value ;;
    --use_gpu=true) delegate=GPU ;;
    --warmup_runs=* | --num_threads=* | --min_secs=* | --warmup_min_secs=* | --use_npu=true) ;;
    *) unknown="$unknown $word" ;;
  esac
done
say() { echo "$@" >&2; }
echo "INFO: STARTING!"
if [ -n "$unknown" ]; then echo "WARN: Unconsumed cmdline flags:$unknown"; fi
say "INFO: [benchmark_litert_model.cc:201] Loading model from: $graph"
say "INFO: [environment.cc:30] Creating LiteRT environment with options"
say "WARNING: [npu_registry.cc:34] NPU accelerator could not be loaded and registered: kLiteRtStatusErrorInvalidArgument."
if [ $delegate = GPU ]; then
  say "VERBOSE: Replacing 66 out of 66 node(s) with delegate (LITERT_CL) node, yielding 1 partitions for subgraph 0 (main)."
else
  say "VERBOSE: Replacing 64 out of 66 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 3 partitions for subgraph 0 (main)."
fi
echo "INFO: Initialized session in 4.478ms."
echo "INFO: count=1 curr=9120 p5=9120 median=9120 p95=9120"
echo
echo "INFO: count=$runs curr=8123 p5=8123 median=8123 p95=8123"
echo
say "INFO: [benchmark_litert_model.h:90] "
say "========== BENCHMARK RESULTS =========="
say "INFO: [benchmark_litert_model.h:94] Model initialization: 4.48 ms"
say "INFO: [benchmark_litert_model.h:96] Warmup (first):       9.12 ms"
say "INFO: [benchmark_litert_model.h:98] Warmup (avg):         9.12 ms (1 runs)"
say "INFO: [benchmark_litert_model.h:100] Inference (avg):      8.12 ms ($runs runs)"
say "INFO: [benchmark_litert_model.h:104] Inference (min):      8.12 ms"
say "INFO: [benchmark_litert_model.h:106] Inference (max):      8.12 ms"
say "INFO: [benchmark_litert_model.h:108] Inference (std):      0.00"
say "INFO: [benchmark_litert_model.h:115] Throughput:           27.46 MB/s"
say "INFO: [benchmark_litert_model.h:138] ======================================"
