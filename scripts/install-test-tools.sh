#!/usr/bin/env bash
# Installs what the tests call besides Rust: a few Debian packages.
#
# Does nothing, and needs no rights, when everything is already there. A test
# that misses one of these says `skipped: needs X`; `.ci/run` counts that as a failure.
set -euo pipefail

# program the tests run : Debian package that brings it
needed=(
  cc:gcc            # links every Rust program; builds ring, and what watches a program at its disk
  ip:iproute2       # network namespaces: two hosts, two NATs, a network that goes away
  nft:nftables      # those NATs, and counting packets that must not exist
  tcpdump:tcpdump   # one datagram size, no canary in a capture
  age:age           # opens our archives, as their owner would without us
  unzip:unzip       # tests our ZIPs
  python3:python3   # reads them once more
  chromium:chromium # shows their pages, and runs nothing in them
  turnutils_uclient:coturn    # another TURN implementation's client, against our relay
  tor:tor           # eight of them make a Tor network of the tests' own
  gnome-keyring-daemon:gnome-keyring # a desktop's keyring that keeps a device secret
  secret-tool:libsecret-tools # reads and clears what is in it, without us
  dbus-daemon:dbus-daemon     # the bus between them
  dbus-send:dbus-bin          # locks it, as a desktop would
  systemd-analyze:systemd     # what the shipped units give up
  mkfs.ext4:e2fsprogs # a disk of its own, which the kernel makes read-only
  ps:procps         # what a running agent costs, and what its argv shows
)

missing=()
for pair in "${needed[@]}"; do
  command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
done
# Debian cuts what makes virtual environments off python3: .ci/run puts aioice and aiortc into one.
if ! python3 -c 'import ensurepip' 2>/dev/null; then
  missing+=(python3-venv)
fi
if ((${#missing[@]} == 0)); then
  echo "test tools: all present"
  exit 0
fi

as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null || {
    echo "test tools: missing ${missing[*]}; run this as root: apt-get install ${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo)
fi
echo "test tools: installing ${missing[*]}"
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -q -y --no-install-recommends "${missing[@]}"
# Debian keeps nft and tcpdump in sbin, which an ordinary PATH may lack.
for pair in "${needed[@]}"; do
  PATH="$PATH:/usr/sbin:/sbin" command -v "${pair%%:*}" >/dev/null || {
    echo "test tools: ${pair##*:} is installed but ${pair%%:*} is not found" >&2
    exit 1
  }
done
