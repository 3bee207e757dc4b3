#!/bin/sh
# A TEST DOUBLE of TensorFlow Lite's benchmark_model: it runs nothing and its times mean nothing.
#
# It prints what the real program prints (the format of builds of 2024) and does what the model
# file says, one directive a line:
#   us=N        the timed run "takes" N microseconds, plus 1 for each start so far
#   after=N     what follows applies from the N-th start on
#   do=hang | crash | garbage | truncated | flood | leave
here=$(dirname "$0")
us=1000 after=0 doing= graph= runs=50 warmups=1 threads=-1 delegate= profiling= unknown=
for word in "$@"; do
  value=${word#*=}
  case $word in
    --graph=*) graph=$value ;;
    --num_runs=*) runs=$value ;;
    --warmup_runs=*) warmups=$value ;;
    --num_threads=*) threads=$value ;;
    --use_xnnpack=true) delegate=XNNPACK ;;
    --use_nnapi=true) delegate=NNAPI ;;
    --enable_op_profiling=true) profiling=yes ;;
    --min_secs=* | --warmup_min_secs=* | --use_xnnpack=false) ;;
    *) unknown="$unknown $word" ;;
  esac
done
echo "INFO: STARTING!"
if [ -n "$unknown" ]; then echo "WARN: Unconsumed cmdline flags:$unknown"; fi
if ! grep -q '^us=' "$graph" 2>/dev/null; then
  echo "ERROR: Failed to load model $graph" >&2
  echo "ERROR: Benchmarking failed." >&2
  exit 1
fi
starts=$(($(cat "$graph.starts" 2>/dev/null || echo 0) + 1))
echo $starts > "$graph.starts"
while IFS='=' read -r key value; do
  case $key in us) us=$value ;; after) after=$value ;; do) doing=$value ;; esac
done < "$graph"
grep Cpus_allowed_list /proc/self/status > "$here/cores"
# Noted in /data/together: whether two of these run at once.
mkdir /data/alone 2>/dev/null || echo "$graph" >> /data/together
sleep 0.02
rmdir /data/alone
echo "INFO: Num threads: [$threads]"
echo "INFO: Graph: [$graph]"
echo "INFO: Loaded model $graph"
case $delegate in
  XNNPACK) echo "INFO: XNNPACK delegate created."
    echo "INFO: Explicitly applied XNNPACK delegate, and the model graph will be completely executed by the delegate." ;;
  NNAPI) echo "WARN: NNAPI acceleration is unsupported on this platform." ;;
esac
if [ "$starts" -gt "$after" ]; then
  case $doing in
    hang) sleep 70 ;;
    leave) setsid sleep 71 > /dev/null 2>&1 < /dev/null & sleep 70 ;;
    crash) kill -SEGV $$ ;;
    garbage) head -c 3000 /dev/urandom; exit 0 ;;
    flood) cat /dev/urandom ;;
  esac
fi
us=$((us + starts))
if [ "$runs" = 1 ]; then line="count=1 curr=$us p5=$us median=$us p95=$us"
else line="count=$runs first=$us curr=$us min=$us max=$us avg=$us std=0 p5=$us median=$us p95=$us"; fi
echo "INFO: Initialized session in 1.5ms."
echo "INFO: Running benchmark for at least $warmups iterations and at least 0 seconds but terminate if exceeding 150 seconds."
echo "INFO: count=$warmups first=99 curr=99 min=99 max=99 avg=99 std=0 p5=99 median=99 p95=99"
echo
echo "INFO: Running benchmark for at least $runs iterations and at least 0 seconds but terminate if exceeding 150 seconds."
if [ "$doing" = truncated ] && [ "$starts" -gt "$after" ]; then printf 'INFO: count=1 cur'; exit 0; fi
echo "INFO: $line"
echo
echo "INFO: Inference timings in us: Init: 1500, First inference: 99, Warmup (avg): 99, Inference (avg): $us"
echo "INFO: Memory footprint delta from the start of the tool (MB): init=3.5 overall=3.75"
if [ -n "$profiling" ]; then
  echo "INFO: Operator-wise Profiling Info for Regular Benchmark Runs:"
  echo "============================== Run Order =============================="
  printf '\t[node type]\t[first]\t[avg ms]\t[%%]\t[cdf%%]\t[mem KB]\t[times called]\t[Name]\n'
  printf '\tCONV_2D\t0.9\t0.750\t75.0%%\t75.0%%\t0.0\t1\t[stem]:0\n'
  printf '\tADD\t0.3\t0.250\t25.0%%\t100.0%%\t0.0\t1\t[block0]:1\n'
fi
