#!/bin/sh
# What the tests of the Android side use from the system: a C compiler for the debug daemon's
# sandbox, Node.js for the peer that verifies RSA keys, libusb, the shells of phones and boards.
# Tests skip, and say so, without.
set -eu
missing=
command -v gcc >/dev/null || missing="$missing gcc libc6-dev"
command -v npm >/dev/null || missing="$missing nodejs npm"
ldconfig -p 2>/dev/null | grep -q 'libusb-1\.0\.so' || missing="$missing libusb-1.0-0"
for shell in busybox mksh; do
  command -v "$shell" >/dev/null || missing="$missing $shell"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing$missing"
  # shellcheck disable=SC2086
  apt-get -qq update && apt-get -qq install -y --no-install-recommends $missing >/dev/null && exit 0
fi
echo "NOT INSTALLED:$missing. Some tests of the Android side will be skipped." >&2
