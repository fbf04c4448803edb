#!/usr/bin/env bash
# Measures the storage core on this machine and writes results/core-DATE.md; go run ./benchmarks/compare measures the whole broker.
# It takes about 15 minutes and 10 GB of disk, and wants a machine that does nothing else.
set -eu -o pipefail
cd "$(dirname "$0")/.."
export GOFLAGS="${GOFLAGS:--buildvcs=false}"
out="results/core-$(date +%F).md"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

steal() { awk '/^cpu /{print $9}' /proc/stat; }
# part TITLE COMMAND…: a section with the command and what it printed, and the time that others took from this machine meanwhile.
part() {
  local title="$1" before began=$SECONDS
  shift
  before=$(steal)
  printf '\n## %s\n\n```\n$ %s\n' "$title" "${*/#bench/go test -run '^\$' -timeout 30m -bench}" >>"$out"
  "$@" >"$work/log" 2>&1 || echo "exit status $?" >>"$work/log"
  grep -v '^goos\|^goarch\|^pkg:\|^cpu:\|^PASS' "$work/log" >>"$out"
  printf '```\n\n%d s; steal %d ticks of 10 ms.\n' $((SECONDS - began)) $(($(steal) - before)) >>"$out"
}

{
  echo "# Storage core, $(date +%F)"
  echo
  echo "Made by \`benchmarks/core.sh\`. Ratios (\`x_bare\`, shares) compare both sides within one run; absolute figures are this machine's."
  echo
  echo "- commit $(git rev-parse --short=12 HEAD)$(git diff --quiet || echo ' with local changes')"
  echo "- $(go version)"
  echo "- $(nproc) × $(awk -F': ' '/model name/{print $2; exit}' /proc/cpuinfo), $(awk '/MemTotal/{printf "%.0f GiB", $2/1048576}' /proc/meminfo), Linux $(uname -r), $(stat -f -c %T .)"
} >"$out"

bench() { go test -run '^$' -timeout 30m -bench "$@"; }
part "commitlog: append, 1 GiB through 8 segments a case" bench 'Append$' -benchtime 1x ./commitlog -args -bench.segment 134217728 -bench.total 1073741824
part "commitlog: append, 8 GiB through 8 segments" bench 'Append$/body=1024/batch=16' -benchtime 1x ./commitlog -args -bench.segment 1073741824 -bench.total 8589934592
part "commitlog: append with synchronous flush" bench 'AppendSync' -benchtime 1x ./commitlog -args -bench.flushes 1000
part "commitlog: the same, near the roll of a segment and elsewhere" bench 'AppendSync/waiting=(1|8)$' -benchtime 1x ./commitlog -args -bench.segment 33554432 -bench.flushes 4000
part "commitlog: recovery" bench 'Recover' ./commitlog -args -bench.segment 134217728 -bench.total 1073741824
part "consumequeue" bench . ./consumequeue
part "index" bench . ./index
part "broker/store: dispatch, reads" bench 'Dispatch|Read' ./broker/store
part "broker/store: restart" bench 'Restart' -benchtime 3x ./broker/store -args -store-mib 4096
part "record and remoting" go test -run '^$' -bench 'Encode|Finish|Decode|Verify|Reply|Echo|PingPong' -benchtime 200ms ./commitlog/record ./broker/remoting

sed -i "s|$work/|/tmp/|g" "$out"
echo "$out"
