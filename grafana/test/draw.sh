#!/usr/bin/env bash
# draw.sh PROMETHEUS NODE_MODULES OUT: draws each dashboard as OUT/NAME.png with Grafana's own components.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
prometheus="$1" modules="$2" out="$3"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
width=1600

cp "$here/panels.jsx" "$work/"
ln -s "$modules" "$work/node_modules"
"$modules/.bin/esbuild" "$work/panels.jsx" --bundle --outfile="$work/panels.js" --preserve-symlinks --log-level=error \
  --loader:.svg=dataurl --loader:.ttf=dataurl --loader:.woff2=dataurl --define:process.env.NODE_ENV='"production"' --define:global=window --minify
css=""
[ ! -e "$work/panels.css" ] || css='<link rel="stylesheet" href="panels.css">'
now="$(date +%s)"
mkdir -p "$out"
for dashboard in "$here"/../dashboards/*.json; do
  name="$(basename "$dashboard" .json)"
  height="$(python3 -c 'import json, sys
panels = json.load(open(sys.argv[1]))["panels"]
print(16 + 38 * max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in panels))' "$dashboard")"
  {
    echo "<!doctype html><html><head><meta charset=utf-8>$css<style>html,body{margin:0;background:#111217}</style></head>"
    echo "<body><div id=root></div><script>window.CAMSENTRY={prometheus:'$prometheus',now:$now,width:$width,dashboard:"
    cat "$dashboard"
    echo "};</script><script src=panels.js></script></body></html>"
  } >"$work/$name.html"
  chromium --headless=new --no-sandbox --disable-gpu --hide-scrollbars --allow-file-access-from-files --user-data-dir="$work/browser" \
    --enable-logging=stderr --window-size="$width,$height" --virtual-time-budget=15000 --screenshot="$out/$name.png" \
    "file://$work/$name.html" 2>"$work/$name.log" || { cat "$work/$name.log" >&2; exit 1; }
  drawn="$(grep -c 'CAMSENTRY drawn full' "$work/$name.log" || true)"
  wanted="$(python3 -c 'import json, sys
print(sum(p["type"] != "row" for p in json.load(open(sys.argv[1]))["panels"]))' "$dashboard")"
  echo "$name.png: $drawn of $wanted panels drawn with data"
  if [ "$drawn" -ne "$wanted" ] || grep -q 'CAMSENTRY fault' "$work/$name.log"; then
    grep -o 'CAMSENTRY [^"]*' "$work/$name.log" | grep -v 'drawn full' >&2 || true
    [ -n "${CAMSENTRY_EMPTY_IS_FINE:-}" ] && ! grep -q 'CAMSENTRY fault' "$work/$name.log" || exit 1
  fi
done
