#!/usr/bin/env python3
"""roundtrip.py FILE...: reads each dashboard by Grafana's foundation SDK and writes it again. What is lost on the way
is a key that Grafana does not know. (Wrong types are found by the schema check, see schema.sh.)"""
import json
import sys

import grafana_foundation_sdk.cog.plugins as plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

# In @grafana/schema 13.2 (TableFieldOptions), newer than this SDK.
NEWER = {"wrapHeaderText"}


def differences(before, after, path):
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before:
            if key not in after and key in NEWER:
                continue
            if key not in after:
                yield f"{path}/{key}: lost"
            else:
                yield from differences(before[key], after[key], f"{path}/{key}")
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            yield f"{path}: {len(before)} became {len(after)}"
        for number, (one, other) in enumerate(zip(before, after)):
            yield from differences(one, other, f"{path}/{number}")
    elif before != after:
        yield f"{path}: {before!r} became {after!r}"


plugins.register_default_plugins()
faults = []
for file in sys.argv[1:]:
    before = json.load(open(file, encoding="utf-8"))
    after = json.loads(JSONEncoder().encode(Dashboard.from_json(before)))
    faults += [f"{file}{fault}" for fault in differences(before, after, "")]
print("\n".join(faults) or f"{len(sys.argv) - 1} dashboards come back as they went in")
sys.exit(bool(faults))
