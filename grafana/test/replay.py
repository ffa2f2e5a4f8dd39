#!/usr/bin/env python3
"""Plays a scrape that stands in a file as if a sensor were there.

replay.py history SCRAPE HOURS STEP NOW > history.om   the past, as OpenMetrics with time stamps, for
                                                      `promtool tsdb create-blocks-from openmetrics`
replay.py serve SCRAPE PORT NOW                       the present: GET /metrics, counters go on

The file says how things stand now. Counters grew to that since the process started, faster and slower; tables breathe;
each violation was opened at the time that camsentry_last_violation_timestamp_seconds gives for its rule. Nothing is
left to chance: the same file gives the same past.
"""
import bisect
import hashlib
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

JOB, INSTANCE = "camsentry", "hall-2:29477"
SERIES = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
SLICE = 120.0  # seconds of even pace
BREATHING = {"camsentry_flows", "camsentry_conversations", "process_resident_memory_bytes", "process_open_fds"}
STANDS = 20 * 60.0  # how long a violation stood that is closed by now
BURST = 70 * 60.0  # how long ago packets were lost
VIOLATION = ("policy_rule", "reason", "severity", "orig_role", "resp_role")


def hashed(text):
    """A number in [0, 1) that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48


class Scrape:
    def __init__(self, path, now):
        self.lines, self.types, self.values = [], {}, {}
        for line in open(path, encoding="utf-8"):
            line = line.rstrip("\n")
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                self.types[name] = kind
            found = None if line.startswith("#") else SERIES.match(line)
            if found:
                name, labels, value = found.groups()
                labels = dict(LABEL.findall(labels or ""))
                self.lines.append((name, labels, float(value)))
                self.values[name, tuple(sorted(labels.items()))] = float(value)
            else:
                self.lines.append(line)
        taken = max(v for n, _, v in self.series() if n == "camsentry_capture_last_packet_timestamp_seconds")
        self.shift = now - taken
        self.now = now
        self.start = next(v for n, _, v in self.series() if n == "process_start_time_seconds") + self.shift
        self.paces = {}
        self.opened = self.openings()

    def series(self):
        return (line for line in self.lines if not isinstance(line, str))

    def openings(self):
        """For each kind of violation the times at which one was opened, oldest first."""
        last = {labels["policy_rule"]: v for n, labels, v in self.series() if n == "camsentry_last_violation_timestamp_seconds"}
        opened, latest = {}, set()
        for name, labels, total in self.series():
            if name != "camsentry_violations_total" or not total:
                continue
            key = tuple(labels[word] for word in VIOLATION)
            at = last[labels["policy_rule"]] + self.shift
            # One kind has the rule's last; the others of this rule came earlier.
            if labels["policy_rule"] in latest:
                at -= 600 + 3600 * hashed(str(key))
            latest.add(labels["policy_rule"])
            times = [at]
            for number in range(1, int(total)):
                times.append(times[-1] - 1200 - 4800 * hashed(f"{key}{number}"))
            opened[key] = sorted(max(moment, self.start + 60) for moment in times)
        return opened

    def standing(self, labels, t):
        key = tuple(labels[word] for word in VIOLATION)
        opened = self.opened.get(key, [])
        same = [(l, v) for n, l, v in self.series() if n == "camsentry_violations_open" and all(l[w] == labels[w] for w in VIOLATION)]
        count, rest = 0, len(opened)
        for other, still in same:
            mine = opened[rest - int(still) : rest]
            rest -= int(still)
            if other == labels:
                count += sum(moment <= t for moment in mine)
        if same[0][0] == labels:
            count += sum(moment <= t < moment + STANDS for moment in opened[:rest])
        return count

    def grown(self, key, t):
        """How much of a counter was there at `t`: 1 now, 0 at the start."""
        if key not in self.paces:
            count = int((self.now - self.start) / SLICE) + 2
            day = [1 + 0.35 * (1 if 7 <= time.gmtime(self.start + i * SLICE).tm_hour < 18 else -0.4) for i in range(count)]
            pace = [d * (0.75 + 0.5 * hashed(f"{key}{i // 3}") + 0.1 * hashed(f"{key}.{i}")) for i, d in enumerate(day)]
            sums = [0.0]
            for p in pace:
                sums.append(sums[-1] + p)
            self.paces[key] = sums
        return self.sum(key, t) / self.sum(key, self.now)

    def sum(self, key, t):
        sums = self.paces[key]
        place = max(0.0, (t - self.start) / SLICE)
        whole = min(int(place), len(sums) - 2)
        return sums[whole] + (place - whole) * (sums[whole + 1] - sums[whole])

    def value(self, name, labels, value, t):
        family = re.sub(r"_(bucket|sum|count)$", "", name)
        family = family if self.types.get(family) == "histogram" else name
        kind = self.types.get(family)
        if name == "camsentry_violations_total":
            return bisect.bisect_right(self.opened.get(tuple(labels[w] for w in VIOLATION), []), t)
        if name == "camsentry_violations_open":
            return self.standing(labels, t)
        if name == "camsentry_last_violation_timestamp_seconds":
            seen = [m for key, times in self.opened.items() if key[0] == labels["policy_rule"] for m in times if m <= t]
            return max(seen, default=0)
        if name == "camsentry_capture_last_packet_timestamp_seconds":
            return t - (self.now - value - self.shift)
        if name == "camsentry_config_last_reload_success_timestamp_seconds":
            return value + self.shift if t >= value + self.shift else self.start
        if name == "process_start_time_seconds":
            return self.start
        if name == "camsentry_capture_lost_packets_total":
            return int(value * min(max((t - self.now + BURST) / 240, 0), 1))
        if kind in ("counter", "histogram"):
            key = family + str(sorted((k, v) for k, v in labels.items() if k != "le"))
            grown = value * self.grown(key, t)
            return grown if name.endswith("_sum") or name.startswith("process_") else int(grown + hashed(f"phase {key}"))
        if name in BREATHING:
            pace = hashed(f"{name}{int(t / 600)}"), hashed(f"{name}{int(t / 600) + 1}")
            part = t / 600 - int(t / 600)
            return int(value * (0.88 + 0.14 * (pace[0] * (1 - part) + pace[1] * part)))
        return value

    def text(self, t):
        out = []
        for line in self.lines:
            out.append(line if isinstance(line, str) else written(line[0], line[1], self.value(*line, t)))
        return "\n".join(out) + "\n"

    def history(self, hours, step, out):
        """Every series through time, family by family, as OpenMetrics demands."""
        times = [self.now - hours * 3600 + i * step for i in range(int(hours * 3600 / step) + 1)]
        own = {"job": JOB, "instance": INSTANCE}
        for line in self.lines:
            if isinstance(line, str):
                if line.startswith("# TYPE "):
                    _, _, name, kind = line.split(" ")
                    out.write(f"# TYPE {name.removesuffix('_total') if kind == 'counter' else name} {kind}\n")
                continue
            for t in times:
                out.write(f"{written(line[0], {**line[1], **own}, self.value(*line, t))} {t:.3f}\n")
        out.write("# TYPE up gauge\n")
        for t in times:
            out.write(f"{written('up', own, 1)} {t:.3f}\n")
        out.write("# EOF\n")


def written(name, labels, value):
    inside = ",".join(f'{key}="{word}"' for key, word in labels.items())
    number = repr(float(value)) if isinstance(value, float) and not value.is_integer() else str(int(value))
    return f"{name}{{{inside}}} {number}" if inside else f"{name} {number}"


def serve(scrape, port):
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            body = scrape.text(time.time()).encode()
            self.send_response(200 if self.path == "/metrics" else 404)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.end_headers()
            self.wfile.write(body if self.path == "/metrics" else b"see /metrics\n")

        def log_message(self, *_):
            pass

    HTTPServer(("127.0.0.1", port), Answer).serve_forever()


if __name__ == "__main__":
    what, path = sys.argv[1], sys.argv[2]
    moment = float(sys.argv[-1])
    if what == "history":
        Scrape(path, moment).history(float(sys.argv[3]), float(sys.argv[4]), sys.stdout)
    else:
        serve(Scrape(path, moment), int(sys.argv[3]))
