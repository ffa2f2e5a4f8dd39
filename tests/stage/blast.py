"""Puts frames on an interface, as fast as asked, and counts them itself.

    blast.py INTERFACE KIND COUNT RATE

KIND is `media`: the datagrams of sixty-four cameras to their recorder, always the same flows; or `strangers`: each frame
is from a host that was never seen and asks the management server for something, by turns on port 4000 and 4001; or
`strangers:N`: the same, but the hosts come again after N others.
COUNT 0: until SIGTERM. RATE is frames a second, 0: as fast as it goes. Prints how many frames the kernel took.
"""

import signal
import socket
import struct
import sys
import time


def frame(source, destination, ports, payload):
    """An Ethernet frame with a UDP datagram, checksums right (a UDP checksum of 0 is none: RFC 768)."""
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0x4000, 64, 17, 0, source, destination)
    total = sum(struct.unpack(">10H", ip))
    total = (total & 0xFFFF) + (total >> 16)
    total = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    ip = ip[:10] + struct.pack(">H", total) + ip[12:]
    udp = struct.pack(">HHHH", *ports, 8 + len(payload), 0)
    return b"\x02\x00\x0a\x0a\x00\x01" + b"\x02\x00" + source + b"\x08\x00" + ip + udp + payload


def media():
    """Frames of 897 octets; the number in RTP's header goes on, so that none is the mirror's copy of another."""
    number = 0
    while True:
        for camera in range(64):
            rtp = struct.pack(">BBHII", 0x80, 96, number & 0xFFFF, number * 3600 & 0xFFFFFFFF, camera + 1)
            yield frame(bytes([10, 20, 0, 100 + camera]), bytes([10, 10, 0, 11]), (6970 + 2 * camera, 50000 + 2 * camera),
                        rtp + bytes(843))
        number += 1


def strangers(hosts=32000):
    """Each from another address of 10.30.128.0/17, none of them a broadcast address of a network that is declared."""
    number = 0
    while True:
        high, low = divmod(number % hosts, 250)
        yield frame(bytes([10, 30, 128 + high % 128, 1 + low]), bytes([10, 10, 0, 31]), (40000, 4000 + number % 2), b"who is there?\n")
        number += 1


def main(interface, kind, count, rate):
    going = [True]
    signal.signal(signal.SIGTERM, lambda *_: going.clear())
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sender.bind((interface, 0))
    sent = failed = 0
    began = time.monotonic()
    name, _, hosts = kind.partition(":")
    for octets in media() if name == "media" else strangers(int(hosts or 32000)):
        if not going or (count and sent >= count):
            break
        try:
            sender.send(octets)
            sent += 1
        except OSError:
            failed += 1
            time.sleep(0.001)
        if rate and (sent % 32 == 0 or rate < 100):
            # In short sleeps, so that SIGTERM is heard between two frames of a slow load.
            while going and (early := sent / rate - (time.monotonic() - began)) > 0.0005:
                time.sleep(min(early, 0.1))
    print(f"sent {sent} failed {failed} seconds {time.monotonic() - began:.3f}", flush=True)


main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
