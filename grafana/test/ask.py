#!/usr/bin/env python3
"""ask.py PROMETHEUS [--all-have-data]: asks a Prometheus what every panel, annotation and variable asks.

Every query must be answered without an error. A query is *empty* if no series, or nothing but NaN, comes back; with
--all-have-data that is a fault too, and the alerts of the replayed sensor must fire, and no other.
"""
import json
import math
import sys
import time
import urllib.parse
import urllib.request

import queries

# What is wrong with the replayed sensor; the second set depends on the time of the day.
REPLAY_FIRES, REPLAY_MAY_FIRE = {"CamsentryViolation", "CamsentryWatchdog"}, {"CamsentryUnrecognisedTraffic"}


def answer(prometheus, path, **values):
    body = urllib.parse.urlencode(values).encode()
    try:
        with urllib.request.urlopen(f"{prometheus}/api/v1/{path}", body, timeout=60) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as fault:
        return json.load(fault)


def answer_of(address):
    with urllib.request.urlopen(address, timeout=60) as reply:
        return json.load(reply)["data"]


def has_value(result):
    points = (series["values"] if "values" in series else [series["value"]] for series in result)
    return any(not math.isnan(float(value)) for series in points for _, value in series)


def main(prometheus, strict):
    now, faults, asked, empty = time.time(), [], 0, 0
    for path in queries.DASHBOARDS:
        for title, ref, expr, instant in queries.of_dashboard(path):
            span = queries.seconds(json.loads(path.read_text())["time"]["from"])
            if instant:
                reply = answer(prometheus, "query", query=expr, time=now)
            else:
                reply = answer(prometheus, "query_range", query=expr, start=now - span, end=now, step=60)
            asked += 1
            where = f"{path.stem}: {title} {ref}"
            if reply["status"] != "success":
                faults.append(f"{where}: {reply.get('error')}")
            elif not has_value(reply["data"]["result"]):
                empty += 1
                print(f"  empty: {where}")
                if strict:
                    faults.append(f"{where}: no data")
    for label in ("job", "instance"):
        asked += 1
        if not answer_of(f"{prometheus}/api/v1/label/{label}/values?match[]=camsentry_build_info"):
            faults.append(f"variable {label}: no value")
    alerts = answer_of(f"{prometheus}/api/v1/alerts")["alerts"]
    firing = {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}
    print(f"alerts firing: {', '.join(sorted(firing))}")
    if strict and not REPLAY_FIRES <= firing <= REPLAY_FIRES | REPLAY_MAY_FIRE:
        faults.append(f"these alerts should fire: {', '.join(sorted(REPLAY_FIRES))}")
    print(f"{asked} queries asked, {empty} empty, {len(faults)} faults")
    print("\n".join(faults))
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], "--all-have-data" in sys.argv))
