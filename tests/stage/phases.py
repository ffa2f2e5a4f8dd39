"""What is played, in this order."""

import signal
import struct
import time

import scenarios
from scenarios import PLANTED
from world import MIRRORS
from world import World


def record(stage, name):
    """tcpdump on every mirror port; gives what ends them, and the files."""
    files = {mirror: stage.folder / f"{name}-{mirror}.pcap" for mirror in MIRRORS}
    dumps = [
        stage.world.start(None, "tcpdump", "-Z", "root", "-i", f"span-{mirror}", "-s", "0", "-B", "16384", "-U", "-w", file,
                          name=f"tcpdump-{name}-{mirror}", limit=600)
        for mirror, file in files.items()
    ]
    time.sleep(1)

    def end():
        time.sleep(1.5)
        for dump in dumps:
            World.stop(dump, signal.SIGINT)
        return files

    return end


def told(records, kind):
    return [record for record in records if record["type"] == kind]


def key(record):
    return record["reason"], record["orig"]["address"], record["resp"]["address"], record["port"]


def compare(stage, where, found, papers, severities=True):
    """Holds records of violations to the paper: all of it, and nothing else."""
    found = {key(record): record for record in found}
    expected = {paper.key(): paper for paper in papers}
    for missed in expected.keys() - found.keys():
        stage.promise(f"{where}: {expected[missed].name} is found", False, missed)
    for extra in found.keys() - expected.keys():
        stage.promise(f"{where}: nothing else is found", False, f"{extra} {found[extra]['rule']} {found[extra]['message']}")
    for both in expected.keys() & found.keys():
        paper, record = expected[both], found[both]
        said = (record["rule"], record["orig"]["role"], record["resp"]["role"], record["severity"])
        wanted = (paper.rule, paper.orig_role, paper.resp_role, paper.severity)
        if not severities:
            said, wanted = said[:3], wanted[:3]
        if said != wanted:
            stage.promise(f"{where}: {paper.name} is told as the paper says", False, f"{said}, paper: {wanted}")
    stage.promise(f"{where}: all of {len(expected)} planted violations and no other", found.keys() == expected.keys(),
                  f"{len(found)} found")


def capture(stage):
    """tcpdump on the mirror ports, then `camsentry check`: site, traffic and paper are right."""
    end = record(stage, "planted")
    streams = scenarios.allowed_streams(stage.world, 120)
    time.sleep(2)
    plants = []
    for paper in PLANTED:
        if paper.plant:
            plants.append((paper, paper.plant(stage.world, paper)))
            time.sleep(0.3)
    for paper, process in plants:
        code = process.wait(90)
        if code not in (0, 1):
            stage.say(f"{paper.name} ended with {code}: {process.log.read_text()[-200:]}")
    in_the_middle = record(stage, "middle")
    time.sleep(6)
    middle = in_the_middle()
    running = [stream.poll() is None for stream in streams]
    stage.promise("the allowed streams run all the time", all(running), "" if all(running) else running)
    for stream in streams:
        World.stop(stream)
    files = end()
    records = {mirror: stage.check(file) for mirror, file in files.items()}
    compare(stage, "capture of one trunk port", told(records["trunk"], "violation"), PLANTED)
    compare(stage, "capture of both ends", told(records["both"], "violation"), PLANTED)
    same_totals(stage, "capture", records["trunk"][-1], records["both"][-1], late=late_copies(files["both"]))
    for mirror in ["down", "up"]:
        only_planted(stage, f"capture of one direction, {mirror}", told(records[mirror], "violation"))
    for mirror, file in middle.items():
        records = stage.check(file)
        found = [record["message"] for record in told(records, "violation")]
        stage.promise(f"captured in the middle of running streams, {mirror}: no violation", not found, found or
                      f"{records[-1]['packets']['read']} packets, {records[-1]['conversations']}")


def tries_of_sweeps(found):
    """Records of the single tries of a planted sweep: told until the sweep is known as one, or where one side only is
    seen and so who began is not known."""
    planted = {paper.key() for paper in PLANTED}
    swept = {(paper.orig, paper.resp) for paper in PLANTED if paper.reason == "sweep"}
    return [record for record in found if key(record) not in planted and key(record)[1:3] in swept]


def only_planted(stage, where, found):
    """Half of the traffic may hide a violation, but must not make one up."""
    planted, tries = {paper.key() for paper in PLANTED}, tries_of_sweeps(found)
    false = [record["message"] for record in found if key(record) not in planted and record not in tries]
    stage.promise(f"{where}: no false violation", not false,
                  false or f"{len(found) - len(tries)} of {len(PLANTED)} planted ones found, {len(tries)} tries of the sweep")


def late_copies(capture):
    """How many second copies came so late that nobody can tell them from a repetition: more than 5 ms after the first;
    4 are counted, since each listener has a clock reading of its own. A switch copies within microseconds, but on a busy
    machine a namespace may have to wait for its processor."""
    octets = capture.read_bytes()
    order = "<" if octets[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    per_second = 10**9 if octets[:4] in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d") else 10**6
    seen, late, at = {}, 0, 24
    while at + 16 <= len(octets):
        seconds, part, length, _ = struct.unpack_from(order + "IIII", octets, at)
        frame, time = octets[at + 30 : at + 16 + length], seconds + part / per_second
        first = seen.pop(frame, None)
        if first is None:
            seen[frame] = time
        elif time - first > 0.004:
            late += 1
        at += 16 + length
    return late


def same_totals(stage, where, one, both, what="both ports mirrored", late=0):
    """All totals as if each packet had come once, and by one way; `late` copies may have been taken for packets."""
    judged = both["packets"]["judged"]
    if one["packets"]["judged"] < judged <= one["packets"]["judged"] + late:
        judged = one["packets"]["judged"]
        what += f" ({late} copies may have come more than 5 ms late)"
    once = (one["packets"]["judged"], one["flows"]["total"], one["conversations"], one["violations"])
    twice = (judged, both["flows"]["total"], both["conversations"], both["violations"])
    differ = [f"{a} != {b}" for a, b in zip(once, twice) if a != b]
    stage.promise(f"{where}: {what} give the totals of one port", not differ, differ or
                  f"one port: {once[0]} packets judged of {one['packets']['read']}; these: {twice[0]} of {both['packets']['read']},"
                  f" {both['packets']['duplicates']} copies")
