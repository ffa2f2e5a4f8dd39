#!/usr/bin/env python3
"""Live capture side by side with libpcap alone, in a network namespace of its own.

    cargo build --release --bins --example live
    unshare -rn benches/live.py [--rate 300000] [--seconds 10] [--rounds 3] [--rings 2,16,64,256]

A sender on one end of a cable offers packets of 897 octets at a steady rate, by UDP segmentation that the
kernel does in software, so that they cross the cable one by one. On the other end listens, by turns, a lane
(`lane`: all that live capture does before decoding), a libpcap loop that only counts (`libpcap`), and the whole
program with all its threads (`watch`; one flow is judged), with the same ring. What arrived is held against the
sender's own count and against the interface's. The processor time is that of the receiving thread alone, of
`watch` that of the process; the least of all rounds.
"""
import argparse
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.request

ROOT = os.path.join(os.path.dirname(__file__), "..")
CAMSENTRY = os.path.join(ROOT, "target", "release", "camsentry")
SITE = os.path.join(ROOT, "fixtures", "captures", "demo", "site.toml")
PROGRAM = os.path.join(os.path.dirname(__file__), "..", "target", "release", "examples", "live")
SEGMENTS = 64
OCTETS = 897
PAYLOAD = OCTETS - 14 - 20 - 8
UDP_SEGMENT = 103
# The sender has the first processor, whoever listens the second, with all threads.
PIN = ["taskset", "-c", "1"] if os.cpu_count() > 1 else []


def shell(command):
    subprocess.run(command, shell=True, check=True)


def network():
    shell("ip link add ear type veth peer name mouth")
    shell("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1")
    # Packets are cut before the cable, not behind it.
    shell("ip link set mouth gso_max_segs 1")
    shell("ip link set lo up && ip link set ear up && ip link set mouth up && ip addr add 192.0.2.1/24 dev mouth")
    shell("ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev mouth")


def counters(interface):
    text = subprocess.run(["ip", "-s", "-j", "link", "show", interface], check=True, capture_output=True).stdout
    return json.loads(text)[0]["stats64"]


def send(rate, seconds):
    """Offers packets at this rate for so long; how many, and how many per second they were."""
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)
    out.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("i", PAYLOAD))
    out.connect(("192.0.2.2", 7563))
    data = bytes(PAYLOAD * SEGMENTS)
    start, sent = time.monotonic(), 0
    while True:
        now = time.monotonic() - start
        if now >= seconds:
            return sent, sent / now
        if sent < rate * now:
            out.send(data)
            sent += SEGMENTS
        else:
            time.sleep(0.0005)


def processor_nanos(process):
    """How long its threads ran on a processor; none of them ends while it watches."""
    tasks = f"/proc/{process.pid}/task"
    return sum(int(open(f"{tasks}/{task}/schedstat").read().split()[0]) for task in os.listdir(tasks))


def metric(text, name, having=""):
    lines = (line for line in text.splitlines() if line.startswith(name) and having in line)
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in lines)


def watch_round(ring, rate, seconds):
    command = PIN + [CAMSENTRY, "watch", "--site", SITE, "-i", "ear", "--ring-mib", str(ring)]
    program = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while "metrics:" not in program.stderr.readline():
        pass
    before, cpu = counters("mouth")["tx"]["packets"], processor_nanos(program)
    sent, real_rate = send(rate, seconds)
    time.sleep(1)
    cpu = processor_nanos(program) - cpu
    text = urllib.request.urlopen("http://127.0.0.1:29477/metrics").read().decode()
    program.send_signal(signal.SIGTERM)
    program.wait()
    lost = "camsentry_capture_lost_packets_total"
    return {"kind": "watch", "ring": ring, "sent": sent, "rate": real_rate, "cpu": cpu, "unread": 0,
            "frames": metric(text, "camsentry_capture_packets_total"), "kernel": metric(text, lost, '"kernel"'),
            "interface": metric(text, lost, '"interface"'),
            "crossed": counters("mouth")["tx"]["packets"] - before}


def one_round(kind, ring, rate, seconds):
    if kind == "watch":
        return watch_round(ring, rate, seconds)
    command = PIN + [PROGRAM, kind, "ear", str(ring), str(int(seconds) + 1)]
    listener = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    listener.stdout.readline()
    before = counters("mouth")["tx"]["packets"]
    sent, real_rate = send(rate, seconds)
    result = json.loads(listener.stdout.readline())
    listener.wait()
    result.update(kind=kind, ring=ring, sent=sent, rate=real_rate)
    result["crossed"] = counters("mouth")["tx"]["packets"] - before
    return result


def show(results):
    rate = max(result["rate"] for result in results)
    frames = results[0]["frames"] or 1
    cpu = min(result["cpu"] for result in results)
    lost = [result["sent"] - result["frames"] for result in results]
    counted = [result["kernel"] + result["interface"] for result in results]
    first = results[0]
    nanos = min(result["cpu"] / max(result["frames"], 1) for result in results)
    print(f"{first['ring']:>4} MiB  {first['kind']:<8}{rate / 1e6:7.3f} Mpps  lost {lost}, counted as lost {counted}"
          f"  {cpu / 1e9:6.3f} s  {nanos:6.1f} ns a packet ({frames} packets)", flush=True)
    return nanos


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rate", type=float, default=300_000)
    options.add_argument("--seconds", type=float, default=10)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--rings", default="2,16,64,256")
    options = options.parse_args()
    network()
    if os.cpu_count() > 1:
        os.sched_setaffinity(0, {0})
    is_bad = False
    for ring in map(int, options.rings.split(",")):
        rounds = [[one_round(kind, ring, options.rate, options.seconds) for kind in ("lane", "libpcap", "watch")]
                  for _ in range(options.rounds)]
        lane, libpcap, watch = (show(list(results)) for results in zip(*rounds))
        print(f"{ring:>4} MiB  a lane takes {lane / libpcap:.2f} times what libpcap alone takes, the whole program"
              f" {watch / libpcap:.2f} times", flush=True)
        for result in (result for kinds in rounds for result in (kinds[0], kinds[2])):
            unaccounted = result["crossed"] - result["frames"] - result["kernel"] - result["interface"]
            if unaccounted or result["unread"]:
                print(f"unaccounted for: {unaccounted}, {result}")
                is_bad = True
    sys.exit(is_bad)


if __name__ == "__main__":
    main()
