"""A MOBOTIX camera and its client, with the octets of the project's own writer.

    mobotix.py serve CAPTURE              answers on port 80 as the event stream of CAPTURE does, then goes on
    mobotix.py watch CAPTURE ADDRESS SECONDS

CAPTURE is a savefile of fixtures/captures. The dialogue (who says what, in which order) is read out of its first
connection that asks for the event stream; here it goes through two real TCP stacks.
"""

import socket
import struct
import sys
import threading
import time

ASKS = b"POST /control/eventstream.jpg"


def segments(file):
    """TCP segments of a savefile: (source, destination, payload)."""
    octets = open(file, "rb").read()
    order = "<" if octets[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at = 24
    while at + 16 <= len(octets):
        length = struct.unpack_from(order + "8xI", octets, at)[0]
        frame = octets[at + 16:at + 16 + length]
        at += 16 + length
        if frame[12:14] != b"\x08\x00" or frame[23] != 6:
            continue
        ip = frame[14:]
        head, total = (ip[0] & 15) * 4, struct.unpack_from(">H", ip, 2)[0]
        tcp = ip[head:total]
        ports = struct.unpack_from(">HH", tcp)
        yield (ip[12:16], ports[0]), (ip[16:20], ports[1]), tcp[(tcp[12] >> 4) * 4:]


def dialogue(file):
    """Turns of the event stream, (is it the client, octets); what one side says in a row is one turn."""
    of = {}
    for source, destination, payload in segments(file):
        if payload:
            of.setdefault(frozenset([source, destination]), []).append((source, payload))
    for said in of.values():
        client = said[0][0]
        if not any(source == client and payload.startswith(ASKS) for source, payload in said):
            continue
        turns = []
        for source, payload in said:
            if turns and turns[-1][0] == (source == client):
                turns[-1] = (turns[-1][0], turns[-1][1] + payload)
            else:
                turns.append((source == client, payload))
        return turns
    raise SystemExit(f"{file}: no event stream in it")


def pictures(turns):
    """The last thing that the camera says, from its first picture on: that can be said again and again."""
    last = turns[-1][1]
    return last[last.index(b"\xff\xd8\xff\xe0"):]


def read(peer, count):
    while count > 0:
        got = peer.recv(min(count, 65536))
        if not got:
            raise ConnectionError
        count -= len(got)


def answer(peer, turns):
    try:
        for is_client, octets in turns:
            read(peer, len(octets)) if is_client else peer.sendall(octets)
        while True:
            time.sleep(0.2)
            peer.sendall(pictures(turns))
    except OSError:
        peer.close()


def serve(file):
    turns = dialogue(file)
    listener = socket.create_server(("", 80), backlog=16)
    print("ready", flush=True)
    while True:
        peer, _ = listener.accept()
        threading.Thread(target=answer, args=(peer, turns), daemon=True).start()


def watch(file, address, seconds):
    turns = dialogue(file)
    end = time.monotonic() + seconds
    with socket.create_connection((address, 80), timeout=10) as peer:
        for is_client, octets in turns:
            peer.sendall(octets) if is_client else read(peer, len(octets))
        while time.monotonic() < end:
            read(peer, 1)


if sys.argv[1] == "serve":
    serve(sys.argv[2])
else:
    watch(sys.argv[2], sys.argv[3], float(sys.argv[4]))
