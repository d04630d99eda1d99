#!/usr/bin/env bash
# Files through solo2 and through what one would use instead, side by side on loopback.
#
#   cargo build --release -p solo2 && cargo build --release -p solo2-signal
#   bench/peers.sh
#
# MIB (1024) megabytes in one file, FILES (10000) files of 4 KiB in a directory, TIMES (3) runs of each;
# the table has the median. CPU counts every process of both ends. Programs that are not installed are
# left out by name. Files lie in $TMPDIR: put it on a file system in memory to measure no disk.

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

# name, the long-lived processes of both ends, source, then the command: wall and CPU medians.
measure() {
    name=$1 pids=$2 source=$3
    shift 3
    for _ in $(seq "$times"); do
        rm -rf "$world/in"/* && sync
        # shellcheck disable=SC2086 # several ids
        before=$(cpu_of $pids) own=$(children) t0=$(now)
        if ! "$@" >"$world/out" 2>&1; then
            echo "$name failed:" >&2
            cat "$world/out" >&2
            return 1
        fi
        t1=$(now)
        # shellcheck disable=SC2086
        echo "$(between "$t0" "$t1") $(awk "BEGIN { print $(cpu_of $pids) - $before + $(children) - $own }")"
    done >"$world/runs"
    diff -rq "$world/$source" "$world/in/$source" || return 1
    median() { cut -d' ' -f"$1" "$world/runs" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
    row "$name" "$(awk -v ms="$(median 1)" -v cpu="$(median 2)" -v bytes="$(du -sb "$world/$source" | cut -f1)" \
        'BEGIN { printf "%7.2f s %7.0f MB/s %6.2f CPU s", ms / 1000, bytes / 1e3 / ms, cpu / 1000 }')"
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
