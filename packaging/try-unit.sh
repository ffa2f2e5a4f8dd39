#!/usr/bin/env bash
# Tries the package under a real systemd: a Debian container is made and booted, the package installed there, the
# unit started, reloaded, brought to a standstill, stopped, and all purged. As root; it needs debootstrap and
# systemd-nspawn (Debian's systemd-container), and a Debian mirror the first time.
#
#   packaging/try-unit.sh PACKAGE.deb
set -euo pipefail
deb="$(realpath "$1")"
suite="${SUITE:-bookworm}"
root="${ROOT:-/var/tmp/camsentry-try-$suite}"

say() { printf '%s\n' "$*"; }
fail() { say "FAILED: $*"; inside journalctl -b -u camsentry --no-pager -n 40 || true; exit 1; }

if [ ! -e "$root/usr/lib/systemd/systemd" ]; then
  debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,procps,libpcap0.8,iproute2 "$suite" "$root" \
    http://deb.debian.org/debian >"$root.log" 2>&1
fi
# Its own network: a pair of interfaces is made in it, and nothing of ours is seen. A container may not use Landlock
# unless it is said.
setsid systemd-nspawn -q -D "$root" -b --register=no --keep-unit --private-network --console=pipe \
  --system-call-filter="landlock_create_ruleset landlock_add_rule landlock_restrict_self" \
  >"$root.boot.log" 2>&1 </dev/null &
nspawn=$!
for _ in $(seq 100); do
  leader="$(pgrep -P "$nspawn" | head -n 1 || true)"
  [ -n "$leader" ] && nsenter -t "$leader" -a systemctl is-system-running >/dev/null 2>&1 && break
  sleep 0.2
done
inside() { nsenter -t "$leader" -a "$@"; }
# SIGRTMIN+4 asks systemd to power off (systemd(1)).
trap 'kill -s RTMIN+4 "$leader"; wait "$nspawn" || true' EXIT
inside systemctl is-system-running
of_unit() { inside systemctl show camsentry --property="$1" --value; }
await() { # PROPERTY VALUE SECONDS
  for _ in $(seq $(($3 * 10))); do
    [ "$(of_unit "$1")" = "$2" ] && return 0
    sleep 0.1
  done
  fail "$1 is $(of_unit "$1"), not $2"
}

cp "$deb" "$root/root/camsentry.deb"
inside dpkg -i /root/camsentry.deb
[ "$(inside systemctl is-enabled camsentry || true)" = disabled ] || fail "it is enabled before it is configured"
[ "$(of_unit ActiveState)" = inactive ] || fail "it is started before it is configured"
inside id camsentry
inside ip link add span0 type veth peer name far0
inside ip link set span0 up
inside ip link set far0 up
printf 'CAMSENTRY_ARGS="-i span0 --sandbox strict"\n' >"$root/etc/default/camsentry"
mkdir -p "$root/etc/systemd/system/camsentry.service.d"
drop="$root/etc/systemd/system/camsentry.service.d/try.conf"
printf '[Service]\nWatchdogSec=2s\nRestartSec=1s\n' >"$drop"
inside systemctl daemon-reload
inside systemctl start camsentry || fail "it does not start"
await ActiveState active 10
pid="$(of_unit MainPID)"
say "ready: $(of_unit StatusText)"
inside grep -E '^(Uid|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):' "/proc/$pid/status"
# CAP_NET_RAW (bit 13) at the most, and not in force.
inside grep -qE '^CapEff:.0000000000000000$' "/proc/$pid/status" || fail "capabilities are in force"
inside grep -qE '^CapPrm:.000000000000[02]000$' "/proc/$pid/status" || fail "too many capabilities"
inside systemctl reload camsentry
for _ in $(seq 50); do
  grep -q '"type":"reloaded"' "$root/var/lib/camsentry/events.jsonl" && break
  sleep 0.1
done
grep -q '"type":"reloaded"' "$root/var/lib/camsentry/events.jsonl" || fail "it does not reload"
await ActiveState active 5
say "reloaded: $(of_unit StatusText)"
sleep 5
[ "$(of_unit NRestarts)" = 0 ] && [ "$(of_unit MainPID)" = "$pid" ] || fail "it did not stay alive for 5 s"
say "alive for 5 s with a watchdog of 2 s"
inside kill -STOP "$pid"
await NRestarts 1 15
await ActiveState active 10
say "a standstill: ended by the watchdog, started anew"
inside systemctl kill --kill-whom=main -s KILL camsentry
await NRestarts 2 10
await ActiveState active 10
say "killed: started anew"
pid="$(of_unit MainPID)"
inside dpkg -i /root/camsentry.deb
await ActiveState active 10
[ "$(of_unit MainPID)" != "$pid" ] || fail "an update does not restart it"
grep -q '^CAMSENTRY_ARGS="-i span0 --sandbox strict"$' "$root/etc/default/camsentry" || fail "an update forgot settings"
say "updated: restarted, settings kept"
began="$(date +%s%N)"
inside systemctl stop camsentry
say "stopped in $((($(date +%s%N) - began) / 1000000)) ms: $(of_unit Result)"
[ "$(of_unit Result)" = success ] || fail "it did not stop in good order"
inside journalctl -b -u camsentry --no-pager -n 60 -o json | sed -n 's/.*"PRIORITY":"\([0-9]\)".*/priority \1/p' | sort | uniq -c
inside journalctl -b -u camsentry --no-pager -n 40 -o cat
inside stat -c '%U %a %n' /var/lib/camsentry /var/lib/camsentry/events.jsonl
inside dpkg --remove camsentry
inside dpkg --purge camsentry
for gone in /usr/bin/camsentry /etc/camsentry /etc/default/camsentry /var/lib/camsentry; do
  [ ! -e "$root$gone" ] || fail "$gone is left after purge"
done
rm -rf "$root/etc/systemd/system/camsentry.service.d"
inside systemctl is-system-running
say "purged; done"
