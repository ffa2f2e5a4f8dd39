#!/usr/bin/env python3
"""Runs camsentry beside the limits of the machine and every peer that is installed, and prints the ratios.

Usage: benches/compare.py [--rounds N] [--floor PROGRAM] [--quick] [--folder DIR] [WORKLOAD...]

It builds camsentry and its workloads in release, writes the workloads into DIR (a temporary folder unless
given; about 3.5 GB, or a twentieth with --quick), and runs all programs of a workload in turn, N rounds
(default 5): whatever else the machine does meets all of them. A figure is the median of the rounds with the least
and the greatest; a ratio compares medians of the same run. CPU is user and system time together.

`cat` is the limit of reading. PROGRAM is a floor: called as `PROGRAM CAPTURE best-slice`, it should read, decode and
count flows and nothing else.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORKLOADS = {"vms_mix": 1_643_464, "small_flows_10k": 10_000_000, "small_flows": 10_000_000, "hostile_mix": 1_000_000}
SECONDS = 600


def build():
    """Builds what is measured; gives the folder of the programs."""
    command = ["cargo", "build", "--release", "--locked", "--bin", "camsentry", "--example", "workload"]
    subprocess.run(command, cwd=ROOT, check=True)
    return os.path.join(ROOT, "target", "release")


def programs(capture, built, floor, scratch):
    """Name and command of everything that reads `capture`."""
    site = capture.removesuffix(".pcap") + ".toml"
    camsentry = os.path.join(built, "camsentry")
    check = [camsentry, "check", "--site", site]
    rows = [("cat", ["cat", capture])]
    if floor:
        rows += [(f"floor {mode}", [floor, capture, mode]) for mode in ("best", "best-slice")]
    rows += [
        ("camsentry check", [*check, capture]),
        ("camsentry check --workers 2", [*check, "--workers", "2", capture]),
        ("camsentry check --flows", [*check, "--flows", os.path.join(scratch, "flows"), capture]),
        ("camsentry check, no site", [camsentry, "check", capture]),
    ]
    peers = [
        ("ndpiReader", ["ndpiReader", "-q", "-i", capture]),
        ("nfpcapd", ["nfpcapd", "-r", capture, "-w", scratch]),
        ("softflowd", ["softflowd", "-r", capture, "-n", "127.0.0.1:9"]),
        ("argus", ["argus", "-r", capture, "-w", os.path.join(scratch, "argus")]),
        ("suricata", ["suricata", "-r", capture, "-l", scratch, "--runmode", "single", "-S", "/dev/null"]),
        ("tcpdump -w /dev/null", ["tcpdump", "-r", capture, "-w", "/dev/null"]),
    ]
    return rows + [(name, command) for name, command in peers if shutil.which(command[0])]


def run(command):
    """Wall seconds, CPU seconds and peak MiB of one run; None if it did not end well or in time."""
    begin = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        wall = time.monotonic() - begin
        if pid:
            # 1 says that violations were found.
            ended = os.waitstatus_to_exitcode(status) in (0, 1)
            return (wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024) if ended else None
        if wall > SECONDS:
            child.kill()
            os.wait4(child.pid, 0)
            return None
        time.sleep(0.002)


def spread(values):
    """`median (least–greatest)`."""
    return f"{statistics.median(values):7.2f} ({min(values):.2f}–{max(values):.2f})"


def table(workload, rows, results):
    """Prints the figures of one workload."""
    packets, base = WORKLOADS[workload], "floor best-slice" if "floor best-slice" in results else "cat"
    print(f"\n{workload}: ratios of wall time to {base}")
    width = max(len(name) for name, _ in rows)
    print(f"{'':{width}}  {'wall s':>22}  {'CPU s':>22}  {'Mpkt/s':>7}  {'MiB':>6}  {'ratio':>6}")
    reference = statistics.median(wall for wall, _, _ in results[base]) if results.get(base) else None
    for name, _ in rows:
        runs = results.get(name)
        if not runs:
            print(f"{name:{width}}  did not end well, or not within {SECONDS} s")
            continue
        wall = statistics.median(run[0] for run in runs)
        ratio = f"{wall / reference:6.2f}" if reference else "     -"
        print(
            f"{name:{width}}  {spread([run[0] for run in runs]):>22}  {spread([run[1] for run in runs]):>22}"
            f"  {packets / wall / 1e6:7.2f}  {max(run[2] for run in runs):6.0f}  {ratio}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--floor")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--folder")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", default=list(WORKLOADS))
    options = parser.parse_args()
    unknown = [name for name in options.workloads if name not in WORKLOADS]
    if unknown:
        sys.exit(f"{', '.join(unknown)}: no such workload; there are {', '.join(WORKLOADS)}")
    built = build()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or scratch
        for workload in options.workloads:
            capture = os.path.join(folder, f"{workload}.pcap")
            if options.quick:
                WORKLOADS[workload] //= 20
            if not os.path.exists(capture):
                size = ["--packets", str(WORKLOADS[workload])]
                subprocess.run([os.path.join(built, "examples", "workload"), workload, capture, *size], check=True)
            rows = programs(capture, built, options.floor, scratch)
            results = {}
            for _ in range(options.rounds):
                for name, command in rows:
                    figures = run(command)
                    if figures:
                        results.setdefault(name, []).append(figures)
            table(workload, rows, results)


if __name__ == "__main__":
    main()
