#!/usr/bin/env python3
"""Runs camsentry beside the limits of the machine and every peer that is installed, and says which bounds hold.

It builds camsentry and its workloads in release, writes the workloads into a folder (about 3.5 GB, or a twentieth
with --quick), and runs all programs of a workload in turn, several rounds: whatever else the machine does meets all
of them. A figure is the median of the rounds with the least and the greatest; a ratio compares medians of the same
run, wall time of whole processes. CPU is user and system time together; memory is the peak of all rounds (the kernel
counts what this script takes, about 20 MiB, for each process that it starts: less than that is not told apart).

`cat` is the limit of reading, `walk` reads and goes from one record's header to the next. A floor reads, decodes and
counts flows and does nothing else: a program that is called as `PROGRAM CAPTURE MODE`, with the modes `best`,
`best-slice` (with etherparse) and, if it has it, `walk-read`. --floor-source builds it from a copy of a package's
folder, with that package's own release profile.

--growth prints instead how cost grows with packets, flows, rules, cameras and open violations.

Exit code: 0 all bounds are met, 1 one is not, 2 something could not be measured. Of a program that is not installed,
a row says so, and it does not count.
"""

import argparse
import hashlib
import json
import os
import shutil
import stat
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PACKETS = {
    "vms_mix": 1_643_464,
    "small_flows": 10_000_000,
    "small_flows_10k": 10_000_000,
    "hostile_mix": 1_000_000,
    "new_flows": 800_000,
}
WORKERS = (1, 2, 4)
# A program that runs longer is ended.
SECONDS = 600


def main():
    options = arguments()
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(options, options.folder or scratch, scratch)
        code = bench.growth() if options.growth else bench.compare()
    if not stat.S_ISCHR(os.stat(os.devnull).st_mode):
        print(f"{os.devnull} is no device any more: a program renamed its output over it", file=sys.stderr)
        code = 2
    sys.exit(code)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often each program runs (5)")
    parser.add_argument("--peer-rounds", type=int, help="how often the peers do, some of which take minutes")
    floor = parser.add_mutually_exclusive_group()
    floor.add_argument("--floor", metavar="PROGRAM", help="the floor, built")
    floor.add_argument("--floor-source", metavar="FOLDER", help="the floor's package")
    parser.add_argument("--quick", action="store_true", help="a twentieth of each workload, to try it out")
    parser.add_argument("--markdown", action="store_true", help="print tables as docs/performance.md has them")
    parser.add_argument("--growth", action="store_true", help="print how cost grows")
    parser.add_argument("--folder", help="where workloads are kept for the next time")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"of {', '.join(PACKETS)}; else all")
    options = parser.parse_args()
    unknown = [name for name in options.workloads if name not in PACKETS]
    if unknown:
        parser.error(f"{', '.join(unknown)}: no such workload; there are {', '.join(PACKETS)}")
    options.workloads = options.workloads or list(PACKETS)
    if options.peer_rounds is None:
        options.peer_rounds = options.rounds
    return options


class Bench:
    """Programs, captures, and what was measured."""

    def __init__(self, options, folder, scratch):
        self.options, self.folder, self.scratch = options, folder, scratch
        command = ["cargo", "build", "--release", "--locked", "--bin", "camsentry", "--example", "workload"]
        subprocess.run(command, cwd=ROOT, check=True)
        target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
        self.camsentry = os.path.join(target, "release", "camsentry")
        self.generator = os.path.join(target, "release", "examples", "workload")
        self.floor = options.floor or options.floor_source and self.build_floor(options.floor_source, target)
        # Runs by workload and by name of the program.
        self.runs = {}
        # By workload: whether all numbers of workers print the same octets; None if one of them failed.
        self.same = {}

    def build_floor(self, source, target):
        """Builds the package in `source` from a copy, so that nothing is written there."""
        copy = os.path.join(self.scratch, "floor")
        shutil.copytree(source, copy)
        command = ["cargo", "build", "--release", "--message-format", "json-render-diagnostics"]
        command += ["--target-dir", os.path.join(target, "floor")]
        built = subprocess.run(command, cwd=copy, check=True, stdout=subprocess.PIPE).stdout
        programs = [json.loads(line).get("executable") for line in built.splitlines()]
        return next(program for program in programs if program)

    def packets(self, workload):
        return PACKETS[workload] // (20 if self.options.quick else 1)

    def write(self, workload, name=None, **wishes):
        """Writes a capture, unless it is there (with a name: always); gives its path without the ending."""
        wishes.setdefault("packets", self.packets(workload))
        size = [word for key, value in wishes.items() for word in (f"--{key}", str(value))]
        path = os.path.join(self.folder, name or "-".join([workload, str(wishes["packets"])]))
        if name or not os.path.exists(path + ".pcap"):
            command = [self.generator, workload, path + ".pcap", *size]
            try:
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            except BaseException:
                # Half a capture must not be taken for a whole one the next time.
                os.remove(path + ".pcap")
                raise
        return path

    # The comparison.

    def compare(self):
        for workload in self.options.workloads:
            path = self.write(workload)
            ours, peers = self.programs(workload, path)
            results = self.runs[workload] = {}
            for number in range(max(self.options.rounds, self.options.peer_rounds)):
                rows = ours if number < self.options.rounds else []
                rows = rows + (peers if number < self.options.peer_rounds else [])
                for name, command in rows:
                    # What did not end well once is not tried again.
                    if results.get(name, []) is not None:
                        figures = run(command)
                        results[name] = results.get(name, []) + [figures] if figures else None
            if workload != "new_flows":
                self.same[workload] = self.prints_the_same(path)
            self.print_workload(workload)
        return self.print_bounds()

    def programs(self, workload, path):
        """Name and command of everything that reads the capture: ours and the limits, and the peers."""
        capture = path + ".pcap"
        if workload == "new_flows":
            sites = {"10 rules": f"{path}.10.toml", "10,000 rules": f"{path}.10000.toml"}
            check = lambda site: [self.camsentry, "check", "--site", site, capture]
            return [(f"check, {rules}", check(site)) for rules, site in sites.items()], []
        check = [self.camsentry, "check", "--site", path + ".toml"]
        ours = [("cat", ["cat", capture])]
        if self.floor:
            modes = {"walk": "walk-read", "floor best": "best", "floor best-slice": "best-slice"}
            ours += [(name, [self.floor, capture, mode]) for name, mode in modes.items()]
        ours.append(("check", [*check, capture]))
        ours += [(f"check --workers {n}", [*check, "--workers", str(n), capture]) for n in WORKERS]
        ours += [
            ("check --flows FILE", [*check, "--flows", os.path.join(self.scratch, "flows"), capture]),
            ("check without a site", [self.camsentry, "check", capture]),
        ]
        peers = [
            ("ndpiReader", ["ndpiReader", "-q", "-i", capture]),
            ("nfpcapd", ["nfpcapd", "-r", capture, "-w", self.scratch]),
            # It keeps 8,192 flows unless it may have more, and is fast then.
            ("softflowd", ["softflowd", "-r", capture, "-m", "2000000", "-n", "127.0.0.1:9"]),
            ("argus", ["argus", "-r", capture, "-w", os.path.join(self.scratch, "argus")]),
            ("suricata", ["suricata", "-r", capture, "-l", self.scratch, "--runmode", "single", "-S", os.devnull]),
            # Not to /dev/null: for root it gives what it writes to another owner.
            ("tcpdump -w -", ["tcpdump", "-r", capture, "-w", "-"]),
        ]
        return ours, [(name, command) for name, command in peers if shutil.which(command[0])]

    def prints_the_same(self, path):
        """Whether all numbers of workers print the same octets as JSON; None if one fails."""
        digests = set()
        for workers in WORKERS:
            command = [self.camsentry, "check", "--site", path + ".toml", "--format", "json"]
            command += ["--workers", str(workers), path + ".pcap"]
            digest = hashlib.sha256()
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
                for octets in iter(lambda: child.stdout.read(1 << 20), b""):
                    digest.update(octets)
            if child.returncode not in (0, 1):
                return None
            digests.add((digest.digest(), child.returncode))
        return len(digests) == 1

    def print_workload(self, workload):
        results = self.runs[workload]
        base = "floor best-slice" if results.get("floor best-slice") else next(iter(results))
        title = f"{workload}: {grouped(self.packets(workload))} packets; ratios of wall time to {base}"
        rows = []
        for name, runs in results.items():
            if not runs:
                rows.append([name, f"did not end well, or not within {SECONDS} s", "", "", "", ""])
                continue
            wall = median(runs, "wall")
            rate = f"{self.packets(workload) / wall / 1e6:.2f}"
            ratio = f"{wall / median(results[base], 'wall'):.2f}" if results[base] else "-"
            memory = f"{max(run['memory'] for run in runs):.0f}"
            rows.append([name, spread(runs, "wall"), spread(runs, "cpu"), rate, memory, ratio])
        self.print_table(title, ["", "wall s", "CPU s", "Mpkt/s", "peak MiB", "ratio"], rows)

    def print_bounds(self):
        """Prints the bounds; gives the exit code."""
        rows, code = [], 0
        for (name, asked, stretch, measured), (*_, of_cpu) in zip(self.bounds("wall"), self.bounds("cpu")):
            if measured is None:
                rows.append([name, asked.text, stretch.text if stretch else "", "", "", "not measured"])
                code = 2
                continue
            met = asked.holds(measured)
            code = code or int(not met)
            word = "not met" if not met else "met, stretch too" if stretch and stretch.holds(measured) else "met"
            cpu = asked.form(of_cpu) if of_cpu != measured else ""
            rows.append([name, asked.text, stretch.text if stretch else "", asked.form(measured), cpu, word])
        for name in ("ndpiReader", "suricata"):
            if not any(name in runs for runs in self.runs.values()):
                rows.append([f"beside {name}", "", "", "", "", "not installed"])
        self.print_table("bounds", ["bound", "asked", "stretch", "measured", "of CPU time", ""], rows)
        return code

    def bounds(self, what):
        """Name, bound, stretch or None, and what was measured (None if it was not) of those that were asked for;
        `what` says of which time. Wall time counts; on a busy machine CPU time says more."""
        runs = self.runs
        spent = lambda workload, name: median(runs[workload].get(name), what)
        memory = lambda workload, name: max(run["memory"] for run in runs[workload].get(name) or [{"memory": 0}])
        floors = ("floor best", "floor best-slice")
        if "vms_mix" in runs:
            ratio = over(spent("vms_mix", "check"), spent("vms_mix", "floor best-slice"))
            yield "vms_mix: check / floor best-slice", AtMost(1.6), AtMost(1.25), ratio
        for workload in ("small_flows", "small_flows_10k"):
            if workload in runs:
                floor_times = [spent(workload, floor) for floor in floors]
                ratio = over(spent(workload, "check"), min(floor_times) if all(floor_times) else None)
                yield f"{workload}: check / better floor", AtMost(1.5), AtMost(1.2), ratio
        if "vms_mix" in runs:
            ratio = over(spent("vms_mix", "check --flows FILE"), spent("vms_mix", "check"))
            yield "vms_mix: check --flows / check", AtMost(1.3), None, ratio
        if "new_flows" in runs:
            ratio = over(spent("new_flows", "check, 10,000 rules"), spent("new_flows", "check, 10 rules"))
            yield "new_flows: 10,000 rules / 10 rules", AtMost(1.1), None, ratio
        for workload, most in (("small_flows", 512), ("vms_mix", 64)):
            if workload in runs:
                yield f"{workload}: peak memory", AtMost(most, " MiB"), None, memory(workload, "check") or None
        for workload in self.same:
            for workers in WORKERS[1:]:
                ratio = over(spent(workload, f"check --workers {workers}"), spent(workload, "check --workers 1"))
                yield f"{workload}: {workers} workers / 1", AtMost(1.0), None, ratio
        for workload, same in self.same.items():
            yield f"{workload}: 1, 2 and 4 workers print the same octets", Yes(), None, same
        yield from self.bounds_of_peers(spent, memory)

    def bounds_of_peers(self, spent, memory):
        """Those beside peers that are installed."""
        for peer, least in (("ndpiReader", 3), ("suricata", 4)):
            if self.runs.get("vms_mix", {}).get(peer):
                ratio = over(spent("vms_mix", peer), spent("vms_mix", "check"))
                yield f"vms_mix: {peer} / check", AtLeast(least), None, ratio
        # All that know flows: tcpdump knows none.
        meters = ("ndpiReader", "nfpcapd", "softflowd", "argus", "suricata")
        there = [name for name in meters if self.runs.get("small_flows", {}).get(name)]
        if there:
            fastest = min(there, key=lambda name: median(self.runs["small_flows"][name], "wall"))
            ratio = over(spent("small_flows", fastest), spent("small_flows", "check"))
            yield f"small_flows: fastest peer ({fastest}) / check", AtLeast(10), None, ratio
            share = over(memory("small_flows", "check"), memory("small_flows", fastest))
            yield f"small_flows: peak memory / that of {fastest}", AtMost(1.0), None, share

    # How cost grows.

    def growth(self):
        code, part = 0, 20 if self.options.quick else 1
        for title, head, points in growth_points(part):
            rows = []
            for label, workload, wishes, endings in points:
                path = self.write(workload, "growth", **wishes)
                cells = []
                for ending in endings:
                    command = [self.camsentry, "check", "--site", path + ending, path + ".pcap"]
                    runs = [run(command) for _ in range(self.options.rounds)]
                    cells += per_packet(runs, packets_of(path + ".pcap"))
                    code = code if all(runs) else 2
                rows.append([label, *cells])
                os.remove(path + ".pcap")
            self.print_table(title, head, rows)
        return code

    def print_table(self, title, head, rows):
        if self.options.markdown:
            print(f"\n{title}\n\n| {' | '.join(head)} |\n|---|{'--:|' * (len(head) - 1)}")
            for row in rows:
                print(f"| {' | '.join(row)} |")
        else:
            print(f"\n{title}")
            widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
            for row in [head, *rows]:
                cells = [f"{cell:>{width}}" if place else f"{cell:{width}}" for place, (cell, width) in enumerate(zip(row, widths))]
                print("  ".join(cells).rstrip())
        sys.stdout.flush()


def growth_points(part):
    """Title, head and points of each table: label, workload, its size, and the sites that it is judged with."""
    cost = ["ns of wall time", "ns of CPU time", "peak MiB"]
    vms, few, many = PACKETS["vms_mix"] // part, 1_000_000 // part, 4_000_000 // part
    numbers = (1, 2, 4)
    points = [(grouped(n * vms // 4), "vms_mix", {"packets": n * vms // 4}, [".toml"]) for n in numbers]
    yield "packets: vms_mix, cost of a packet", ["packets", *cost], points
    numbers = [n // part for n in (10_000, 30_000, 100_000, 300_000, 1_000_000)]
    points = [(grouped(n), "small_flows", {"packets": many, "flows": n}, [".toml"]) for n in numbers]
    yield f"flows: small_flows of {grouped(many)} packets", ["flows", *cost], points
    points = [
        (grouped(n), "new_flows", {"packets": PACKETS["new_flows"] // part}, [f".{n}.toml"])
        for n in (10, 100, 1_000, 10_000)
    ]
    yield "rules: new_flows, every packet asks for a ruling or a flow", ["rules", *cost], points
    numbers = (16, 64, 256, 1_024, 4_096)
    points = [(grouped(n), "vms_mix", {"packets": vms, "cameras": n}, [".toml"]) for n in numbers]
    yield "cameras: vms_mix", ["cameras", *cost], points
    numbers = [n for n in (1, 10, 100, 1_000, 10_000, 100_000) if part == 1 or n <= few]
    both = [".none.toml", ".toml"]
    points = [(grouped(n), "small_flows", {"packets": few, "flows": n}, both) for n in numbers]
    head = ["violations", *cost, *(f"{what}, all allowed" for what in cost)]
    yield f"open violations: small_flows of {grouped(few)} packets, each flow one", head, points


def packets_of(path):
    """Packets of a savefile of the generator: a workload may have a few more than were wanted."""
    count, place = 0, 24
    with open(path, "rb", buffering=1 << 20) as file:
        file.seek(place)
        while len(head := file.read(16)) == 16:
            file.seek(int.from_bytes(head[8:12], "little"), os.SEEK_CUR)
            count += 1
    return count


def per_packet(runs, packets):
    if not all(runs):
        return ["failed", "", ""]
    wall, cpu = (f"{median(runs, what) / packets * 1e9:.0f}" for what in ("wall", "cpu"))
    return [wall, cpu, f"{max(run['memory'] for run in runs):.0f}"]


def run(command):
    """Wall seconds, CPU seconds and peak MiB of one run; None if it did not end well or in time."""
    begin = time.monotonic()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    timer = threading.Timer(SECONDS, child.kill)
    timer.start()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - begin
    timer.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    # 1 says that violations were found.
    if child.returncode not in (0, 1):
        return None
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "memory": usage.ru_maxrss / 1024}


class AtMost:
    """A bound from above. What is printed decides: a ratio of 1.004 is 1.00."""

    def __init__(self, most, unit=""):
        self.most, self.unit, self.text = most, unit, f"≤ {most}{unit}"

    def holds(self, measured):
        return round(measured, 2) <= self.most

    def form(self, measured):
        return f"{measured:.0f}{self.unit}" if self.unit else f"{measured:.2f}"


class AtLeast(AtMost):
    """A bound from below."""

    def __init__(self, least):
        super().__init__(least)
        self.text = f"≥ {least}"

    def holds(self, measured):
        return round(measured, 2) >= self.most


class Yes:
    """Something that must be so."""

    text = "yes"

    def holds(self, measured):
        return measured

    def form(self, measured):
        return "yes" if measured else "no"


def median(runs, what):
    return statistics.median(run[what] for run in runs) if runs else None


def over(one, other):
    return one / other if one and other else None


def spread(runs, what):
    """`median (least–greatest)`."""
    values = [run[what] for run in runs]
    return f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def grouped(number):
    return f"{number:,}"


if __name__ == "__main__":
    main()
