#!/usr/bin/env python3
"""Writes FOLDER/truth.json for the recognition example: what tshark recognises in each conversation.

Usage: label_with_tshark.py FOLDER        (every file in it that tshark reads; no subfolders)

A label is the protocol above the innermost TCP or UDP. tshark hands some ports to a dissector whatever is
said there, so for those of NEEDS the label counts only where a field of that protocol was really seen.
"""

import collections
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

SECONDS = 120
NEEDS = {
    "tls": ["tls.record.content_type", "tls.record.version", "tls.handshake.type"],
    "http": ["http.request.method", "http.response.code"],
    "rtsp": ["rtsp.method", "rtsp.status"],
    "ssh": ["ssh.protocol", "ssh.packet_length"],
    "tds": ["tds.type"],
}
FIELDS = [
    "frame.protocols", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport", "udp.srcport",
    "udp.dstport", "tcp.flags", "tcp.len", "udp.length",
] + [field for fields in NEEDS.values() for field in fields]
NOTHING = {"data", "_ws.malformed", "_ws.short", "tcp.segments"}


def frames(path):
    """Each frame as a dict of its fields; of a field that comes twice the innermost value."""
    command = ["tshark", "-r", path, "-T", "fields", "-E", "separator=/t", "-E", "aggregator=|", "-E", "occurrence=a"]
    for field in FIELDS:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
    for line in done.stdout.decode(errors="replace").split("\n"):
        values = line.split("\t")
        if len(values) == len(FIELDS):
            yield {field: value.split("|")[-1] for field, value in zip(FIELDS, values)}


def ends_of(frame):
    """Transport, both ends and what is above, or None if there is no conversation."""
    layers = frame["frame.protocols"].split(":")
    above = [at for at, layer in enumerate(layers) if layer in ("tcp", "udp")]
    if not above or "icmp" in layers or "icmpv6" in layers:
        return None
    transport, network = layers[above[-1]], [layer for layer in layers[: above[-1]] if layer in ("ip", "ipv6")]
    if not network:
        return None
    ends = [(frame[f"{network[-1]}.{way}"], frame[f"{transport}.{way}port"]) for way in ("src", "dst")]
    if not all(address and port for address, port in ends):
        return None
    rest = layers[above[-1] + 1 :]
    return transport, ends[0], ends[1], rest[1:] if rest[:1] == ["nbss"] and len(rest) > 1 else rest


def label_of(frame, above):
    """The protocol that is spoken; None if tshark knows none, or goes by the port alone."""
    if not above or above[0] in NOTHING:
        return None
    needs = NEEDS.get(above[0])
    return above[0] if needs is None or any(frame[field] for field in needs) else None


def conversations(path):
    """What truth.json says of one capture."""
    seen = {}
    for frame in frames(path):
        found = ends_of(frame)
        if found is None:
            continue
        transport, source, target, above = found
        record = seen.setdefault(
            (transport, *sorted([source, target])),
            {"client": source, "server": target, "apps": collections.Counter(), "payload": 0},
        )
        if transport == "tcp":
            if frame["tcp.flags"] and int(frame["tcp.flags"], 0) & 0x12 == 0x02:
                record["client"], record["server"] = source, target
            record["payload"] += int(frame["tcp.len"] or 0)
        else:
            record["payload"] += max(0, int(frame["udp.length"] or 8) - 8)
        label = label_of(frame, above)
        if label:
            record["apps"][label] += 1
    return [
        {
            "proto": transport,
            "client_ip": record["client"][0],
            "client_port": int(record["client"][1]),
            "server_ip": record["server"][0],
            "server_port": int(record["server"][1]),
            "app": next(iter(dict(record["apps"].most_common())), None),
            "apps": dict(record["apps"].most_common()),
            "payload_bytes": record["payload"],
        }
        for (transport, *_), record in seen.items()
    ]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = sys.argv[1]
    names = sorted(name for name in os.listdir(folder) if name != "truth.json")
    with ThreadPoolExecutor() as pool:
        labelled = list(pool.map(lambda name: conversations(os.path.join(folder, name)), names))
    files = {name: {"use": "classify", "conversations": found} for name, found in zip(names, labelled)}
    with open(os.path.join(folder, "truth.json"), "w", encoding="utf-8") as out:
        json.dump({"made_by": os.path.basename(__file__), "files": files}, out, indent=1)
    print(f"{len(files)} captures, {sum(map(len, labelled))} conversations")


if __name__ == "__main__":
    main()
