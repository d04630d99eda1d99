# Sourced by the benchmarks (bash): release binaries, two paired homes with agents,
# an introduction server; everything ends when the script does.
#
# SOLO2, SOLO2_SIGNAL: other binaries than target/release's.

set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
solo2=${SOLO2:-$target/release/solo2}
signal=${SOLO2_SIGNAL:-$target/release/solo2-signal}
for program in "$solo2" "$signal"; do
    if ! [ -x "$program" ]; then
        echo "$program is missing; build it: cargo build --release -p solo2 && cargo build --release -p solo2-signal" >&2
        exit 3
    fi
done
for program in jq awk; do
    if ! command -v "$program" >/dev/null; then
        echo "skipped: needs $program"
        exit 0
    fi
done

world=$(mktemp -d)
signal_pid=
finish() {
    "$solo2" --home "$world/a" agent stop >/dev/null 2>&1 || true
    "$solo2" --home "$world/b" agent stop >/dev/null 2>&1 || true
    if [ -n "$signal_pid" ]; then kill "$signal_pid" 2>/dev/null || true; fi
    rm -rf "$world"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

"$signal" serve --listen 127.0.0.1:0 --db memory --json >"$world/ready" &
signal_pid=$!
until [ -s "$world/ready" ]; do sleep 0.05; done
url=ws://$(jq -r .listen "$world/ready")
printf 'correct horse battery staple' >"$world/pw"

a() { "$solo2" --home "$world/a" "$@"; }
b() { "$solo2" --home "$world/b" "$@"; }
agent_pid() { "$solo2" --home "$world/$1" agent status --json | jq .pid; }

for home in a b; do
    "$solo2" --home "$world/$home" init --no-account --name "$home" --password-file "$world/pw" \
        --words-out "$world/$home.words" --signal "$url" --json >/dev/null
    "$solo2" --home "$world/$home" agent start --password-file "$world/pw" >/dev/null
done
code=$(a pair invite --as bob --no-wait --json | jq -r .code)
b pair join "$code" --as alice --json >/dev/null
a send bob -m hello --wait delivered --timeout 30s >/dev/null
b recv >/dev/null

# Seconds with a fraction, without starting a program; milliseconds between two.
now() { printf '%s' "$EPOCHREALTIME"; }
between() { awk "BEGIN { printf \"%.3f\\n\", ($2 - $1) * 1000 }"; }

# p50 p95 max of the numbers on stdin.
spread() {
    sort -n | awk '{ v[NR] = $1 } END {
        if (NR == 0) { print "- - -"; exit }
        p50 = int((NR + 1) / 2); p95 = int(NR * 0.95 + 0.5)
        printf "%.1f %.1f %.1f\n", v[p50], v[p95], v[NR]
    }'
}

# how many runs, then a command: its wall times in ms, one a line
timed() {
    runs=$1
    shift
    if command -v hyperfine >/dev/null; then
        hyperfine -N --warmup 3 --runs "$runs" --export-json "$world/times" "$*" >/dev/null 2>&1
        jq '.results[0].times[] * 1000' "$world/times"
    else
        for _ in $(seq "$runs"); do
            t0=$(now)
            "$@" >/dev/null
            t1=$(now)
            between "$t0" "$t1"
        done
    fi
}

row() { printf '%-58s %s\n' "$1" "$2"; }
