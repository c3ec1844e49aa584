#!/usr/bin/env bash
# Measures what it costs that a store may have several parts, while it has one: the same records into a store in one
# directory and into one whose only part is home, in turn, several times. Compare CPU a record: rates differ by more
# from run to run.
#
#   bench/parts.sh                # 300,000 records, three times
#   bench/parts.sh 1000000 5      # as many as one likes
# shellcheck source=bench/lib.sh
source "$(dirname "$0")/lib.sh"
records=${1:-300000} times=${2:-3}
budget=${UNIRUST_MEMORY_BUDGET:-512MiB}

# One run: measure NAME SHARD-FLAGS...; appends "NAME shard-microseconds records-per-second" to $work/figures.
measure() {
  local name=$1 line
  shift
  rm -rf "$work/data"
  start_daemons "$work/data" --memory-budget "$budget" --log-level warning "$@"
  line=$("$bin/unirust" bench stream --records "$records" --router "$address" --processes "shard=$shard" \
    --no-ceilings --quiet --json | tail -1)
  stop_daemons
  python3 -c '
import json, sys
figures = json.loads(sys.argv[2])["figures"]
print(sys.argv[1], figures["shard_cpu_micros_per_record"], figures["records_per_second"])' "$name" "$line" |
    tee -a "$work/figures"
}

: >"$work/parts" # no other part
for _ in $(seq "$times"); do
  measure one-directory
  measure home-alone --parts-file "$work/parts"
done
awk '{
  if (!($1 in least) || $2 < least[$1]) least[$1] = $2
  if ($3 > most[$1]) most[$1] = $3
} END {
  printf "least CPU a record: one directory %.2f us, home alone %.2f us: %.3f\n", least["one-directory"],
    least["home-alone"], least["home-alone"] / least["one-directory"]
  printf "highest rate: one directory %d, home alone %d records/s: %.3f\n", most["one-directory"], most["home-alone"],
    most["home-alone"] / most["one-directory"]
}' "$work/figures"
