"""`camsentry watch` as the phases see it: a process, its metrics, its events."""

import json
import os
import re
import signal
import time
import urllib.error
import urllib.request

from world import World
from world import wait_for

LINE = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def get(url, timeout=3):
    """Status and body."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as fault:
        return fault.code, fault.read().decode()
    except OSError:
        return 0, ""


def parse(text):
    """Samples of a scrape: (name, labels, value)."""
    for line in text.splitlines():
        found = LINE.match(line)
        if found:
            yield found[1], dict(LABEL.findall(found[2] or "")), float(found[3])


class Watch:
    """One running `camsentry watch`."""

    def __init__(self, stage, name, interfaces, port=29477, site=None, extra=(), limit=900):
        self.stage = stage
        self.name = name
        self.events_file = stage.folder / f"events-{name}.jsonl"
        self.events_file.unlink(missing_ok=True)
        self.url = f"http://127.0.0.1:{port}"
        self.offset = 0
        self.rest = b""
        argv = [stage.camsentry, "watch", "--site", site or stage.site, "--events", self.events_file, "--listen",
                f"127.0.0.1:{port}", "--log", "json"]
        for interface in interfaces:
            argv += ["-i", interface]
        self.process = stage.world.start(None, *argv, *extra, name=f"watch-{name}", limit=limit)
        wait_for(f"watch {name} is ready: {self.tail()}", self.ready, 30)

    def ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"watch {self.name} ended with {self.process.returncode}: {self.tail()}")
        return get(f"{self.url}/readyz")[0] == 200

    def tail(self):
        return self.process.log.read_text(errors="replace")[-1500:]

    def pid(self):
        """The program's own process id: `timeout` stands in front of it."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as children:
            return int(children.read().split()[0])

    def send_signal(self, what):
        os.kill(self.pid(), what)

    def samples(self):
        status, text = get(f"{self.url}/metrics")
        return list(parse(text)) if status == 200 else []

    def value(self, metric, **labels):
        """Sum of all series of a metric that have these labels; None if there is none."""
        values = [value for name, has, value in self.samples()
                  if name == metric and all(has.get(label) == wanted for label, wanted in labels.items())]
        return sum(values) if values else None

    def new_events(self):
        """Events that were written since the last call. A line without an end is left for the next."""
        if not self.events_file.exists():
            return []
        with open(self.events_file, "rb") as file:
            file.seek(self.offset)
            octets = file.read()
        self.offset += len(octets)
        lines = (self.rest + octets).split(b"\n")
        self.rest = lines.pop()
        return [json.loads(line) for line in lines if line]

    def stop(self, how=signal.SIGTERM):
        """Ends it in good order; gives exit code and seconds."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.send_signal(how)
        try:
            self.process.wait(20)
        except Exception:  # noqa: BLE001
            World.stop(self.process, signal.SIGKILL)
        return self.process.returncode, time.monotonic() - began


def summary(events):
    """The last record of its kind."""
    return next((event for event in reversed(events) if event.get("type") == "summary"), None)
