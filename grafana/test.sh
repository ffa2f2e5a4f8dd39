#!/usr/bin/env bash
# Tests what stands in this folder with the real programs, and draws docs/pictures.
#
#   grafana/test.sh                                 a replayed sensor (tests/grafana/scrape.prom) and a day of its past
#   grafana/test.sh http://127.0.0.1:29477/metrics  a running sensor: every query must be answered, pictures go to a
#                                                   temporary folder
#
# Needs promtool, prometheus, amtool, node with npm, python3 with venv, and chromium; installs what is missing if it may
# (apt-get, npm and pip into CAMSENTRY_GRAFANA_TOOLS, else a temporary folder). There is no Grafana server in it.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$(dirname "$here")"
sensor="${1:-}"
tools="${CAMSENTRY_GRAFANA_TOOLS:-${TMPDIR:-/tmp}/camsentry-grafana-tools}"
work="$(mktemp -d)"
started=()
finish() {
  for id in "${started[@]}"; do kill "$id" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

say() { printf '== %s\n' "$*"; }

install() {
  local need=()
  command -v prometheus >/dev/null && command -v promtool >/dev/null || need+=(prometheus)
  command -v amtool >/dev/null || need+=(prometheus-alertmanager)
  command -v chromium >/dev/null || need+=(chromium fonts-dejavu-core)
  command -v npm >/dev/null || need+=(npm)
  python3 -c 'import venv, ensurepip' 2>/dev/null || need+=(python3-venv)
  if [ ${#need[@]} -gt 0 ]; then
    say "installing ${need[*]}"
    local sudo=""
    [ "$(id -u)" -eq 0 ] || sudo="sudo"
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${need[@]}" >&2
  fi
  mkdir -p "$tools"
  if [ ! -d "$tools/node_modules/puppeteer-core" ] || [ ! -d "$tools/node_modules/@grafana/ui" ]; then
    say "installing Grafana's components by npm"
    (cd "$tools" && npm install --no-save --no-audit --no-fund --legacy-peer-deps --loglevel=error @grafana/schema@13.2.3 \
      @grafana/ui@13.2.2 @grafana/data@13.2.3 react@18 react-dom@18 typescript@5 esbuild@0.28 puppeteer-core@24)
  fi
  if ! "$tools/venv/bin/python" -c 'import grafana_foundation_sdk' 2>/dev/null; then
    say "installing Grafana's foundation SDK by pip"
    python3 -m venv "$tools/venv"
    # Without a version pip takes one that was made for Grafana 10.
    "$tools/venv/bin/pip" install -q grafana-foundation-sdk==0.0.21
  fi
}

free_port() {
  python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

wait_for() {
  for _ in $(seq 100); do
    if curl -sf -o /dev/null "$1"; then return; fi
    sleep 0.2
  done
  echo "$1 does not answer" >&2
  exit 1
}

check_rules() {
  say "rules, configuration, metrics"
  promtool check rules --lint=all --lint-fatal "$here/prometheus/rules.yml"
  promtool test rules "$here/prometheus/rules_test.yml"
  promtool check config "$here/prometheus/prometheus.yml"
  amtool check-config "$here/prometheus/alertmanager.yml"
  while read -r receiver labels; do
    # shellcheck disable=SC2086
    amtool config routes test --config.file="$here/prometheus/alertmanager.yml" --verify.receivers="$receiver" $labels
  done <<'ROUTES'
pager alertname=CamsentryViolation severity=critical
team alertname=CamsentryViolation severity=high
team alertname=CamsentryReloadFailed severity=high
nobody alertname=CamsentryViolation severity=low
heartbeat alertname=CamsentryWatchdog severity=none
ROUTES
}

# A day of the replayed sensor's past, so that the graphs have something to show.
past() {
  say "a day of past"
  local scrape="$root/tests/grafana/scrape.prom"
  promtool check metrics <"$scrape"
  # The past goes on until the present begins.
  now=$(($(date +%s) + 60))
  python3 "$here/test/replay.py" history "$scrape" 24 60 "$now" >"$work/history.om"
  promtool tsdb create-blocks-from openmetrics "$work/history.om" "$work/data" >/dev/null
  rm "$work/history.om"
  port="$(free_port)"
  python3 "$here/test/replay.py" serve "$scrape" "$port" "$now" &
  started+=($!)
  sensor="http://127.0.0.1:$port/metrics"
  wait_for "$sensor"
  while [ "$(date +%s)" -lt "$now" ]; do sleep 1; done
}

start_prometheus() {
  local address="${sensor#*://}"
  port="$(free_port)"
  prometheus="http://127.0.0.1:$port"
  {
    echo "global: {scrape_interval: 1s, evaluation_interval: 5s}"
    echo "rule_files: ['$here/prometheus/rules.yml']"
    echo "scrape_configs:"
    echo "  - job_name: camsentry"
    echo "    scheme: ${sensor%%://*}"
    echo "    metrics_path: /${address#*/}"
    echo "    tls_config: {insecure_skip_verify: true}"
    echo "    static_configs: [{targets: ['${address%%/*}']}]"
    # As in the past.
    [ -n "${1:-}" ] || echo "    relabel_configs: [{target_label: instance, replacement: 'hall-2:29477'}]"
  } >"$work/prometheus.yml"
  prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" --web.listen-address="127.0.0.1:$port" \
    --log.level=error &
  started+=($!)
  wait_for "$prometheus/-/ready"
}

install
check_rules
say "dashboards against Grafana's schema"
"$here/test/schema.sh" "$tools/node_modules"
"$tools/venv/bin/python" "$here/test/roundtrip.py" "$here"/dashboards/*.json
if [ -z "$sensor" ]; then
  past
  start_prometheus
  sleep 15
  say "every panel's query"
  python3 "$here/test/ask.py" "$prometheus" --all-have-data
  say "pictures"
  NODE_PATH="$tools/node_modules" node "$here/test/draw.mjs" "$prometheus" "$root/docs/pictures"
else
  curl -sfk "$sensor" | promtool check metrics
  start_prometheus live
  sleep 30
  say "every panel's query"
  python3 "$here/test/ask.py" "$prometheus"
  say "pictures"
  NODE_PATH="$tools/node_modules" node "$here/test/draw.mjs" "$prometheus" "${CAMSENTRY_PICTURES:-$tools/pictures}" --empty-is-fine
fi
say "all is well"
