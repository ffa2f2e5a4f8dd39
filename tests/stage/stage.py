"""The stage as the phases see it: the world, the program under test, and the list of promises."""

import json
import subprocess
import sys
import time
from pathlib import Path

import peers
from world import World

SITE = Path(__file__).parent / "site.toml"


class Stage:
    """One run."""

    def __init__(self, camsentry, folder, full):
        self.camsentry = camsentry
        self.folder = folder
        self.full = full
        self.world = World(folder)
        self.failed = []
        self.kept = 0
        self.began = time.monotonic()

    def open(self):
        self.world.build()
        authority = peers.start_all(self.world)
        self.site = self.folder / "site.toml"
        self.site.write_text(SITE.read_text().replace("AUTHORITY", authority))
        self.say(f"the network stands, and its servers answer ({time.monotonic() - self.began:.1f} s)")

    def close(self):
        self.world.close()

    def say(self, words):
        print(f"[{time.monotonic() - self.began:6.1f}] {words}", flush=True)

    def promise(self, words, kept, seen=""):
        """One promise: kept or not, and what was seen."""
        self.say(f"{'PASS' if kept else 'FAIL'}  {words}{f': {seen}' if seen != '' else ''}")
        if kept:
            self.kept += 1
        else:
            self.failed.append(words)
        return kept

    def phase(self, name, phase):
        self.say(f"--- {name}: {(phase.__doc__ or '').strip().splitlines()[0]}")
        phase(self)

    def result(self):
        print(f"{self.kept} promises kept, {len(self.failed)} broken, {time.monotonic() - self.began:.0f} s")
        for words in self.failed:
            print(f"broken: {words}")
        sys.stdout.flush()
        return 1 if self.failed else 0

    def check(self, *captures):
        """Records of `camsentry check` on captures."""
        done = subprocess.run([self.camsentry, "check", "--site", self.site, "--format", "json", *captures],
                              capture_output=True, text=True, timeout=120)
        if done.returncode == 2:
            raise RuntimeError(f"camsentry check: {done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]
