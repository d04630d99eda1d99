#!/usr/bin/env bash
# solo2-relay beside coturn, on loopback, by the same load: pairs of clients that send each other
# ChannelData of a Solo2 datagram's size, once in a call each and once many in a call (UDP_SEGMENT).
#
#   cargo build --release -p solo2-relay --bin solo2-relay --example load
#   bench/relay.sh
#
# PAIRS (4) pairs for SECONDS_EACH (5) seconds, BATCH (48) datagrams of SIZE (1228) bytes at a time, TIMES (3)
# runs of each; the table has the median: datagrams per second, and per second of the server's CPU time,
# lost ones, and the server's memory. The load runs on the same machine, so the first figure says as much
# about the load as about the server; the second does not. coturn is left out if it is not installed
# (Debian's package coturn); it gets --allow-loopback-peers. Both have one thread unless THREADS says more.
#
# As root, and with coturn's turnutils_peer, the rows `public` follow: clients talk to an echo on another machine
# (a network namespace at the end of a wire), through --peers public. Each datagram that comes back went through
# the server twice and is counted once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

pairs=${PAIRS:-4} seconds=${SECONDS_EACH:-5} batch=${BATCH:-48} size=${SIZE:-1228} times=${TIMES:-3}
target=${CARGO_TARGET_DIR:-$PWD/target}/release
relay=$target/solo2-relay load=$target/examples/load
for program in "$relay" "$load"; do
  [[ -x $program ]] || { echo "bench: no $program; build it first, as this script says on top" >&2; exit 1; }
done

world=$(mktemp -d)
pids=()
trap 'for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; rm -rf "$world"' EXIT
hz=$(getconf CLK_TCK)
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
resident() { awk '/^VmRSS:/ { printf "%.1f", $2 / 1024 }' "/proc/$1/status"; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# name pid server:port username password how [echo]
measure() {
  : >"$world/rate"; : >"$world/cpu"; : >"$world/loss"
  for ((run = 0; run < times; run++)); do
    before=$(ticks "$2")
    read -r sent _ arrived _ took _ < <("$load" "$3" "$4" "$5" "$pairs" "$seconds" "$size" "$batch" "$6" "${@:7}")
    after=$(ticks "$2")
    awk -v n="$arrived" -v t="$took" 'BEGIN { printf "%d\n", n / t }' >>"$world/rate"
    awk -v n="$arrived" -v c="$((after - before))" -v hz="$hz" 'BEGIN { printf "%d\n", n * hz / (c > 0 ? c : 1) }' >>"$world/cpu"
    awk -v n="$arrived" -v s="$sent" 'BEGIN { printf "%.3f\n", 100 * (s - n) / s }' >>"$world/loss"
  done
  printf '%-12s %-7s %12s %16s %8s %8s\n' "$1" "$6" "$(median <"$world/rate")" "$(median <"$world/cpu")" \
    "$(median <"$world/loss")%" "$(resident "$2")"
}

# Starts ours at an address, with these flags.
start_ours() {
  "$relay" serve --listen-udp "$1" --secret-file "$world/s" --threads "${THREADS:-1}" --max-allocs-per-cred 10000 "${@:2}" >"$world/log" 2>&1 &
  ours=$!
  pids+=("$ours")
  until grep -q 'on udp' "$world/log"; do sleep 0.05; done
  json=$("$relay" invite --secret-file "$world/s" --public "turn:$1" --turn-credential --json)
  username=$(sed 's/.*"username":"\([^"]*\)".*/\1/' <<<"$json")
  password=$(sed 's/.*"password":"\([^"]*\)".*/\1/' <<<"$json")
}

# Starts coturn at an IP and a port.
start_coturn() {
  turnserver -n --listening-ip "$1" --relay-ip "$1" -p "$2" --no-tls --no-dtls --no-cli -a -u bench:bench \
    -r bench --allow-loopback-peers --log-file=/dev/null --no-stdout-log -m "${THREADS:-1}" \
    --pidfile "$world/turn.pid" --userdb "$world/turn.db" >/dev/null 2>&1 &
  theirs=$!
  pids+=("$theirs")
  sleep 1
}

if [[ ${1:-} == public ]]; then
  ip link set lo up
  unshare -n sh -c 'until ip link set vb up 2>/dev/null; do sleep 0.1; done
    ip addr add 9.8.7.2/24 dev vb; exec turnutils_peer -L 9.8.7.2 -p 3480' >/dev/null 2>&1 &
  there=$!
  pids+=("$there")
  ip link add va type veth peer name vb
  sleep 0.5
  ip link set vb netns "$there"
  ip addr add 9.8.7.1/24 dev va
  ip link set va up
  sleep 1
  start_ours 9.8.7.1:7478 --peers public
  for how in single gso; do
    measure ours/public "$ours" 9.8.7.1:7478 "$username" "$password" "$how" 9.8.7.2:3480
  done
  if command -v turnserver >/dev/null; then
    start_coturn 9.8.7.1 7578
    for how in single gso; do
      measure coturn/publ. "$theirs" 9.8.7.1:7578 bench bench "$how" 9.8.7.2:3480
    done
  fi
  exit
fi

start_ours 127.0.0.1:7478
printf '%s, %s cores, load %s; %s pairs, %s datagrams of %s bytes at a time, %s s, median of %s\n' "$(uname -sr)" "$(nproc)" \
  "$(cut -d' ' -f1 /proc/loadavg)" "$pairs" "$batch" "$size" "$seconds" "$times"
printf '%-12s %-7s %12s %16s %8s %8s\n' server send datagrams/s datagrams/CPU-s lost MiB
for how in single gso; do
  measure solo2-relay "$ours" 127.0.0.1:7478 "$username" "$password" "$how"
done
if command -v turnserver >/dev/null; then
  start_coturn 127.0.0.1 7578
  for how in single gso; do
    measure coturn "$theirs" 127.0.0.1:7578 bench bench "$how"
  done
else
  echo "coturn is not installed"
fi
if ((EUID == 0)) && command -v turnutils_peer ip unshare >/dev/null; then
  unshare -n bench/relay.sh public
else
  echo "the rows public need root, turnutils_peer, ip and unshare"
fi
