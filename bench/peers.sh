#!/usr/bin/env bash
# Files and texts through solo2 and through what one would use instead, side by side on loopback.
#
#   cargo build --release -p solo2 && cargo build --release -p solo2-signal
#   bench/peers.sh
#
# MIB (1024) megabytes in one file, FILES (10000) files of 4 KiB in a directory, TIMES (3) runs of each;
# the table has the median: wall time, CPU seconds of both ends, time until the receiver's file has its
# first byte, peak memory of both ends' programs (of solo2's agents: above idle). Files lie in $TMPDIR:
# put it on a file system in memory to measure no disk.
#
# Programs that are not installed are left out by name. They come from Debian (openssh-server, rsync,
# wormhole-william, time), from PyPI (magic-wormhole with magic-wormhole-mailbox-server and
# magic-wormhole-transit-relay) and from crates.io (magic-wormhole-cli, sendme).
#
# solo2's agents are up and linked, as they are for who uses it; the others meet anew each time, through a
# mailbox server or a ticket on this machine, and sendme's import of the file is not counted.

. "$(dirname "$0")/world.sh"

mib=${MIB:-1024}
files=${FILES:-10000}
times=${TIMES:-3}

head -c "${mib}M" </dev/urandom >"$world/big"
mkdir "$world/many"
head -c $((files * 4096)) </dev/urandom | split -a 5 -b 4096 - "$world/many/"
mkdir "$world/in"
printf '%s, %s cores, load %s; %s MiB, %s files of 4 KiB, median of %s\n' "$(uname -sr)" "$(nproc)" \
    "$(cut -d' ' -f1 /proc/loadavg)" "$mib" "$files" "$times"

# CPU milliseconds so far of the processes that are named, and of what this shell has waited for.
hz=$(getconf CLK_TCK)
cpu_of() {
    for pid in "$@"; do awk -v hz="$hz" '{ print ($14 + $15 + $16 + $17) * 1000 / hz }' "/proc/$pid/stat" 2>/dev/null || true; done |
        awk '{ sum += $1 } END { print sum + 0 }'
}
children() { awk -v hz="$hz" '{ print ($16 + $17) * 1000 / hz }' "/proc/$$/stat"; }

# Seconds from $1 until anything below in/ has a byte.
first_byte() {
    while :; do
        for file in "$world/in"/* "$world/in"/.[!.]* "$world/in"/*/*; do
            if [ -s "$file" ] && [ -f "$file" ]; then
                between "$1" "$(now)"
                return
            fi
        done
        sleep 0.002
    done
}

median() { cut -d' ' -f"$1" "$world/runs" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# A command whose peak memory is wanted, in KiB, in the file $1; an end of a transfer may take a minute.
peak() {
    if [ -x /usr/bin/time ]; then
        /usr/bin/time -o "$1" -f %M timeout 60 "${@:2}"
    else
        timeout 60 "${@:2}"
    fi
}

# name, the long-lived processes of both ends, source, then the command: medians.
measure() {
    name=$1 pids=$2 source=$3
    shift 3
    rm -f "$world"/rss.*
    for _ in $(seq "$times"); do
        rm -rf "$world/in"/* && sync
        # shellcheck disable=SC2086 # several ids
        before=$(cpu_of $pids) own=$(children) t0=$(now)
        first_byte "$t0" >"$world/first" &
        watcher=$!
        if ! "$@" >"$world/out" 2>&1; then
            kill "$watcher"
            echo "$name failed:" >&2
            cat "$world/out" >&2
            return 0
        fi
        t1=$(now)
        wait "$watcher"
        # shellcheck disable=SC2086
        echo "$(between "$t0" "$t1") $(awk "BEGIN { print $(cpu_of $pids) - $before + $(children) - $own }") $(cat "$world/first")"
    done >"$world/runs"
    diff -rq "$world/$source" "$world/in/$source" || return 1
    memory=
    if [ -s "$world/rss.to" ]; then
        memory=$(printf ', %d and %d MiB' $(($(tail -1 "$world/rss.from") / 1024)) $(($(tail -1 "$world/rss.to") / 1024)))
    fi
    row "$name" "$(awk -v ms="$(median 1)" -v cpu="$(median 2)" -v first="$(median 3)" -v bytes="$(du -sb "$world/$source" | cut -f1)" \
        'BEGIN { printf "%7.2f s %6.0f MB/s %6.2f CPU s, first byte after %4.0f ms", ms / 1000, bytes / 1e3 / ms, cpu / 1000, first }')$memory"
}

# name, then the command: the median wall time of a short text.
measure_text() {
    name=$1
    shift
    for _ in $(seq $((times * 3))); do
        t0=$(now)
        if ! "$@" >"$world/out" 2>&1; then
            echo "$name failed:" >&2
            cat "$world/out" >&2
            return 0
        fi
        between "$t0" "$(now)"
    done >"$world/runs"
    row "$name" "$(awk -v ms="$(median 1)" 'BEGIN { printf "%7.3f s", ms / 1000 }')"
}

resident() { awk -v what="$2" '$1 == what ":" { printf "%d", $2 / 1024 }' "/proc/$1/status"; }

pid_a=$(agent_pid a) pid_b=$(agent_pid b)
# Opening the vault took 64 MiB for the password; the peak is counted from now.
for pid in "$pid_a" "$pid_b"; do echo 5 >"/proc/$pid/clear_refs" 2>/dev/null || true; done
idle_a=$(resident "$pid_a" VmRSS) idle_b=$(resident "$pid_b" VmRSS)
b recv --follow --files-to "$world/in" --json >"$world/received" &
reader=$!
sleep 0.5
both() { # the sender is done when the other side has verified and named all of it
    "$solo2" --home "$world/a" send bob -f "$world/$1" --wait delivered -q
}
measure "solo2, one file" "$pid_a $pid_b $reader" big both big
row "solo2, peak memory above idle: sender, receiver (target: < 20 MiB)" \
    "$(($(resident "$pid_a" VmHWM) - idle_a)) MiB, $(($(resident "$pid_b" VmHWM) - idle_b)) MiB (idle: $idle_a, $idle_b)"
measure "solo2, a directory" "$pid_a $pid_b $reader" many both many
measure_text "solo2, a text, verified receipt" a send bob -m hello --wait delivered -q
kill "$reader"
wait "$reader" 2>/dev/null || true

sshd=$(command -v sshd || echo /usr/sbin/sshd)
if [ -x "$sshd" ] && command -v scp >/dev/null; then
    port=$((20000 + RANDOM % 20000))
    ssh-keygen -q -t ed25519 -N '' -f "$world/host"
    ssh-keygen -q -t ed25519 -N '' -f "$world/user"
    mkdir -p /run/sshd 2>/dev/null || true
    "$sshd" -f /dev/null -D -p "$port" -h "$world/host" -o ListenAddress=127.0.0.1 -o UsePAM=no -o StrictModes=no \
        -o "AuthorizedKeysFile=$world/user.pub" -o PidFile=none -o "Subsystem=sftp internal-sftp" 2>"$world/sshd.log" &
    sshd_pid=$!
    until ssh-keyscan -p "$port" 127.0.0.1 >"$world/known" 2>/dev/null && [ -s "$world/known" ]; do sleep 0.1; done
    ssh_options=(-o "UserKnownHostsFile=$world/known" -i "$world/user" -c aes128-gcm@openssh.com)
    over_scp() { scp -q -r -P "$port" "${ssh_options[@]}" "$world/$1" "127.0.0.1:$world/in/"; }
    measure "scp (aes128-gcm), one file" "$sshd_pid" big over_scp big
    measure "scp (aes128-gcm), a directory" "$sshd_pid" many over_scp many
    if command -v rsync >/dev/null; then
        over_rsync() { rsync -a --whole-file -e "ssh -p $port ${ssh_options[*]}" "$world/$1" "127.0.0.1:$world/in/"; }
        measure "rsync over the same ssh, one file" "$sshd_pid" big over_rsync big
        measure "rsync over the same ssh, a directory" "$sshd_pid" many over_rsync many
    else
        echo "left out: rsync"
    fi
    kill "$sshd_pid"
else
    echo "left out: scp and rsync, which need openssh-server"
fi

# Both ends of a program that needs a mailbox server: a code that is said to both.
mailbox=$((20000 + RANDOM % 20000))
codes=100
code() {
    codes=$((codes + 1))
    echo "$codes-bench-mark"
}
# the sending command, then --, then the receiving one; each writes its peak memory.
ends() {
    local from=()
    while [ "$1" != -- ]; do
        from+=("$1")
        shift
    done
    shift
    (cd "$world" && peak "$world/rss.from" "${from[@]}" </dev/null) >"$world/from.log" 2>&1 &
    local sending=$!
    # It must have said its code to the server first; meeting takes longer.
    sleep 0.05
    if ! (cd "$world/in" && echo y | peak "$world/rss.to" "$@") || ! wait "$sending"; then
        cat "$world/from.log"
        return 1
    fi
}

plugins=$(twist --help 2>/dev/null || true)
if [[ $plugins = *wormhole-mailbox* ]]; then
    (cd "$world" && exec twist --log-file=mailbox.log wormhole-mailbox --port "tcp:$mailbox:interface=127.0.0.1") &
    mailbox_pid=$!
    url="ws://127.0.0.1:$mailbox/v1"
    sleep 3
    if command -v wormhole >/dev/null; then
        python_both() {
            code=$(code)
            ends wormhole --relay-url "$url" --transit-helper "" send --hide-progress --no-qr --code "$code" "$1" -- \
                wormhole --relay-url "$url" --transit-helper "" receive --hide-progress --accept-file "$code"
        }
        python_text() {
            code=$(code)
            ends wormhole --relay-url "$url" --transit-helper "" send --no-qr --code "$code" --text hello -- \
                wormhole --relay-url "$url" --transit-helper "" receive "$code"
        }
        measure "magic-wormhole, one file" "$mailbox_pid" big python_both big
        measure "magic-wormhole, a directory" "$mailbox_pid" many python_both many
        measure_text "magic-wormhole, a text" python_text
    else
        echo "left out: magic-wormhole"
    fi
    if command -v wormhole-rs >/dev/null; then
        rs_both() {
            code=$(code)
            ends wormhole-rs send --rendezvous-server "$url" --force-direct --code "$code" "$world/$1" -- \
                wormhole-rs receive --rendezvous-server "$url" --force-direct --noconfirm "$code"
        }
        measure "wormhole-rs, one file" "$mailbox_pid" big rs_both big
    else
        echo "left out: wormhole-rs"
    fi
    if command -v wormhole-william >/dev/null && [ "$(id -u)" = 0 ] && [[ $plugins = *transitrelay* ]]; then
        # It always asks the public transit relay's name, and here a relay of our own answers to it.
        printf '127.0.0.1 localhost transit.magic-wormhole.io\n' >"$world/hosts"
        (cd "$world" && exec twist --log-file=transit.log transitrelay --port tcp:4001:interface=127.0.0.1) &
        transit_pid=$!
        sleep 3
        cat >"$world/william" <<END
#!/bin/sh
mount --bind $world/hosts /etc/hosts
exec wormhole-william --relay-url $url "\$@"
END
        chmod +x "$world/william"
        william_both() {
            code=$(code)
            ends unshare -m "$world/william" send --hide-progress --code "$code" "$1" -- \
                unshare -m "$world/william" receive --hide-progress "$code"
        }
        william_text() {
            code=$(code)
            ends unshare -m "$world/william" send --code "$code" --text hello -- unshare -m "$world/william" receive "$code"
        }
        measure "wormhole-william, one file" "$mailbox_pid $transit_pid" big william_both big
        measure "wormhole-william, a directory" "$mailbox_pid $transit_pid" many william_both many
        measure_text "wormhole-william, a text" william_text
        kill "$transit_pid"
    else
        echo "left out: wormhole-william, which needs root and a transit relay"
    fi
    kill "$mailbox_pid"
else
    echo "left out: magic-wormhole, wormhole-rs and wormhole-william, which need magic-wormhole-mailbox-server"
fi

if command -v sendme >/dev/null; then
    for source in big many; do
        rm -rf "$world/sendme" "$world/ticket" && mkdir "$world/sendme" && touch "$world/ticket"
        (cd "$world/sendme" && exec sendme send --relay disabled --no-progress "$world/$source") \
            >"$world/ticket" 2>&1 </dev/null &
        sendme_pid=$!
        for _ in $(seq 600); do
            grep -q blob "$world/ticket" && break
            sleep 0.1
        done
        ticket=$(grep -oE 'blob[a-z0-9]+' "$world/ticket" | head -1)
        fetch() {
            (cd "$world/in" && peak "$world/rss.to" sendme receive --relay disabled --no-progress "$ticket" </dev/null)
            echo $(($(resident "$sendme_pid" VmHWM) * 1024)) >"$world/rss.from"
        }
        measure "sendme, $([ $source = big ] && echo one file || echo a directory)" "$sendme_pid" "$source" fetch
        kill "$sendme_pid"
    done
else
    echo "left out: sendme"
fi
