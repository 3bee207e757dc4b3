#!/bin/bash
# A real Android debug daemon on 127.0.0.1, in a throw-away sandbox with its own /data/local/tmp.
#
#   start-adbd.sh --prepare CACHE                      download and unpack what is needed, once
#   start-adbd.sh CACHE PORT NAME [BWRAP OPTION ...]   run until killed
#
# NAME becomes the sandbox's host name, so that a test can tell whether it reached this daemon.
# $DATA_SIZE (bytes) limits /data, $PHONE_PYTHON (a prefix such as a virtual environment) comes
# first in the daemon's PATH, read-only. A daemon that dies is started again, as init does on a
# phone; what it had started lives on. Nothing is installed into the system: Debian's own adbd
# package enables a daemon that listens on every interface without authentication.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

prepare() {
  local cache=$1 scratch suite uri key=/usr/share/keyrings/debian-archive-keyring.gpg
  exec 9> "$cache/.lock"
  flock 9
  if [ -e "$cache/ready" ]; then return; fi
  scratch=$(mktemp -d "$cache/apt.XXXXXX")
  trap "rm -rf '$scratch'" EXIT
  uri=$(awk '/^URIs:/ {print $2; exit}' /etc/apt/sources.list.d/debian.sources)
  suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
  mkdir -p "$scratch"/etc/{apt.conf.d,preferences.d} "$scratch/lists/partial" \
    "$scratch/cache/archives/partial" "$scratch/debs"
  for component in "$suite" "$suite-backports"; do
    echo "deb [signed-by=$key] $uri $component main"
  done > "$scratch/etc/sources.list"
  cat > "$scratch/apt.conf" <<CONF
Dir::Etc "$scratch/etc";
Dir::State::lists "$scratch/lists";
Dir::Cache "$scratch/cache";
APT::Sandbox::User "root";
CONF
  export APT_CONFIG=$scratch/apt.conf
  apt-get -qq update
  (cd "$scratch/debs" && apt-get -qq -t "$suite-backports" download \
    adbd adb android-libbase android-libboringssl android-libcutils android-liblog \
    android-libziparchive libprotobuf32 libusb-1.0-0 bubblewrap)
  unset APT_CONFIG
  rm -rf "$cache/root"
  mkdir "$cache/root"
  for package in "$scratch"/debs/*.deb; do dpkg -x "$package" "$cache/root"; done
  gcc -shared -fPIC -O2 -o "$cache/loopback_only.so" "$here/loopback_only.c" -ldl
  touch "$cache/ready"
}

run() {
  local cache=$1 port=$2 name=$3 lib options=()
  shift 3
  lib=/opt/adb/usr/lib/$(gcc -print-multiarch)
  if [ -n "${DATA_SIZE:-}" ]; then options+=(--size "$DATA_SIZE"); fi
  options+=(--tmpfs /data --dir /data/local/tmp)
  if [ -n "${PHONE_PYTHON:-}" ]; then
    local home
    home=$(dirname "$(dirname "$(readlink -f "$PHONE_PYTHON/bin/python")")")
    options+=(--ro-bind "$home" "$home" --ro-bind "$PHONE_PYTHON" /opt/py)
  fi
  exec "$cache/root/usr/bin/bwrap" --ro-bind /usr /usr --symlink usr/bin /bin \
    --symlink usr/lib /lib --symlink usr/lib64 /lib64 --ro-bind /etc/ld.so.cache \
    /etc/ld.so.cache --ro-bind /etc/passwd /etc/passwd --ro-bind /sys /sys --proc /proc \
    --dev /dev --tmpfs /tmp "${options[@]}" --ro-bind "$cache/root" /opt/adb \
    --ro-bind "$cache/loopback_only.so" /opt/loopback_only.so --unshare-pid --unshare-ipc \
    --unshare-uts --hostname "$name" --die-with-parent --clearenv \
    --setenv PATH /opt/phone/bin:/opt/py/bin:/usr/bin:/bin --setenv HOME /data/local/tmp \
    --setenv ADBD_PORT "$port" --chdir / "$@" \
    /bin/sh -c "while :; do
      LD_PRELOAD=/opt/loopback_only.so LD_LIBRARY_PATH=$lib:$lib/android \
        /opt/adb/usr/lib/android-sdk/platform-tools/adbd
      sleep 0.2
    done"
}

if [ "$1" = --prepare ]; then
  mkdir -p "$2"
  prepare "$(cd "$2" && pwd)"
else
  run "$@"
fi
