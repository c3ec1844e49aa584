#!/usr/bin/env bash
# Measures exports of the whole graph end to end, in each format three times: client, router and shard on this machine,
# then the same on the directory alone (embedded).
#
#   bench/export.sh                     # 1 million records
#   bench/export.sh 10000000            # as many as one likes
#   bench/export.sh 1000000 /tmp/store  # keeps the store there, and takes it if it is there
set -euo pipefail
records=${1:-1000000} data=${2:-}
cd "$(dirname "$0")/.."
bin=${UNIRUST_BIN_DIR:-build/release/bin}
budget=${UNIRUST_MEMORY_BUDGET:-512MiB} # of the shard, and of the embedded store
work=$(mktemp -d "${TMPDIR:-/tmp}/unirust-bench.XXXXXX")
data=${data:-$work/data}
shard= router=
cleanup() {
  for pid in $router $shard; do kill -TERM "$pid" && wait "$pid"; done 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

if [ ! -d "$data" ]; then
  "$bin/unirust" bench generate --records "$records" --ontology "$work/ontology.json" --out "$work/records.jsonl"
  "$bin/unirust" ingest --data-dir "$data" --ontology "$work/ontology.json" "$work/records.jsonl"
  rm "$work/records.jsonl"
fi

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

# CPU microseconds of a running process so far.
cpu() { awk -v hz="$(getconf CLK_TCK)" '{sub(/.*\) /, ""); print ($12 + $13) * 1000000 / hz}' "/proc/$1/stat"; }

# Exports once and prints seconds, records/s, and CPU a record: measure FORMAT STORE-FLAGS...
measure() {
  local format=$1 shard_cpu=0 router_cpu=0 seconds user system megabytes
  shift
  if [ -n "$shard" ]; then shard_cpu=$(cpu "$shard") router_cpu=$(cpu "$router"); fi
  /usr/bin/time -f '%e %U %S %M' -o "$work/time" "$bin/unirust" export --format "$format" "$@" --out "$work/export"
  if [ -n "$shard" ]; then
    shard_cpu=$(($(cpu "$shard") - shard_cpu)) router_cpu=$(($(cpu "$router") - router_cpu))
  fi
  read -r seconds user system megabytes <"$work/time"
  awk -v f="$format" -v n="$records" -v s="$seconds" -v c="$user" -v k="$system" -v m="$megabytes" \
    -v sh="$shard_cpu" -v ro="$router_cpu" 'BEGIN {
      client = (c + k) * 1000000
      printf "%-10s %7.2f s %8d records/s; CPU a record: shard %5.2f, router %5.2f, unirust %5.2f, all %5.2f us", f, s,
        n / s, sh / n, ro / n, client / n, (sh + ro + client) / n
      printf "; unirust %d MB at most\n", m / 1024 }'
}

start shard "$bin/unirust_shard" --listen 127.0.0.1:0 --data-dir "$data" --memory-budget "$budget" --log-level warning
shard=$pid
start router "$bin/unirust_router" --listen 127.0.0.1:0 --shards "$address" --log-level warning
router=$pid
for format in jsonl canonical; do
  for _ in 1 2 3; do measure "$format" --router "$address"; done
done
for name in shard router; do
  awk -v name=$name '/^VmHWM/ {printf "%s: %d MB at most\n", name, $2 / 1024}' "/proc/${!name}/status"
done
for pid in $router $shard; do kill -TERM "$pid" && wait "$pid"; done
shard= router=
echo "embedded:"
for format in jsonl canonical; do
  for _ in 1 2 3; do measure "$format" --data-dir "$data" --memory-budget "$budget"; done
done
