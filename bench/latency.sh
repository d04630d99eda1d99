#!/usr/bin/env bash
# Latency, throughput and idle cost of the release binaries, as one table.
#
#   cargo build --release -p solo2 && cargo build --release -p solo2-signal
#   bench/latency.sh
#
# RUNS (100) processes per latency, IDLE (30) seconds of idling, MANY (1000)
# messages queued offline.

. "$(dirname "$0")/world.sh"

runs=${RUNS:-100}
idle=${IDLE:-30}
many=${MANY:-1000}

echo "$(uname -sr), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg); times in ms: p50 p95 max"

row "solo2 --help, whole process (target: p50 < 10)" "$(timed "$runs" "$solo2" --help | spread)"
row "solo2 send through the agent, whole process (target: p50 < 50)" \
    "$(timed "$runs" "$solo2" --home "$world/a" send bob -m x | spread)"
row "solo2 send --wait delivered, whole process" \
    "$(timed "$runs" "$solo2" --home "$world/a" send bob -m x --wait delivered | spread)"
b recv >/dev/null

# Message to receipt, both vaults synced: seen by one process that stays, so
# that no process start is in it. Each line goes when the one before was answered.
mkfifo "$world/lines" "$world/results"
a send bob --lines --wait delivered --json <"$world/lines" >"$world/results" &
sender=$!
exec 9>"$world/lines" 8<"$world/results"
for number in $(seq "$runs"); do
    t0=$(now)
    echo "$number" >&9
    while read -r line <&8; do
        case $line in *'"state":"delivered"'*) break ;; esac
    done
    between "$t0" "$(now)"
done >"$world/receipt"
exec 9>&-
wait "$sender"
exec 8<&-
row "message to receipt, one sender that stays (target: p50 < 25)" "$(spread <"$world/receipt")"
b recv >/dev/null

# Idle: nothing to send, link up, heartbeats only.
pid=$(agent_pid a)
ticks() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; }
sleep 2
before=$(ticks)
sleep "$idle"
after=$(ticks)
hz=$(getconf CLK_TCK)
row "idle agent, resident memory (target: < 30 MiB)" \
    "$(awk '/VmRSS/ { printf "%.1f MiB", $2 / 1024 }' "/proc/$pid/status"), peak $(awk '/VmHWM/ { printf "%.1f MiB", $2 / 1024 }' "/proc/$pid/status")"
row "idle agent, CPU over $idle s" \
    "$(awk "BEGIN { printf \"%.0f ms = %.2f %%\", ($after - $before) * 1000 / $hz, ($after - $before) * 100 / $hz / $idle }")"

# A queue for a peer who is away, then comes.
b agent stop >/dev/null
seq "$many" >"$world/many"
t0=$(now)
a send bob --lines -q <"$world/many"
t1=$(now)
row "$many messages queued offline" "$(awk "BEGIN { printf \"%.0f /s\", $many / ($t1 - $t0) }")"
b recv --follow --type message --max "$many" --json --password-file "$world/pw" --foreground >"$world/got" &
reader=$!
until [ -s "$world/got" ]; do sleep 0.005; done
t0=$(now)
first=$(wc -l <"$world/got")
wait "$reader"
t1=$(now)
jq -r .body.text "$world/got" | cmp - "$world/many"
row "… delivered, in order, from the first to the last (target: 500 /s)" \
    "$(awk "BEGIN { printf \"%.0f /s\", ($many - $first) / ($t1 - $t0) }")"
