"""`camsentry watch` on all mirror ports while violations are planted: found, told, alerted, cleared, in time."""

import time

import scenarios
from monitor import Monitor
from phases import compare
from phases import key
from phases import late_copies
from phases import only_planted
from phases import record
from phases import same_totals
from phases import told
from phases import tries_of_sweeps
from scenarios import PLANTED
from watch import Watch
from watch import summary
from world import MIRRORS
from world import World
from world import counter

QUIET = 20
# The promise: seconds from the first packet to event, metric and alert; and beyond the quiet time until it clears.
PROMISE = 15
# One sensor on each mirror port and one, with two workers, on the two directions as a TAP gives them, all there before the
# streams are; and one more on the first port that comes late.
INTERFACES = {**{mirror: [f"span-{mirror}"] for mirror in MIRRORS}, "tap": ["span-up", "span-down"], "late": ["span-trunk"]}
WORKERS = {"tap": "2"}
PORTS = {sensor: 29477 + number for number, sensor in enumerate(INTERFACES)}


class Seen:
    """When what was seen of one planted violation, on the monotonic clock."""

    def __init__(self):
        self.planted = self.over = None
        self.event = self.metric = self.alert = None
        self.closed = self.metric_gone = self.alert_gone = None
        self.too_early = False


def labels_of(paper):
    return {"policy_rule": paper.rule or "", "reason": paper.reason, "orig_role": paper.orig_role, "resp_role": paper.resp_role}


def has(labels, wanted):
    return all(labels.get(name, "") == value for name, value in wanted.items())


class Look:
    """Looks at events, metrics and alerts of the sensor on the trunk, again and again."""

    def __init__(self, watch, monitor):
        self.watch = watch
        self.monitor = monitor
        self.seen = {paper.key(): Seen() for paper in PLANTED}
        self.events = []
        self.first = {}

    def once(self):
        now = time.monotonic()
        for event in self.watch.new_events():
            self.events.append(event)
            seen = self.seen.get(key(event)) if event["type"] == "violation-event" else None
            if seen and event["event"] in ("opened", "reopened"):
                seen.event = seen.event or now
                seen.closed = None
                self.first[key(event)] = float(event["first_seen"])
            elif seen and event["event"] in ("closed", "withdrawn"):
                seen.closed = now
                seen.too_early |= seen.over is None
        standing = [labels for name, labels, value in self.watch.samples() if name == "camsentry_violations_open" and value > 0]
        alerts = [labels for labels in self.monitor.alerts()
                  if "Violation" in labels.get("alertname", "") and labels.get("instance") == "trunk"]
        now = time.monotonic()
        for paper in PLANTED:
            seen, wanted = self.seen[paper.key()], labels_of(paper)
            stands = any(has(labels, wanted) for labels in standing)
            fires = any(has(labels, wanted) for labels in alerts)
            seen.metric = seen.metric or (now if stands else None)
            seen.alert = seen.alert or (now if fires else None)
            if seen.metric and not stands:
                seen.metric_gone = seen.metric_gone or now
            if seen.alert and not fires:
                seen.alert_gone = seen.alert_gone or now

    def until(self, done, seconds):
        """Goes on looking until `done`, or for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not done():
            self.once()
            time.sleep(0.1)


def plant_all(stage, look):
    """Plants one after the other, looking all the time."""
    running = []
    for paper in PLANTED:
        seen = look.seen[paper.key()]
        if paper.plant:
            began = seen.planted = time.monotonic()
            process = paper.plant(stage.world, paper)
            same = [seen]
            running.append((process, same))
        else:
            seen.planted = began
            same.append(seen)
        look.until(lambda: False, 0.6)
        reap(running)
    while running:
        look.until(lambda: False, 0.2)
        reap(running)


def reap(running):
    """A planted violation is over when its process has ended: nothing of it comes after that."""
    for process, same in list(running):
        if process.poll() is not None:
            for seen in same:
                seen.over = time.monotonic()
            running.remove((process, same))


def table(stage, look):
    """What was measured, one line for each violation."""
    stage.say(f"{'planted':28} {'event':>7} {'metric':>7} {'alert':>7}   after its end: {'closed':>7} {'metric':>7} {'alert':>7}")
    figures = {name: [] for name in ["event", "metric", "alert", "closed", "metric_gone", "alert_gone"]}
    for paper in PLANTED:
        seen = look.seen[paper.key()]
        cells = []
        for name in figures:
            since = seen.planted if name in ("event", "metric", "alert") else seen.over
            at = getattr(seen, name)
            took = at - since if at and since else None
            figures[name].append(took)
            cells.append(f"{took:7.2f}" if took is not None else "  never")
        stage.say(f"{paper.name:28} {' '.join(cells[:3])}                  {' '.join(cells[3:])}")
    return figures


def hold(stage, words, figures, limit):
    never = sum(1 for took in figures if took is None)
    most = max((took for took in figures if took is not None), default=0)
    stage.promise(f"{words} within {limit} s", never == 0 and most <= limit,
                  f"{len(figures) - never} of {len(figures)}, most {most:.1f} s")


def sensor(stage, name):
    extra = ["--quiet-secs", str(QUIET), "--workers", WORKERS.get(name, "1")]
    return Watch(stage, name, INTERFACES[name], PORTS[name], extra=extra)


def live(stage):
    """watch on every mirror port: each planted violation in event, metric and alert in time, nothing else, and cleared."""
    watches = {name: sensor(stage, name) for name in INTERFACES if name != "late"}
    end_dump = record(stage, "live")
    began = time.monotonic()
    streams = scenarios.allowed_streams(stage.world, 400)
    monitor = Monitor(stage, {port: name for name, port in PORTS.items()})
    stage.say(f"Prometheus and Alertmanager run, with the {'shipped' if monitor.shipped else 'least'} rules")
    time.sleep(2)
    watches["late"] = sensor(stage, "late")
    look = Look(watches["trunk"], monitor)
    look.until(lambda: False, 8)
    nothing_yet(stage, watches, look)

    plant_all(stage, look)
    look.until(lambda: all(seen.alert and seen.event and seen.metric for seen in look.seen.values()), PROMISE + 5)
    look.until(lambda: all(seen.alert_gone and seen.closed and seen.metric_gone for seen in look.seen.values()), QUIET + PROMISE + 10)
    figures = table(stage, look)
    hold(stage, "every violation is in the event file", figures["event"], PROMISE)
    hold(stage, "every violation is in /metrics", figures["metric"], PROMISE)
    hold(stage, "every violation is in Alertmanager", figures["alert"], PROMISE)
    for name, words in [("closed", "has its closing event"), ("metric_gone", "is 0 in /metrics"), ("alert_gone", "is gone from Alertmanager")]:
        hold(stage, f"every violation {words} after its end", figures[name], QUIET + PROMISE)
    early = [paper.name for paper in PLANTED if look.seen[paper.key()].too_early]
    stage.promise("no violation is closed while it goes on", not early, early or f"the first {min(filter(None, figures['closed'])):.1f} s"
                  " after its end")
    first_only(stage, "events of one trunk port", look.events)

    one_way = lambda: {alert.get("instance") for alert in monitor.alerts() if "OneWay" in alert.get("alertname", "")}  # noqa: E731
    look.until(lambda: {"up", "down"} <= one_way(), 60 if stage.full else 30)
    firing = one_way()
    stage.promise("the alert for a one-way mirror fires for both one-way mirrors and for no other", firing == {"up", "down"},
                  f"{sorted(firing)}, {time.monotonic() - began:.0f} s after the start")
    complaints = monitor.complaints()
    stage.promise("Prometheus scrapes every sensor and evaluates every rule", not complaints, complaints or "")
    finish(stage, watches, streams, look, end_dump)


def nothing_yet(stage, watches, look):
    """Streams run for a while, and nothing is planted."""
    opened = {name: [event["message"] for event in told(watch.new_events(), "violation-event")]
              for name, watch in watches.items() if name != "trunk"}
    opened["trunk"] = [event["message"] for event in told(look.events, "violation-event")]
    read = {name: watch.value("camsentry_capture_packets_total") or 0 for name, watch in watches.items()}
    stage.promise("allowed streams alone: no violation on any mirror port, whether watched from their start or from their middle",
                  not any(opened.values()) and all(read.values()), {name: opened[name] or f"{read[name]:.0f} packets" for name in watches})


def first_only(stage, where, events):
    """One violation for each cause: nothing was opened that is not planted, and nothing twice."""
    opened = [event for event in told(events, "violation-event") if event["event"] == "opened"]
    tries = tries_of_sweeps(opened)
    compare(stage, where, [event for event in opened if event not in tries], PLANTED, severities=False)
    ended = {event["id"] for event in told(events, "violation-event") if event["event"] in ("folded", "withdrawn", "closed")}
    if tries:
        stage.promise(f"{where}: tries of the sweep that were told one by one were folded into it", all(one["id"] in ended for one in tries),
                      f"{len(tries)} tries")
    ids = [event["id"] for event in opened]
    twice = {event["message"] for event in opened if ids.count(event["id"]) > 1}
    stage.promise(f"{where}: no cause is opened twice", not twice, twice or "")


def finish(stage, watches, streams, look, end_dump):
    for stream in streams:
        World.stop(stream)
    look.until(lambda: False, 2)
    captures = end_dump()
    ends = {name: watch.stop() for name, watch in watches.items()}
    stage.promise("SIGTERM: each ends with 0 within 2 s", all(code == 0 and took <= 2 for code, took in ends.values()),
                  {name: f"{code} in {took:.2f} s" for name, (code, took) in ends.items()})
    look.events += watches["trunk"].new_events()
    events = {name: look.events if name == "trunk" else watch.new_events() for name, watch in watches.items()}
    first_only(stage, "events of both ends", events["both"])
    first_only(stage, "events of a TAP's two directions", events["tap"])
    first_only(stage, "events of the late sensor", events["late"])
    for mirror in ["up", "down"]:
        opened = [event for event in told(events[mirror], "violation-event") if event["event"] == "opened"]
        only_planted(stage, f"events of one direction, {mirror}", opened)
    sums = {name: summary(told_) for name, told_ in events.items()}
    if stage.promise("each has a summary as its last event", all(sums.values()), "" if all(sums.values()) else sums):
        same_totals(stage, "live", sums["trunk"], sums["both"], late=late_copies(captures["both"]))
        same_totals(stage, "live", sums["trunk"], sums["tap"], "the two directions as two interfaces, two workers")
        whole = {name: sum_["packets"]["unaccounted"] for name, sum_ in sums.items()}
        stage.promise("every packet is accounted for", not any(whole.values()), whole)
    sent = {mirror: counter(f"span-{mirror}", "tx_packets") for mirror in MIRRORS}
    stage.promise("not one packet was sent on a mirror port", not any(sent.values()), sent)
    checked = told(stage.check(captures["trunk"]), "violation")
    compare(stage, "check of what tcpdump wrote meanwhile", checked, PLANTED)
