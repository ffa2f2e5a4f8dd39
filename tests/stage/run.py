#!/usr/bin/env python3
"""The stage: camsentry on a real mirror port of a real (if small) network, with real programs on its hosts.

    tests/stage/run.py --camsentry target/debug/camsentry [--full] [--only PHASE,PHASE] [--keep FOLDER]

Must be root; makes namespaces of its own, leaves nothing behind. Prints what it measured, `PASS` or `FAIL` for each
promise, and ends with 0 only if all are kept. Where the machine lacks a part it prints `skipped: ...` and ends with 77.
"""

import argparse
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

sys.dont_write_bytecode = True

import world as stage_world  # noqa: E402

SKIPPED = 77


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--camsentry", required=True, type=Path, help="the program under test")
    parser.add_argument("--full", action="store_true", help="all figures of docs/testing.md, not only the short form")
    parser.add_argument("--only", default="", help="phases by name, comma between them")
    parser.add_argument("--keep", type=Path, help="leave captures, logs and events in this folder")
    return parser.parse_args()


def outside(given):
    """Goes into namespaces of its own, which end with it: also with a SIGKILL."""
    lacks = stage_world.missing()
    if lacks:
        print(f"skipped: this machine lacks {', '.join(lacks)}")
        return SKIPPED
    folder = given.keep.resolve() if given.keep else Path(tempfile.mkdtemp(prefix="stage-"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    inner = None
    try:
        inner = subprocess.Popen(
            ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, *sys.argv],
            env={**os.environ, "STAGE_FOLDER": str(folder)}, preexec_fn=die_with_parent)
        return inner.wait()
    finally:
        if inner and inner.poll() is None:
            inner.kill()
            inner.wait()
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)


def die_with_parent():
    """Whatever becomes of this process, what it started ends with it (prctl: PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def inside(given):
    import faults
    import live
    import phases
    from stage import Stage

    stage = Stage(given.camsentry.resolve(), Path(os.environ["STAGE_FOLDER"]), given.full)
    every = {"capture": phases.capture, "live": live.live, "stops": faults.stops, "overflow": faults.overflow, "idle": faults.idle,
             "reloads": faults.reloads, "links": faults.links}
    only = [name for name in given.only.split(",") if name]
    if not only:
        # The live phase holds its own capture to the same paper, so the short form leaves this one out.
        only = list(every) if given.full else [name for name in every if name != "capture"]
    try:
        stage.open()
        for name in only:
            stage.phase(name, every[name])
    except Exception:  # noqa: BLE001 - whatever it was, it is told, and the stage is taken down
        traceback.print_exc(file=sys.stdout)
        stage.failed.append("the stage itself")
    finally:
        stage.close()
    return stage.result()


if __name__ == "__main__":
    options = arguments()
    sys.exit(inside(options) if "STAGE_FOLDER" in os.environ else outside(options))
