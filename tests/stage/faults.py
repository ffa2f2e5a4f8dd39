"""What goes wrong in months: stops under load, reloads, interfaces that go down, vanish and come back."""

import random
import re
import signal
import time

from watch import Watch
from watch import summary
from world import World
from world import call
from world import counter

PORT = 29490
LOAD = "span-load"


def load_port(stage):
    """A mirror port of its own, into which only the load is sent."""
    if not getattr(stage, "has_load_port", False):
        stage.world.mirror_port("load")
        stage.has_load_port = True


def blast(stage, kind, count, rate):
    return stage.world.python("switch", "blast.py", "to-load", kind, count, rate, limit=600)


def sent(process):
    """What the sender counted."""
    process.wait(60)
    found = re.search(r"sent (\d+) failed (\d+)", process.log.read_text())
    return int(found[1])


def packets(event):
    """Packets of a summary: read, and lost before they could be read."""
    return event["packets"]["read"], sum(event["packets"]["lost"].values())


def stops(stage):
    """SIGTERM under load, at random instants: each packet is in the summary, read or counted as lost."""
    load_port(stage)
    rounds = 100 if stage.full else 6
    chance = random.Random(5)
    missing, longest, total, lost_total = [], 0.0, 0, 0
    for round_ in range(rounds):
        watch = Watch(stage, f"stop-{round_}", [LOAD], PORT, extra=["--sandbox", "off"] if round_ % 2 else [])
        before = counter(LOAD, "rx_packets")
        running = blast(stage, "media", 0, 20000)
        time.sleep(0.3 + chance.random() * 0.7)
        if round_ % 2:
            # The sender stops, and the signal comes at once: what is in the ring must still be read.
            World.stop(running, signal.SIGKILL)
        received_first = counter(LOAD, "rx_packets") - before
        code, took = watch.stop()
        received_last = counter(LOAD, "rx_packets") - before
        World.stop(running)
        last = summary(watch.new_events())
        longest = max(longest, took)
        if code != 0 or last is None:
            missing.append(f"round {round_}: exit {code}, {'no summary' if last is None else ''} {watch.tail()[-200:]}")
            continue
        read, lost = packets(last)
        total, lost_total = total + read, lost_total + lost
        # With the sender still sending, what came between signal and end may be in it or not.
        if not received_first <= read + lost <= received_last or last["packets"]["unaccounted"]:
            missing.append(f"round {round_}: {read} + {lost}, received {received_first} to {received_last}")
        watch.events_file.unlink()
    stage.promise(f"{rounds} stops under load: no packet is unaccounted for", not missing,
                  missing[:3] or f"{total} packets read, {lost_total} counted as lost")
    stage.promise("each stop takes 2 s at most", longest <= 2, f"most {longest:.2f} s")


def overflow(stage):
    """The sensor stands still and its ring runs over: what is lost is counted, to the packet."""
    load_port(stage)
    wrong, total_lost, metric = [], 0, 0
    rounds = 10 if stage.full else 2
    for round_ in range(rounds):
        watch = Watch(stage, f"overflow-{round_}", [LOAD], PORT, extra=["--ring-mib", "1"])
        before = counter(LOAD, "rx_packets")
        running = blast(stage, "media", 0, 10000)
        time.sleep(0.5)
        watch.send_signal(signal.SIGSTOP)
        time.sleep(1)
        watch.send_signal(signal.SIGCONT)
        time.sleep(0.5)
        World.stop(running, signal.SIGKILL)
        metric = watch.value("camsentry_capture_lost_packets_total") or 0
        received = counter(LOAD, "rx_packets") - before
        code, _ = watch.stop()
        last = summary(watch.new_events())
        read, lost = packets(last) if last else (0, 0)
        total_lost += lost
        if code != 0 or read + lost != received or not lost or last["packets"]["unaccounted"]:
            wrong.append(f"round {round_}: exit {code}, {read} + {lost}, received {received}")
    stage.promise(f"{rounds} overflows: read and lost are what was received, exactly", not wrong, wrong or f"{total_lost} lost and counted")
    stage.promise("loss is in the metric while it runs", metric > 0, f"{metric:.0f}")


def idle(stage):
    """SIGTERM and SIGINT where nothing arrives."""
    load_port(stage)
    for how in [signal.SIGTERM, signal.SIGINT]:
        watch = Watch(stage, f"idle-{how.name}", [LOAD], PORT)
        time.sleep(0.5)
        code, took = watch.stop(how)
        stage.promise(f"{how.name} on an idle interface: ends with 0 within 2 s", code == 0 and took <= 2, f"{code} in {took:.2f} s")


SITES = {
    # Under each, one port is allowed; unknown devices are as bad as nothing else in the other.
    "A": ('\n[severity]\nunknown-device = "critical"\n', 4000),
    "B": ('\n[severity]\nunknown-device = "low"\n', 4001),
}


def site_text(stage, which):
    severity, port = SITES[which]
    rule = (f'\n[[allow]]\nid = "stage-{which}"\nfrom = ["unknown"]\nto = ["management-server"]\ntransport = "udp"\n'
            f'ports = "{port}"\nservices = "port-only"\ntls = "none"\npurpose = "Whoever asks here may."\n')
    return stage.site.read_text() + severity + rule


class Reloading:
    """A watch whose site file is changed under it."""

    def __init__(self, stage):
        self.site = stage.folder / "reload.toml"
        self.texts = {which: site_text(stage, which) for which in SITES} | {"broken": "monitored = [\n"}
        self.site.write_text(self.texts["A"])
        self.watch = Watch(stage, "reload", [LOAD], PORT, site=self.site, extra=["--quiet-secs", "20", "--events-max-mib", "4096"])
        self.hashes = {"A": self.hash()}
        self.took = []
        self.wrong = []

    def hash(self):
        return [labels["hash"] for name, labels, value in self.watch.samples() if name == "camsentry_policy_info" and value == 1]

    def is_good(self):
        return self.watch.value("camsentry_config_last_reload_successful") == 1

    def change(self, which, by_signal):
        """Writes another site file, and waits until the metrics say what became of it."""
        before = self.hash()
        wanted = lambda: not self.is_good() if which == "broken" else self.is_good() and self.hash() != before  # noqa: E731
        if which != "broken" and self.hashes.get(which) == before:
            return
        began = time.monotonic()
        self.site.write_text(self.texts[which])
        if by_signal:
            self.watch.send_signal(signal.SIGHUP)
        while not wanted() and time.monotonic() - began < 15:
            time.sleep(0.05)
        self.took.append(time.monotonic() - began)
        now = self.hash()
        expected = before if which == "broken" else self.hashes.setdefault(which, now)
        if now != expected or self.is_good() == (which == "broken"):
            self.wrong.append(f"{which}: {now}, expected {expected}")


def reloads(stage):
    """Reloads under load, by SIGHUP and by a changed file: each verdict is of one policy; a broken site changes nothing."""
    load_port(stage)
    reloading = Reloading(stage)
    rounds, rate = (30, 100) if stage.full else (1, 300)
    running = blast(stage, "strangers", 0, rate)
    # Some are settled, judged and, by the end, quiet for long enough to be closed.
    time.sleep(15)
    for _ in range(rounds):
        for which, by_signal in [("B", True), ("broken", False), ("A", False)]:
            reloading.change(which, by_signal)
            time.sleep(1)
    World.stop(running)
    time.sleep(2)
    code, _ = reloading.watch.stop()
    stage.promise(f"{len(reloading.took)} reloads: each site comes into force or, broken, leaves the old one in force and is said",
                  not reloading.wrong, reloading.wrong[:3] or "")
    stage.promise("each within 10 s", max(reloading.took) <= 10, f"most {max(reloading.took):.2f} s")
    events = reloading.watch.new_events()
    once_only(stage, events)
    mixture(stage, events, {which: has[0] for which, has in reloading.hashes.items() if has})
    last = summary(events)
    stage.promise("the watch that was reloaded ends in good order, every packet accounted for",
                  code == 0 and last is not None and last["packets"]["unaccounted"] == 0, last and last["packets"])


def once_only(stage, events):
    """Each of these hosts sends one packet and no more: that is all that may ever be told of it."""
    told = [event for event in events if event["type"] == "violation-event"]
    later = {event["id"] for event in told if float(event["last_seen"]) != float(event["first_seen"])}
    closed, back = set(), set()
    for event in told:
        if event["event"] == "closed":
            closed.add(event["id"])
        elif event["event"] in ("opened", "reopened") and event["id"] in closed:
            back.add(event["id"])
    stage.promise("one packet is seen at one time, and a violation that was closed does not come back without another",
                  not later and not back, f"{len(told)} events of {len({event['id'] for event in told})} violations, {len(closed)} closed, "
                  f"{len(later)} with a later time, {len(back)} came back")


def mixture(stage, events, hashes):
    """Each opened violation is told as one policy tells it, and policies follow one another as they were loaded."""
    names = {hash_: which for which, hash_ in hashes.items()}
    in_force, wrong, told_by = "A", [], {"A": 0, "B": 0}
    reloaded = sum(1 for event in events if event["type"] == "reloaded")
    failed = sum(1 for event in events if event["type"] == "reload-failed")
    for event in events:
        if event["type"] == "reloaded":
            in_force = names.get(event.get("policy_hash"), event.get("policy_hash"))
        if event["type"] != "violation-event" or event["event"] not in ("opened", "reopened"):
            continue
        which = names.get(event["policy_hash"])
        severity = {"A": ("critical", "high"), "B": ("low", "info")}.get(which, ())
        told_by[which] = told_by.get(which, 0) + 1
        if which != in_force or event["severity"] not in severity or event["port"] == SITES[which][1]:
            wrong.append((which, in_force, event["severity"], event["port"], event["event"]))
    stage.promise("no verdict under a mixture of policies: hash, severity and rule agree, in the order of reloads",
                  not wrong and all(told_by.get(which) for which in "AB"),
                  wrong[:3] or f"{told_by} violations, {reloaded} reloads, {failed} refused")


def links(stage):
    """The interface goes down and up, is deleted and made again: noticed, said, survived."""
    load_port(stage)
    watch = Watch(stage, "links", [LOAD], PORT)
    is_up = lambda: watch.value("camsentry_capture_interface_up", interface=LOAD)  # noqa: E731
    read = lambda: watch.value("camsentry_capture_packets_total", interface=LOAD) or 0  # noqa: E731
    descriptors = lambda: watch.value("process_open_fds")  # noqa: E731
    noticed, resumed, unread = [], [], 0

    def turns(value, into):
        began = time.monotonic()
        while is_up() != value and time.monotonic() - began < 10:
            time.sleep(0.05)
        into.append(time.monotonic() - began)

    def resumes():
        """A packet that is sent now is counted soon."""
        nonlocal unread
        before, began = read(), time.monotonic()
        while read() <= before and time.monotonic() - began < 10:
            sent(blast(stage, "media", 10, 0))
            time.sleep(0.05)
        if read() <= before:
            unread += 1
        resumed.append(time.monotonic() - began)

    before = descriptors()
    for _ in range(20 if stage.full else 4):
        call("ip", "link", "set", LOAD, "down")
        turns(0, noticed)
        call("ip", "link", "set", LOAD, "up")
        turns(1, noticed)
        resumes()
    stage.promise("down and up: each is in the metric within 2 s", max(noticed) <= 2, f"{len(noticed)} changes, most {max(noticed):.2f} s")
    stage.promise("down and up: capture goes on within 1 s of the metric", not unread and max(resumed) <= 1, f"most {max(resumed):.2f} s")
    noticed, resumed = [], []
    for _ in range(5 if stage.full else 2):
        call("ip", "link", "del", LOAD)
        turns(0, noticed)
        gone = noticed[-1]
        stage.world.mirror_port("load")
        turns(1, noticed)
        resumes()
        stage.say(f"deleted: noticed after {gone:.2f} s; made again: open after {noticed[-1]:.2f} s")
    stage.promise("deleted: in the metric within 2 s", max(noticed[0::2]) <= 2, f"most {max(noticed[0::2]):.2f} s")
    stage.promise("made again: captured again within 6 s", not unread and max(noticed[1::2]) <= 6, f"most {max(noticed[1::2]):.2f} s")
    resumed = []
    for _ in range(5 if stage.full else 1):
        for old, new in [(LOAD, "span-else"), ("span-else", LOAD)]:
            call("ip", "link", "set", old, "down")
            call("ip", "link", "set", old, "name", new)
            call("ip", "link", "set", new, "up")
            resumes()
    stage.promise("renamed: listened to under any name, within 2 s", not unread and max(resumed) <= 2, f"most {max(resumed):.2f} s")
    after = descriptors()
    stage.promise("no descriptor leaks", before is not None and after is not None and after <= before + 2, f"{before} before, {after} after")
    code, took = watch.stop()
    stage.promise("and it still ends in good order", code == 0 and took <= 2, f"{code} in {took:.2f} s")
