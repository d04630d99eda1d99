#!/usr/bin/env bash
# What bare arti streams to one onion service carry, on a Tor network of this machine's own: over
# loopback, where processors are the limit, and with a round trip as on the real network, where windows are.
#
#   cargo build --release -p solo2 --example onion
#   bench/onion.sh
#
# MIB (16) in all, ROUND_TRIP (400) ms. Each row starts a network, which takes half a minute, and needs Debian's
# tor. For what a file of ours reaches beside that: SOLO2_ONION_FILE_MIB=16 cargo test --test e2e onion::two -- --nocapture
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mib=${MIB:-16} round_trip=${ROUND_TRIP:-400}
program=${ONION:-${CARGO_TARGET_DIR:-$PWD/target}/release/examples/onion}
[[ -x $program ]] || { echo "bench: no $program; build it first, as this script says on top" >&2; exit 1; }
command -v tor tor-gencert >/dev/null || { echo "skipped: needs tor and tor-gencert"; exit 0; }

printf '%s, %s cores, load %s\n' "$(uname -sr)" "$(nproc)" "$(cut -d' ' -f1 /proc/loadavg)"
printf '%-12s %8s %9s   %s\n' 'round trip' streams circuits carried
for delay in 0 $((round_trip / 4)); do
  for shape in '1 1' '4 1' '4 4'; do
    read -r streams circuits <<<"$shape"
    printf '%-12s %8s %9s   %s\n' "$((delay * 4)) ms" "$streams" "$circuits" \
      "$("$program" "$mib" "$delay" "$streams" "$circuits" | tail -n 1)"
  done
done
