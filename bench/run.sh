#!/usr/bin/env bash
# Measures ingest (and queries meanwhile) end to end: client, router and shard on this machine, durable answers; before
# that, what the machine can take at most.
#
#   bench/run.sh                                    # 2 million records
#   bench/run.sh --preload 1000000 --records 200000 --rate 10000 --query
# shellcheck source=bench/lib.sh
source "$(dirname "$0")/lib.sh"

start_daemons "$work/data" --log-level warning
"$bin/unirust_load" --router "$address" --processes "shard=$shard,router=$router" --ceilings-dir "$work/ceilings" "$@"
echo "CPU seconds of the shard's threads:"
for task in "/proc/$shard/task/"*; do
  echo "  $(awk -v hz="$(getconf CLK_TCK)" '{print ($14 + $15) / hz}' "$task/stat") $(<"$task/comm")"
done | sort -k1nr | head -6
echo "resident memory of the shard at most: $(resident "$shard" VmHWM) MiB"
"$bin/unirust" stats --router "$address"
du -sh "$work/data" | awk '{print "on disk: " $1}'
