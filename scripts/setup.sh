# shellcheck shell=bash
# What the scripts need on Debian, made ready once: sourced from the checkout's root.
#
#   preflight                 refuses early what could only be half done
#   ensure_python_env GROUP   .venv from the lock file; runtime or dev
#   ensure_busybox            $BUSYBOX, a static busybox
#   ensure_engine             a Docker Engine that answers
#   with_engine CMD...        CMD with the right to use it
#
# Each says what it will do before it changes the machine, refuses before it has
# begun where the right or the disk is missing, and does nothing when all is there.

ENGINE_SECONDS=60
SETUP_MIB=2048
RUN_MIB=256
SETUP_DIR=$PWD/.demo
PATH=$PATH:/usr/sbin:/sbin

say() { printf '%s\n' "$*"; }
die() {
  printf 'error: %s\n' "$1" >&2
  shift
  [ "$#" -eq 0 ] || printf '%s\n' "$@" >&2
  exit 1
}

# Before anything is made: what needs root is known at once.
preflight() {
  local missing=() state
  ensure_disk "$RUN_MIB" "$PWD"
  state=$(engine_state)
  [ "$state" != absent ] || [ -z "${DOCKER_HOST:-}" ] ||
    die "No Docker Engine answers at DOCKER_HOST=$DOCKER_HOST." \
      'Start it, or unset DOCKER_HOST to use the one of this machine.'
  find_python >/dev/null || missing+=(python3 python3-venv)
  [ "$state" != absent ] || missing+=(docker.io)
  [ "${#missing[@]}" -eq 0 ] || may_be_root ||
    die "Missing: ${missing[*]}, and this user may not install or start them." \
      "As root: apt-get install ${missing[*]} && usermod -aG docker $(id -un)" \
      'Then sign in again.'
  [ "$state" != denied ] || may_be_root ||
    die "This user may not use the Docker Engine at $(engine_socket)." \
      "As root: usermod -aG docker $(id -un); then sign in again."
}

# --- Python -----------------------------------------------------------------

ensure_python_env() {
  local lock=requirements.lock python stamp
  [ "$1" = runtime ] || lock=requirements-$1.lock
  stamp=.venv/.made-from-$lock
  if [ -x .venv/bin/python ] && cmp -s "$lock" "$stamp" && .venv/bin/python -c 'import paas'; then
    return
  fi
  ensure_disk "$SETUP_MIB" "$PWD"
  find_python >/dev/null || install_packages python3 python3-venv
  python=$(find_python) || die 'There is no Python 3.11 or newer with venv.' \
    'Install it: apt-get install python3 python3-venv'
  say "Making the virtual environment .venv from $lock ..."
  if ! make_python_env "$python" "$lock"; then
    rm -f "$stamp"
    die 'The virtual environment could not be made (see above).' \
      'A package index must be within reach of pip. Run this again: it goes on from here.'
  fi
  cp "$lock" "$stamp"
}

# The checkout itself is put on the path by one line, so nothing has to be built.
make_python_env() {
  local python=$1 lock=$2 site
  .venv/bin/python -c '' 2>/dev/null || { rm -rf .venv && "$python" -m venv .venv; } || return 1
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
    --require-hashes --only-binary :all: -r "$lock" || return 1
  site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') || return 1
  printf '%s\n' "$PWD" >"$site/paas-checkout.pth" || return 1
  printf '#!%s\nfrom paas.__main__ import main\n\nmain()\n' "$PWD/.venv/bin/python" \
    >.venv/bin/paas && chmod +x .venv/bin/paas
}

find_python() {
  local name
  for name in /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11; do
    if "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
    then
      command -v "$name"
      return
    fi
  done
  return 1
}

# --- busybox ----------------------------------------------------------------

ensure_busybox() {
  local cached=$SETUP_DIR/busybox
  BUSYBOX=$(command -v busybox || true)
  export BUSYBOX
  if [ -n "$BUSYBOX" ] && is_static "$BUSYBOX"; then return; fi
  if [ -x "$cached" ] && is_static "$cached"; then BUSYBOX=$cached; return; fi
  if [ -z "$BUSYBOX" ] && may_be_root; then
    install_packages busybox-static
    BUSYBOX=$(command -v busybox) && return
  fi
  # Beside a busybox that is not static: unpacked, not installed; this needs no right.
  unpack_busybox "$cached" || die 'There is no static busybox for the hello application.' \
    'Install it: apt-get install busybox-static'
  BUSYBOX=$cached
}

is_static() { [[ $(LC_ALL=C ldd "$1" 2>&1 || true) == *'not a dynamic executable'* ]]; }

unpack_busybox() {
  local into=$1 folder
  say 'Fetching a static busybox (Debian package busybox-static, not installed) ...'
  mkdir -p "$(dirname "$into")"
  folder=$(mktemp -d)
  if (cd "$folder" && apt-get -qq download busybox-static && dpkg-deb -x ./*.deb .) \
    >/dev/null 2>&1; then
    cp "$folder/bin/busybox" "$into" 2>/dev/null || cp "$folder/usr/bin/busybox" "$into"
  fi
  rm -rf "$folder"
  [ -x "$into" ]
}

# --- Docker Engine ----------------------------------------------------------

ensure_engine() {
  preflight
  engine_is_up && return
  if ! command -v dockerd >/dev/null; then
    ensure_disk "$SETUP_MIB" /var/lib
    say 'There is no Docker Engine: installing the package docker.io of Debian.'
    install_packages docker.io iptables tini
  fi
  start_engine
}

start_engine() {
  local log=$SETUP_DIR/dockerd.log
  started_engine=$$
  mkdir -p "$SETUP_DIR"
  if [ -d /run/systemd/system ]; then
    say 'Starting the Docker Engine with systemctl ...'
    as_root systemctl start docker || die 'systemd could not start the Docker Engine.' \
      'Look at: journalctl -u docker'
    log='the journal (journalctl -u docker)'
  elif [ "$(engine_state)" = absent ]; then
    ensure_cgroups
    forget_dead_engine
    say "There is no systemd: starting dockerd by hand, log in $log ..."
    # nothing of the caller's stays open in it: no pipe, and not the demo's lock (9)
    as_root setsid dockerd >"$log" 2>&1 </dev/null 9>&- &
    started_engine=$!
  fi
  wait_for "$ENGINE_SECONDS" engine_up_or_dead || true
  engine_is_up || {
    [ ! -f "$log" ] || tail -n 15 "$log" >&2
    die "The Docker Engine did not start, or not within $ENGINE_SECONDS s." "Its log: $log"
  }
}

# An engine that was killed leaves its numbers, and another program may have got them.
forget_dead_engine() {
  local file pid
  for file in /var/run/docker.pid /var/run/docker/containerd/containerd.pid; do
    pid=$(as_root cat "$file" 2>/dev/null) || continue
    case $(cat "/proc/$pid/comm" 2>/dev/null) in
      dockerd | containerd) ;;
      *) as_root rm -f "$file" ;;
    esac
  done
}

ensure_cgroups() {
  grep -q ' cgroup2\? ' /proc/mounts && return
  say 'No control groups are mounted: mounting them with the package cgroupfs-mount.'
  command -v cgroupfs-mount >/dev/null || install_packages cgroupfs-mount
  as_root cgroupfs-mount || true
  grep -q ' cgroup2\? ' /proc/mounts || die 'Control groups cannot be mounted here.' \
    'The Docker Engine needs them; in a container, start it with --privileged.'
}

engine_up_or_dead() { engine_is_up || [ ! -d "/proc/$started_engine" ]; }

engine_is_up() { [ "$(engine_state)" != absent ]; }

# ready, denied (it is there, but not for this user) or absent
engine_state() {
  "$(find_python || echo python3)" - "$(engine_socket)" <<'PYTHON' 2>/dev/null || echo absent
import socket, sys
from urllib.parse import urlsplit
place = urlsplit(sys.argv[1])
if place.scheme == "unix":
    client, address = socket.socket(socket.AF_UNIX), place.path
else:
    client, address = socket.socket(), (place.hostname, place.port or 2375)
client.settimeout(5)
try:
    client.connect(address)
except PermissionError:
    print("denied")
    sys.exit()
client.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
print("ready" if b" 200 " in client.recv(64) else "absent")
PYTHON
}

engine_socket() { printf '%s' "${DOCKER_HOST:-unix:///var/run/docker.sock}"; }

# Runs a command with the socket's group where this user has not signed in with it.
with_engine() {
  local socket group
  if [ "$(engine_state)" = denied ]; then
    socket=$(engine_socket) && socket=${socket#unix://}
    group=$(as_root stat -c %g "$socket")
    as_root setpriv --reuid="$(id -u)" --regid="$(id -g)" \
      --groups "$(id -G | tr ' ' ','),$group" -- env HOME="$HOME" PATH="$PATH" "$@"
  else
    "$@"
  fi
}

# --- the machine ------------------------------------------------------------

install_packages() {
  command -v apt-get >/dev/null || die "Missing: $*." 'This is not Debian: install them yourself.'
  may_be_root || die "Missing: $*, and this user may not install packages." \
    "As root: apt-get install $*"
  ensure_disk "$SETUP_MIB" /usr
  say "Installing with apt-get: $*"
  apt_install "$@" 2>/dev/null || { as_root apt-get -qq update && apt_install "$@"; } ||
    die "apt-get could not install $* (see above)."
}

apt_install() {
  local settings=(DEBIAN_FRONTEND=noninteractive)
  # without systemd nothing may be started by the packages: that is ours to do
  [ -d /run/systemd/system ] || settings+=(RUNLEVEL=1)
  as_root env "${settings[@]}" apt-get -qq -y -o DPkg::Lock::Timeout=120 \
    install --no-install-recommends "$@" >/dev/null
}

# Root, or a user whose sudo works without asking, or can ask at this terminal.
may_be_root() {
  [ "$(id -u)" -eq 0 ] && return
  command -v sudo >/dev/null || return 1
  sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

ensure_disk() {
  local least=$1 place=$2 free
  free=$(df -Pm "$place" | awk 'NR == 2 { print $4 }')
  [ "$free" -ge "$least" ] || die "Only $free MiB are free at $place; $least MiB are needed." \
    'Make room, for example with: apt-get clean'
}

# wait_for SECONDS CMD...: until CMD succeeds
wait_for() {
  local until=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$until" ] || return 1
    sleep 0.2
  done
}
