#!/usr/bin/env bash
# What talking through onion services takes and costs, on a Tor network of this machine's own: from the launch of
# an agent to its first receipt, a text, a file, and an agent with many contacts that does nothing.
#
#   cargo build --release -p solo2 && cargo build --release -p solo2 --example onion
#   bench/onion-talk.sh
#
# TEXTS (20), MIB (16) of the file, IDLE (60) seconds, CONTACTS (5) that are added for the last two rows: each is
# paired through Tor, which takes some seconds, and is away from then on. It is called again after longer and longer
# pauses: the last row is taken SETTLE (300) seconds after the row before. SOLO2, ONION: other binaries than
# target/release's. Needs Debian's tor and jq.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
solo2=${SOLO2:-$target/release/solo2}
network=${ONION:-$target/release/examples/onion}
texts=${TEXTS:-20} mib=${MIB:-16} idle=${IDLE:-60} contacts=${CONTACTS:-5} settle=${SETTLE:-300}
for program in "$solo2" "$network"; do
  [[ -x $program ]] || { echo "bench: no $program; build it first, as this script says on top" >&2; exit 1; }
done
for program in tor tor-gencert jq; do
  command -v "$program" >/dev/null || { echo "skipped: needs $program"; exit 0; }
done

world=$(mktemp -d)
finish() {
  for home in a b; do "$solo2" --home "$world/$home" agent stop >/dev/null 2>&1 || true; done
  exec {keep}>&- || true
  wait || true
  rm -rf "$world"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# A network that ends with this script.
mkfifo "$world/hold"
"$network" network <"$world/hold" >"$world/network" &
exec {keep}>"$world/hold"
until [[ -s $world/network ]]; do sleep 0.2; done
read -r config <"$world/network"

printf 'correct horse battery staple' >"$world/pw"
at() { local home=$1; shift; "$solo2" --home "$world/$home" "$@"; }
new_home() {
  at "$1" init --no-account --name "$1" --password-file "$world/pw" --words-out "$world/$1.words" >/dev/null
  at "$1" config set tor.config "$config" >/dev/null
}
launch() { at "$1" agent start --password-file "$world/pw" >/dev/null; }
# Pairs a with another home: who it is to a, whether it needs the password.
pair() {
  local home=$1
  shift
  rm -f "$world/invite"
  at a pair invite --onion --as "$home" --json >"$world/invite" 2>"$world/invite.err" &
  local inviting=$!
  until grep -qs pair.invite "$world/invite"; do sleep 0.1; done
  at "$home" pair join "$(jq -r 'select(.type == "pair.invite").code' "$world/invite" | head -n 1)" --as a --timeout 240s "$@" >/dev/null
  wait "$inviting"
}
since() { awk "BEGIN { printf \"%.2f\", $EPOCHREALTIME - $1 }"; }
row() { printf '%-60s %s\n' "$1" "$2"; }
pid() { at a agent status --json | jq .pid; }
idling() {
  local process before
  process=$(pid) before=$(awk '{ print $14 + $15 }' "/proc/$process/stat")
  sleep "$idle"
  awk -v before="$before" -v hz="$(getconf CLK_TCK)" -v idle="$idle" \
    '{ printf "%.2f %% of a processor", ($14 + $15 - before) * 100 / hz / idle }' "/proc/$process/stat"
  awk '/VmRSS/ { printf ", %.1f MiB\n", $2 / 1024 }' "/proc/$process/status"
}

printf '%s, %s cores, load %s\n' "$(uname -sr)" "$(nproc)" "$(cut -d' ' -f1 /proc/loadavg)"
for home in a b; do
  new_home "$home"
  launch "$home"
done
t0=$EPOCHREALTIME
pair b
row 'pairing by twelve words, from the invite to both sides paired' "$(since "$t0") s"
at a send b -m first --wait delivered --timeout 240s >/dev/null

at a agent stop >/dev/null
t0=$EPOCHREALTIME
launch a
at a send b -m again --wait delivered --timeout 240s >/dev/null
row 'launch of an agent to the receipt of its first text' "$(since "$t0") s"

for _ in $(seq "$texts"); do
  t0=$EPOCHREALTIME
  at a send b -m text --wait delivered --timeout 60s >/dev/null
  since "$t0"
  echo
done | sort -n >"$world/times"
row "text to receipt, whole process, median of $texts and longest" \
  "$(awk '{ v[NR] = $1 } END { printf "%s s, %s s", v[int((NR + 1) / 2)], v[NR] }' "$world/times")"

head -c "${mib}M" /dev/urandom >"$world/file"
at b contact set a max-file=1GiB >/dev/null
t0=$EPOCHREALTIME
at a send b -f "$world/file" --wait delivered --timeout 900s >/dev/null
took=$(since "$t0")
row "a file of $mib MiB" "$took s, $(awk "BEGIN { printf \"%.2f\", $mib / $took }") MiB/s"

row "idle agent, one contact, $idle s" "$(idling)"
if ((contacts > 0)); then
  for number in $(seq "$contacts"); do
    new_home "c$number"
    pair "c$number" --password-file "$world/pw"
  done
  row "idle agent, $contacts contacts more, just paired and away" "$(idling)"
  sleep "$settle"
  row "idle agent, the same $settle s later" "$(idling)"
fi
