# shellcheck shell=bash
# What the scripts of this folder share: daemons, and figures of processes. To be sourced; the working directory becomes
# that of the project.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=${UNIRUST_BIN_DIR:-build/release/bin}
work=$(mktemp -d "${TMPDIR:-/tmp}/unirust-bench.XXXXXX")
shard='' router=''

# Ends the daemons that run; $shard and $router are empty then.
stop_daemons() {
  local pid
  for pid in $router $shard; do { kill -TERM "$pid" && wait "$pid"; } || true; done 2>/dev/null
  shard='' router=''
}
trap 'stop_daemons; rm -rf "$work"' EXIT

# Starts a daemon and waits for its ready line: start NAME PROGRAM ARGS...; sets $pid, $address, and $ready_ms from just
# before its exec to the line. Its log is $work/NAME.log.
start() {
  local name=$1 line output begin
  shift
  rm -f "$work/$name.ready"
  mkfifo "$work/$name.ready"
  begin=${EPOCHREALTIME/[.,]/}
  "$@" >"$work/$name.ready" 2>"$work/$name.log" &
  pid=$!
  exec {output}<"$work/$name.ready" # stays open: it is the daemon's standard output
  read -r line <&"$output" || { cat "$work/$name.log" >&2; exit 1; }
  ready_ms=$(((${EPOCHREALTIME/[.,]/} - begin) / 1000))
  address=${line##* }
}

# Starts a shard on a directory and a router before it: start_daemons DIR SHARD-FLAGS...; sets $shard, $router,
# $address, and $ready_ms of the shard.
start_daemons() {
  local data=$1 shard_ms
  shift
  start shard "$bin/unirust_shard" --listen 127.0.0.1:0 --data-dir "$data" "$@"
  shard=$pid shard_ms=$ready_ms
  start router "$bin/unirust_router" --listen 127.0.0.1:0 --shards "$address" --log-level warning
  router=$pid ready_ms=$shard_ms
}

# CPU microseconds of a running process so far: cpu PID.
cpu() { awk -v hz="$(getconf CLK_TCK)" '{sub(/.*\) /, ""); print ($12 + $13) * 1000000 / hz}' "/proc/$1/stat"; }

# Resident memory of a process, in MiB: resident PID VmRSS, now; resident PID VmHWM, at most so far.
resident() { awk -v key="$2:" '$1 == key {printf "%d\n", $2 / 1024}' "/proc/$1/status"; }
