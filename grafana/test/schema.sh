#!/usr/bin/env bash
# schema.sh NODE_MODULES: checks each dashboard against the types of Grafana's own schema with the TypeScript compiler,
# and that this check finds a key that does not exist and a value of the wrong type.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
modules="$1"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
ln -s "$modules" "$work/node_modules"
python3 - "$here"/../dashboards/*.json "$work" <<'PYTHON'
import json
import pathlib
import sys

*files, work = sys.argv[1:]
# JSON has strings where the types have enumerations.
HEAD = """import type { Dashboard } from './node_modules/@grafana/schema/dist/types/raw/dashboard/x/types.gen';
type Plain<T> = 0 extends 1 & T ? T : T extends string ? `${T}` : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
const dashboard: Plain<Dashboard> = """


def write(name, board):
    text = f"{HEAD}{json.dumps(board, indent=1)};\nexport default dashboard;\n"
    pathlib.Path(work, f"{name}.ts").write_text(text, encoding="utf-8")


for file in files:
    board = json.loads(pathlib.Path(file).read_text(encoding="utf-8"))
    for note in board["annotations"]["list"]:
        # The schema knows the target of Grafana's own annotations only; a data source defines its own.
        if note["datasource"]["type"] != "grafana":
            note.pop("target")
    write(f"good-{pathlib.Path(file).stem}", board)
write("bad-key", {**board, "pannels": []})
write("bad-type", {**board, "refresh": 5})
write("bad-word", {**board, "panels": [{**board["panels"][1], "fieldConfig": {"defaults": {"color": {"mode": "rainbow"}}, "overrides": []}}]})
PYTHON
cd "$work"
check() { node_modules/.bin/tsc --noEmit --strict --skipLibCheck --module esnext --moduleResolution bundler --preserveSymlinks "$@"; }
check good-*.ts
for bad in bad-*.ts; do
  if check "$bad" >/dev/null; then
    echo "the schema check does not find the fault in $bad" >&2
    exit 1
  fi
done
echo "$(ls good-*.ts | wc -l) dashboards fit @grafana/schema; $(ls bad-*.ts | wc -l) broken ones do not"
