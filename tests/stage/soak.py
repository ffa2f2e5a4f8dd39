#!/usr/bin/env python3
"""Soak: the whole stage for as long as wanted, with load, streams, violations that come and go, scrapes and reloads.

    tests/stage/soak.py --camsentry target/release/camsentry --minutes 60 [--rate 20000] [--keep FOLDER]

Prints a line each minute and at the end the slope of the memory (a straight line through all but the first fifth), the
loss, and what the sender counted against what was read. Ends with 1 if a packet is unaccounted for or the slope is above
1 MiB/h (told as a fault only from 30 minutes on: before that a table that grows once looks like a slope).
"""

import argparse
import itertools
import os
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import run  # noqa: E402

MOST_SLOPE = 1.0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--camsentry", required=True, type=Path)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=int, default=20000, help="frames of 897 octets a second, beside the streams")
    parser.add_argument("--strangers", type=int, default=5, help="conversations of hosts that the site does not name, each second")
    parser.add_argument("--hosts", type=int, default=1000, help="how many such hosts there are: then they come again")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    return parser.parse_args()


def slope(points):
    """Least squares: units of y for each unit of x."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    below = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / below if below else 0.0


def sample(watch):
    """Memory in MiB, packets read, packets lost, processor seconds, descriptors."""
    samples = watch.samples()
    total = lambda name: sum(value for has, _, value in samples if has == name)  # noqa: E731
    return (total("process_resident_memory_bytes") / 2**20, total("camsentry_capture_packets_total"),
            total("camsentry_capture_lost_packets_total"), total("process_cpu_seconds_total"), total("process_open_fds"))


def inside(given):
    import faults
    import scenarios
    from stage import Stage
    from watch import Watch
    from watch import summary
    from world import World

    stage = Stage(given.camsentry.resolve(), Path(os.environ["STAGE_FOLDER"]), True)
    seconds = given.minutes * 60
    try:
        stage.open()
        faults.load_port(stage)
        watch = Watch(stage, "soak", ["span-trunk", faults.LOAD], extra=["--quiet-secs", "30", "--workers", str(given.workers)],
                      limit=seconds + 600)
        streams = scenarios.allowed_streams(stage.world, seconds + 300)
        senders = [stage.world.python("switch", "blast.py", "to-load", kind, 0, rate, limit=seconds + 300)
                   for kind, rate in [("media", given.rate), (f"strangers:{given.hosts}", given.strangers)]]
        plays = itertools.cycle([paper for paper in scenarios.PLANTED if paper.plant])
        points, began, told = [], time.monotonic(), 0
        while time.monotonic() - began < seconds:
            paper = next(plays)
            paper.plant(stage.world, paper)
            time.sleep(5)
            now = sample(watch)
            points.append(((time.monotonic() - began) / 3600, now[0]))
            if time.monotonic() - began > told * 60:
                told += 1
                stage.say(f"{now[0]:.1f} MiB, {now[1]:.0f} read, {now[2]:.0f} lost, {now[3]:.0f} s of processor, {now[4]:.0f} descriptors")
        for process in senders + streams:
            World.stop(process)
        sent = sum(faults.sent(sender) for sender in senders)
        time.sleep(2)
        code, took = watch.stop()
        last = summary(watch.new_events())
        read, lost = faults.packets(last)
        later = points[len(points) // 5:]
        grows = slope(later)
        stage.say(f"memory: {later[0][1]:.1f} MiB after a fifth, {later[-1][1]:.1f} MiB at the end, slope {grows:+.2f} MiB/h")
        stage.say(f"load sent {sent} of {read + lost} frames seen ({given.rate}/s asked, {sent / seconds:.0f}/s done);"
                  f" {lost} lost: {100 * lost / max(1, read + lost):.4f} %")
        stage.promise("every packet is accounted for", last["packets"]["unaccounted"] == 0 and read + lost >= sent, last["packets"])
        stage.promise("it ends with 0 within 2 s", code == 0 and took <= 2, f"{code} in {took:.2f} s")
        stage.promise(f"memory grows {MOST_SLOPE} MiB/h at most", grows <= MOST_SLOPE or given.minutes < 30, f"{grows:+.2f} MiB/h")
    finally:
        stage.close()
    return stage.result()


if __name__ == "__main__":
    options = arguments()
    sys.exit(inside(options) if "STAGE_FOLDER" in os.environ else run.outside(options))
