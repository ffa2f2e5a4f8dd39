#!/usr/bin/env bash
# Makes the Debian package and checks it: the program, its manual pages and completions, the package by cargo-deb,
# the unit by systemd-analyze, the whole by lintian. As root with `--try` it is also installed and purged again.
#
# It needs cargo-deb (`cargo install cargo-deb --locked`); systemd-analyze, lintian and mandoc are used if they are
# there. DEB_MAINTAINER="Name <address>" names who hands the package out.
set -euo pipefail
cd "$(dirname "$0")/.."
out=target/packaging
rm -rf "$out"
mkdir -p "$out/man" "$out/completions"

note() { printf '\n== %s\n' "$*"; }
skipped() { printf 'skipped: %s\n' "$*"; }

command -v cargo-deb >/dev/null || { echo "cargo-deb is missing: cargo install cargo-deb --locked" >&2; exit 1; }

note "the program"
cargo build --release --locked --bin camsentry
program=target/release/camsentry

note "manual pages and completions, from the program itself"
"$program" man --out "$out/man"
"$program" completions bash >"$out/completions/camsentry.bash"
"$program" completions zsh >"$out/completions/_camsentry"
"$program" completions fish >"$out/completions/camsentry.fish"
ls "$out/man"
bash -n "$out/completions/camsentry.bash"
if command -v mandoc >/dev/null; then
  # Style is a matter of taste; errors are not.
  mandoc -T lint -W error "$out"/man/*.1
else
  skipped "mandoc is not here to check the manual pages"
fi

note "the example site"
"$program" rules lint --site packaging/debian/site.toml

note "the package"
# What is needed to read a backtrace's lines goes to a package of its own.
cargo deb --locked --no-build --dbgsym ${DEB_MAINTAINER:+--maintainer "$DEB_MAINTAINER"} --output "$out/"
deb="$(ls "$out"/*.deb)"
dpkg-deb --info "$deb"
dpkg-deb --contents "$deb" | awk '{print $1, $2, $3, $6}'

note "the unit"
if command -v systemd-analyze >/dev/null; then
  root="$(mktemp -d)"
  trap 'rm -rf "$root"' EXIT
  dpkg-deb --extract "$deb" "$root"
  # Verifying looks for the program where the unit says it is.
  sed "s|/usr/bin/camsentry|$root/usr/bin/camsentry|" "$root/usr/lib/systemd/system/camsentry.service" \
    >"$root/camsentry.service"
  systemd-analyze verify --man=no "$root/camsentry.service"
  # At most 1.6, of 10 for a unit without any protection.
  systemd-analyze security --offline=true --threshold=16 "$root/camsentry.service" | tail -n 1
else
  skipped "systemd-analyze is not here to check the unit"
fi

note "lintian"
if command -v lintian >/dev/null; then
  lintian --fail-on error --suppress-tags-from-file packaging/debian/lintian-tags --tag-display-limit 0 "$deb"
else
  skipped "lintian is not here to check the package"
fi

if [ "${1:-}" = "--try" ]; then
  note "installed, tried, removed, purged"
  dpkg -i "$deb"
  camsentry --version
  # 1: the bundled capture has violations, and they are found.
  camsentry check --site /usr/share/doc/camsentry/examples/site.toml \
    /usr/share/doc/camsentry/examples/capture.pcap >/dev/null && exit 1 || [ $? -eq 1 ]
  camsentry rules lint --site /etc/camsentry/site.toml
  getent passwd camsentry
  man --path camsentry 2>/dev/null || true
  dpkg --remove camsentry
  test -e /etc/camsentry/site.toml
  dpkg --purge camsentry
  test ! -e /etc/camsentry -a ! -e /etc/default/camsentry -a ! -e /var/lib/camsentry -a ! -e /usr/bin/camsentry
fi
note "$deb"
