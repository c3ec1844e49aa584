#!/usr/bin/env bash
# Measures what a store costs as it grows (docs/scale.md): ingest, memory, disk, reads beside an ingest, first pages,
# exports and openings. Client, router and shard on this machine. One row a figure, with the load average at that time.
#
#   bench/scale.sh                                          # 1 million records
#   bench/scale.sh --records 10000000 --data-dir /tmp/store # keeps the store there; the directory must not exist
#   bench/scale.sh --records 20000 --memory-budget 64MiB
#
# Exports are written below TMPDIR, where the store is too unless told otherwise: 2.5 kB a record in all.
# shellcheck source=bench/lib.sh
source "$(dirname "$0")/lib.sh"
records=1000000 data=$work/data budget=1GiB seconds=30
while [ $# -gt 0 ]; do
  value=${2:?"$1 needs a value"}
  case $1 in
    --records) records=$value ;;
    --data-dir) data=$value ;;
    --memory-budget) budget=$value ;;
    --seconds) seconds=$value ;; # of random queries
    *) echo "scale.sh: unknown flag $1; there are --records, --data-dir, --memory-budget and --seconds" >&2; exit 2 ;;
  esac
  shift 2
done
[ ! -e "$data" ] || { echo "scale.sh: $data exists; give a new directory" >&2; exit 2; }
beside=$((records < 200000 ? records : 200000)) # records that are ingested while others are read
workload=(--of $((records + beside + 200000))) # those, and as many again before a kill
shard_flags=(--memory-budget "$budget" --metrics-listen 127.0.0.1:0)

# One figure: row NAME VALUE.
row() {
  local load
  read -r load _ </proc/loadavg
  printf '%-52s %-58s load %s\n' "$1" "$2" "$load"
}

# a / b with some decimals: ratio A B DECIMALS.
ratio() { awk -v a="$1" -v b="$2" -v d="$3" 'BEGIN {printf "%.*f\n", d, b == 0 ? 0 : a / b}'; }

now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }

# Runs a measurement of the store; its answer is $work/load.json: load COMMAND FLAGS...
load() { "$bin/unirust" bench "$@" --router "$address" --processes "shard=$shard" --quiet --json >"$work/load.json"; }

# A figure of it, or of its slice number N: answer NAME [N].
answer() {
  python3 -c 'import json, sys
lines = [json.loads(line)["figures"] for line in open(sys.argv[1])]
print(lines[int(sys.argv[3]) if len(sys.argv) > 3 else -1][sys.argv[2]])' "$work/load.json" "$@"
}

# The shard's metrics into a file: scrape FILE.
scrape() {
  local where connection
  where=$(sed -n 's/.* metrics address=//p' "$work/shard.log")
  exec {connection}<>"/dev/tcp/${where%:*}/${where##*:}"
  printf 'GET /metrics HTTP/1.0\r\n\r\n' >&"$connection"
  cat <&"$connection" >"$1"
  exec {connection}>&-
}

# The sum of a metric's samples that have a text among their labels: metric FILE NAME [TEXT].
metric() {
  awk -v name="$2" -v text="${3:-}" '
    {split($1, part, "{")}
    part[1] == name && index($0, text) {sum += $NF}
    END {printf "%.0f\n", sum}' "$1"
}

# Within how long half and 99 of 100 calls of a method between two scrapes were done in the shard, and their number: the
# bound of the histogram's bucket, and in it as if its calls lay evenly: in_shard BEFORE AFTER METHOD.
in_shard() {
  awk -v method="method=\"$3\"" '
    index($1, "unirust_request_duration_seconds_bucket{") != 1 || !index($0, method) {next}
    {le = $0; sub(/.*le="/, "", le); sub(/".*/, "", le)}
    NR == FNR {before[le] = $NF; next}
    {bound[++n] = le; count[n] = $NF - before[le]}
    function quantile(part,  i, wanted, within) {
      wanted = part * count[n]
      for (i = 1; i < n && count[i] < wanted; ++i) {}
      within = count[i] > count[i - 1] ? (wanted - count[i - 1]) / (count[i] - count[i - 1]) : 1
      return sprintf("about %.2f ms, at most %.2f ms", 1000 * (bound[i - 1] + (bound[i] - bound[i - 1]) * within),
        1000 * bound[i])
    }
    END {printf "p50 %s; p99 %s; %d calls\n", quantile(0.5), quantile(0.99), count[n]}' "$1" "$2"
}

# A metric of bytes, in MiB: mebibytes FILE NAME.
mebibytes() { ratio "$(metric "$1" "$2")" 1048576 0; }

# Resident memory of the shard, and what of it is known; begins a new peak: memory WHEN.
memory() {
  local cache buffers
  scrape "$work/memory"
  cache=$(mebibytes "$work/memory" unirust_block_cache_usage_bytes)
  buffers=$(mebibytes "$work/memory" unirust_write_buffers_usage_bytes)
  row "resident memory, $1" "$(resident "$shard" VmRSS) MiB, at most $(resident "$shard" VmHWM) MiB"
  row "  of these" "block cache $cache MiB, $buffers MiB of it write buffers; files $(resident "$shard" RssFile) MiB"
  echo 5 >"/proc/$shard/clear_refs"
}

# Disk a record: disk WHEN.
disk() {
  local bytes
  scrape "$work/disk"
  bytes=$(metric "$work/disk" unirust_rocksdb_sst_bytes)
  row "disk a record, $1" "$(ratio "$bytes" "$records" 1) bytes of tables, $(
    ratio "$(metric "$work/disk" unirust_rocksdb_wal_bytes)" "$records" 1) of logs, $(
    ratio "$(du -s --block-size=1 "$data" | cut -f1)" "$records" 1) in all"
}

# Waits until RocksDB has nothing left to flush or compact; ten minutes at most.
settle() {
  local second quiet=0
  for ((second = 0; second < 600 && quiet < 3; ++second)); do
    sleep 1
    scrape "$work/settle"
    if [ "$(awk '/^unirust_rocksdb_(pending_compaction_bytes|running_compactions|running_flushes) / {sum += $NF}
                 END {printf "%.0f", sum}' "$work/settle")" = 0 ]; then
      quiet=$((quiet + 1))
    else
      quiet=0
    fi
  done
}

# An opening with a cold page cache, as far as this user may empty it: open_cold DIR.
open_cold() {
  cache=cold
  sync
  echo 3 2>/dev/null >/proc/sys/vm/drop_caches || cache=warm
  start_daemons "$1" "${shard_flags[@]}"
}

# Three openings after orderly ends: opening NAME DIR.
opening() {
  local times=() cache _
  for _ in 1 2 3; do
    open_cold "$2"
    times+=("$ready_ms")
    stop_daemons
  done
  row "from exec to ready, $1, page cache $cache" "${times[*]} ms"
}

# An opening after a kill beside an ingest, of as many records as fill the logs: opening_after_a_kill DIR KNOWN.
opening_after_a_kill() {
  local cache logs
  load stream --no-ceilings "${workload[@]}" --known "$2" --records 200000
  logs=$(du -c --block-size=1MiB "$1"/*.log | tail -1 | cut -f1)
  kill -KILL "$shard"
  stop_daemons
  open_cold "$1"
  row "from exec to ready, after a kill, page cache $cache" "$ready_ms ms, $logs MiB of logs replayed"
}

ingest() {
  local part first last slice=$((records < 1000000 ? records : 1000000))
  start_daemons "$data" "${shard_flags[@]}"
  load stream --no-ceilings "${workload[@]}" --records "$records" --slice "$slice"
  first=$(answer records_per_second 0)
  for ((part = 0; (part + 1) * slice <= records; ++part)); do
    last=$(answer records_per_second $part)
    row "ingest, from record $((part * slice))" "$last records/s, shard $(
      answer shard_cpu_micros_per_record $part) us CPU a record"
  done
  row "ingest, last to first" "$(ratio "$last" "$first" 2) of its rate, $(
    ratio "$(answer shard_cpu_micros_per_record $((part - 1)))" "$(answer shard_cpu_micros_per_record 0)" 2) of its CPU"
  memory "after ingest"
}

cost_on_disk() {
  disk "after ingest"
  settle
  disk "nothing left to compact"
  awk -v n="$records" '/^unirust_rocksdb_sst_bytes/ {
      family = $0; sub(/.*family="/, "", family); sub(/".*/, "", family); bytes[family] += $NF}
    END {for (family in bytes) printf "%s %.1f\n", family, bytes[family] / n}' "$work/disk" | sort -k2nr |
    while read -r family bytes; do row "  $family" "$bytes bytes"; done
}

reads() {
  local method page
  scrape "$work/before"
  load query "${workload[@]}" --known "$records" --records "$beside" --rate 10000 --query-rate 500 --entity-rate 500
  scrape "$work/after"
  row "beside it, ingest" "$(answer records_per_second) records/s of 10000"
  for method in QueryEntities GetEntity; do
    row "$method beside it, in the shard" "$(in_shard "$work/before" "$work/after" $method)"
  done
  for method in query entity; do
    row "  the client's view, $method" "p50 $(answer ${method}_p50_micros) us, p99 $(answer ${method}_p99_micros) us"
  done
  memory "during this ingest"
  load query "${workload[@]}" --known $((records + beside)) --records 0 --query-rate 500 --entity-rate 500 --seconds "$seconds"
  row "1000 random queries a second, the client's view" "p50 $(answer query_p50_micros) us, p99 $(
    answer query_p99_micros) us; entities $(answer entity_p50_micros) us, $(answer entity_p99_micros) us"
  memory "during 1000 random queries a second"
  load pages --known $((records + beside)) --times 100
  for page in {find,scan}_admins_{before,early,late} conflicts; do
    row "first page, $page" "$(answer "${page}_min_micros") us at least, p50 $(answer "${page}_p50_micros") us, $(
      answer "${page}_items") items"
  done
}

exports() {
  local format begin before took
  for format in jsonl canonical; do
    before=$(cpu "$shard") begin=$(now_ms)
    "$bin/unirust" export --router "$address" --format $format --out "$work/export"
    took=$(($(now_ms) - begin))
    row "export, $format" "$(ratio $(((records + beside) * 1000)) $took 0) records/s, shard $(
      ratio $(($(cpu "$shard") - before)) $((records + beside)) 1) us CPU a record"
    memory "during this export"
    rm "$work/export"
  done
}

row "records, memory budget" "$records, $budget"
ingest
cost_on_disk
reads
exports
row "conflicts" "$("$bin/unirust" stats --router "$address" | awk '/^conflicts/ {print $2}')"
opening_after_a_kill "$data" $((records + beside))
stop_daemons
opening "$records records" "$data"
start_daemons "$work/ten" "${shard_flags[@]}"
load stream --no-ceilings "${workload[@]}" --records 10
stop_daemons
opening "10 records" "$work/ten"
