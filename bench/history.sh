#!/usr/bin/env bash
# A long history taken out and in again: export as an archive and as a readable copy, import
# into an empty vault, and the memory of an agent that holds it.
#
#   cargo build --release -p solo2
#   cargo build --release --manifest-path bench/search/Cargo.toml
#   bench/history.sh
#
# MESSAGES (100000) to make. SOLO2, FILL: other binaries than target/release's. Times are those of
# the agent's processor, user and system, besides the wall's.

set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
solo2=${SOLO2:-$target/release/solo2}
fill=${FILL:-${CARGO_TARGET_DIR:-$root/bench/search/target}/release/solo2-bench-search}
messages=${MESSAGES:-100000}
for program in "$solo2" "$fill"; do
    if ! [ -x "$program" ]; then
        echo "$program is missing; the top of $0 says how to build it" >&2
        exit 3
    fi
done

world=$(mktemp -d)
finish() {
    "$solo2" --home "$world/a" agent stop >/dev/null 2>&1 || true
    "$solo2" --home "$world/b" agent stop >/dev/null 2>&1 || true
    rm -rf "$world"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

printf 'correct horse battery staple' >"$world/pw"
for home in a b; do
    "$solo2" --home "$world/$home" init --no-account --name "$home" --password-file "$world/pw" \
        --words-out "$world/$home.words" >/dev/null
done
cp "$world/pw" "$world/a/password"
"$fill" fill "$world/a" "$messages"
rm "$world/a/password"

pid() { "$solo2" --home "$world/$1" agent status --json | sed 's/.*"pid":\([0-9]*\).*/\1/'; }
cpu() { awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) / hz }' "/proc/$(pid "$1")/stat"; }
memory() { awk '/VmRSS/ { now = $2 } /VmHWM/ { most = $2 } END { printf "%.1f MiB, at most %.1f MiB\n", now / 1024, most / 1024 }' "/proc/$(pid "$1")/status"; }
# whose agent works, what it is called, how much of what it does, then the command
row() {
    home=$1 what=$2 amount=$3
    shift 3
    before=$(cpu "$home") t0=$EPOCHREALTIME
    "$@" >/dev/null 2>&1
    t1=$EPOCHREALTIME
    awk "BEGIN { printf \"%-28s %8.2f s, agent %8.2f CPU s\", \"$what\", $t1 - $t0, $(cpu "$home") - $before }"
    if [ "$amount" = messages ]; then
        awk "BEGIN { printf \"   %8.0f messages/s\n\", $messages / ($t1 - $t0) }"
    else
        awk "BEGIN { printf \"   %8.1f MB/s\n\", $(stat -c %s "$amount") / 1e6 / ($t1 - $t0) }"
    fi
}

echo "$messages messages, $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg)"
for home in a b; do
    "$solo2" --home "$world/$home" agent start --password-file "$world/pw" >/dev/null
done
row a "export --format archive" "$world/archive" "$solo2" --home "$world/a" export --format archive \
    -o "$world/archive"
row a "export --format zip" "$world/zip" "$solo2" --home "$world/a" export --format zip \
    --password-file "$world/pw" --i-understand-plaintext -o "$world/zip"
echo "the exporting agent: $(memory a)"
row b "import" messages "$solo2" --home "$world/b" import "$world/archive" --words-file "$world/a.words"
echo "the importing agent: $(memory b)"
row a "search, the first" messages "$solo2" --home "$world/a" search tree
row a "history" messages "$solo2" --home "$world/a" history "contact 0" --limit 50
echo "the searching agent: $(memory a)"
