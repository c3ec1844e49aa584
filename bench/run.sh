#!/usr/bin/env bash
# Measures ingest (and queries meanwhile) end to end: client, router and shard on this machine, durable answers; before
# that, what the machine can take at most.
#
#   bench/run.sh                                    # 2 million records
#   bench/run.sh --preload 1000000 --records 200000 --rate 10000 --query
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${UNIRUST_BIN_DIR:-build/release/bin}
work=$(mktemp -d "${TMPDIR:-/tmp}/unirust-bench.XXXXXX")
shard= router=
cleanup() {
  for pid in $router $shard; do kill -TERM "$pid" && wait "$pid"; done 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

# Starts a daemon and waits for its ready line: start NAME PROGRAM ARGS...; sets $pid and $address.
start() {
  local name=$1 line output
  shift
  mkfifo "$work/$name.ready"
  "$@" >"$work/$name.ready" 2>"$work/$name.log" &
  pid=$!
  exec {output}<"$work/$name.ready" # stays open: it is the daemon's standard output
  read -r line <&"$output" || { cat "$work/$name.log" >&2; exit 1; }
  address=${line##* }
}
start shard "$bin/unirust_shard" --listen 127.0.0.1:0 --data-dir "$work/data" --log-level warning
shard=$pid
start router "$bin/unirust_router" --listen 127.0.0.1:0 --shards "$address" --log-level warning
router=$pid
"$bin/unirust_load" --router "$address" --processes "shard=$shard,router=$router" --ceilings-dir "$work/ceilings" "$@"
echo "CPU seconds of the shard's threads:"
for task in "/proc/$shard/task/"*; do
  echo "  $(awk -v hz="$(getconf CLK_TCK)" '{print ($14 + $15) / hz}' "$task/stat") $(<"$task/comm")"
done | sort -k1nr | head -6
awk '/^VmHWM/ {printf "resident memory of the shard at most: %d MB\n", $2 / 1024}' "/proc/$shard/status"
"$bin/unirust" stats --router "$address"
du -sh "$work/data" | awk '{print "on disk: " $1}'
