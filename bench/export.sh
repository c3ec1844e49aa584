#!/usr/bin/env bash
# Measures exports of the whole graph end to end, in each format three times: client, router and shard on this machine,
# then the same on the directory alone (embedded).
#
#   bench/export.sh                     # 1 million records
#   bench/export.sh 10000000            # as many as one likes
#   bench/export.sh 1000000 /tmp/store  # keeps the store there, and takes it if it is there
# shellcheck source=bench/lib.sh
source "$(dirname "$0")/lib.sh"
records=${1:-1000000} data=${2:-}
budget=${UNIRUST_MEMORY_BUDGET:-512MiB} # of the shard, and of the embedded store
data=${data:-$work/data}

if [ ! -d "$data" ]; then
  "$bin/unirust" bench generate --records "$records" --ontology "$work/ontology.json" --out "$work/records.jsonl"
  "$bin/unirust" ingest --data-dir "$data" --ontology "$work/ontology.json" "$work/records.jsonl"
  rm "$work/records.jsonl"
fi

# Exports once and prints seconds, records/s, and CPU a record: measure FORMAT STORE-FLAGS...
measure() {
  local format=$1 shard_cpu=0 router_cpu=0 seconds user system kibibytes
  shift
  if [ -n "$shard" ]; then shard_cpu=$(cpu "$shard") router_cpu=$(cpu "$router"); fi
  /usr/bin/time -f '%e %U %S %M' -o "$work/time" "$bin/unirust" export --format "$format" "$@" --out "$work/export"
  if [ -n "$shard" ]; then
    shard_cpu=$(($(cpu "$shard") - shard_cpu)) router_cpu=$(($(cpu "$router") - router_cpu))
  fi
  read -r seconds user system kibibytes <"$work/time"
  awk -v f="$format" -v n="$records" -v s="$seconds" -v c="$user" -v k="$system" -v m="$kibibytes" \
    -v sh="$shard_cpu" -v ro="$router_cpu" 'BEGIN {
      client = (c + k) * 1000000
      printf "%-10s %7.2f s %8d records/s; CPU a record: shard %5.2f, router %5.2f, unirust %5.2f, all %5.2f us", f, s,
        n / s, sh / n, ro / n, client / n, (sh + ro + client) / n
      printf "; unirust %d MiB at most\n", m / 1024 }'
}

start_daemons "$data" --memory-budget "$budget" --log-level warning
for format in jsonl canonical; do
  for _ in 1 2 3; do measure "$format" --router "$address"; done
done
echo "shard: $(resident "$shard" VmHWM) MiB at most"
echo "router: $(resident "$router" VmHWM) MiB at most"
stop_daemons
echo "embedded:"
for format in jsonl canonical; do
  for _ in 1 2 3; do measure "$format" --data-dir "$data" --memory-budget "$budget"; done
done
