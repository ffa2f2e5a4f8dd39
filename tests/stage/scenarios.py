"""What happens on the stage: the streams that are allowed, and the violations that are planted.

The table `PLANTED` is the paper: reason, severity, who, whom, port, and the rule that is violated, written by hand
from the guides (rules/*.toml, docs/verdicts.md). `camsentry` must find these, and nothing else.
"""

from dataclasses import dataclass
from typing import Callable

import peers
from world import ADDRESS
from world import World


@dataclass(frozen=True)
class Planted:
    """One violation and how it is done."""

    name: str
    reason: str
    severity: str
    orig: str
    resp: str
    port: int | None
    rule: str | None
    orig_role: str
    resp_role: str
    # None: the one before plants this too.
    plant: Callable[[World, "Planted"], object] | None

    def key(self):
        """What tells it from all others in records and events."""
        return self.reason, self.orig, self.resp, self.port


def host_of(address):
    return next(host for host, has in ADDRESS.items() if has == address)


def http(path="/", auth=None):
    """One request by hand."""
    def plant(world, paper):
        more = [auth] if auth else []
        return world.python(host_of(paper.orig), "talk.py", "http", paper.resp, paper.port, path, *more, limit=15)
    return plant


def tls(world, paper):
    """OpenSSL's client, which takes whatever the server offers, and asks for a page."""
    command = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | openssl s_client -connect {paper.resp}:{paper.port} -cipher ALL:@SECLEVEL=0 -quiet"
    return world.start(host_of(paper.orig), "sh", "-c", command, limit=15)


def play(transport, seconds):
    """FFmpeg plays the camera's stream for so long."""
    def plant(world, paper):
        return world.start(host_of(paper.orig), "ffmpeg", "-nostdin", "-loglevel", "error", "-rtsp_transport", transport, "-i",
                           f"rtsp://viewer:fixture@{paper.resp}:{paper.port}/stream", "-t", str(seconds), "-c", "copy", "-f", "null", "-",
                           limit=seconds + 20)
    return plant


def store(*options):
    """Samba's client puts a file on the file server."""
    def plant(world, paper):
        return peers.smbclient(world, host_of(paper.orig), f"put {__file__} {paper.name}.txt", *options, limit=20)
    return plant


def text(world, paper):
    """An event in free text, as some cameras send it."""
    return world.python(host_of(paper.orig), "talk.py", "text", paper.resp, paper.port, "motion detected\r\n", limit=15)


def mail(world, paper):
    return world.python(host_of(paper.orig), "talk.py", "mail", paper.resp, limit=15)


def sweep(world, paper):
    return world.python(host_of(paper.orig), "talk.py", "sweep", "10.20.0.17", 1, 64, limit=15)


def event_stream(world, paper):
    return world.python(host_of(paper.orig), "mobotix.py", "watch", peers.EVENT_STREAM, paper.resp, 4, limit=15)


# Factory setting that MOBOTIX's help page prints; nobody's password.
FACTORY = "YWRtaW46bWVpbnNt"

PLANTED = [
    # Goes on for twice the quiet time: it must stand all the while.
    Planted("client-plays-camera", "isolation", "high", "10.30.0.7", "10.20.0.18", 554, "XA01", "smart-client", "camera", play("tcp", 40)),
    Planted("camera-stores-by-smb", "isolation", "critical", "10.20.0.19", "10.10.0.20", 445, "XA01", "camera", "file-server", store()),
    Planted("camera-to-internet", "internet", "critical", "10.20.0.19", "203.0.113.9", 80, "XA03", "camera", "internet", http()),
    Planted("client-takes-event-stream", "no-rule", "high", "10.30.0.7", "10.20.1.5", 80, None, "smart-client", "mobotix-camera", event_stream),
    Planted("old-tls", "weak-tls", "medium", "10.30.0.8", "10.10.0.31", 443, "XA05", "management-client", "management-server", tls),
    Planted("expired-certificate", "weak-tls", "medium", "10.30.0.8", "10.10.0.32", 443, "XA06", "management-client", "management-server", tls),
    Planted("self-signed-certificate", "weak-tls", "medium", "10.30.0.10", "10.10.0.36", 443, "XA06", "smart-client", "management-server", tls),
    Planted("plain-http-on-443", "cleartext", "medium", "10.30.0.8", "10.10.0.35", 443, "XA04", "management-client", "management-server", http()),
    Planted("sweep-of-a-camera", "sweep", "medium", "10.30.0.66", "10.20.0.17", None, None, "smart-client", "camera", sweep),
    Planted("camera-mails", "obsolete", "medium", "10.20.0.20", "10.10.0.11", 25, "XP69", "camera", "recording-server", mail),
    Planted("camera-calls-recorder", "wrong-direction", "medium", "10.20.0.21", "10.10.0.11", 80, "XP66", "camera", "recording-server", http()),
    Planted("camera-sends-events", "off-by-default", "medium", "10.20.0.21", "10.10.0.12", 5432, "XP70", "camera", "recording-server", text),
    Planted("local-port-from-afar", "local-only", "high", "10.30.0.8", "10.10.0.31", 8080, "XP05", "management-client", "management-server", http()),
    Planted("web-where-rtsp-belongs", "wrong-service", "high", "10.10.0.12", "10.20.0.17", 554, "XP68", "recording-server", "camera", http()),
    Planted("rtsp-on-another-port", "wrong-port", "medium", "10.10.0.12", "10.20.0.18", 8554, "XP68", "recording-server", "camera", play("tcp", 3)),
    Planted("camera-without-password", "weak-protocol", "medium", "10.10.0.12", "10.20.0.22", 554, "XA11", "recording-server", "camera", play("udp", 3)),
    Planted("unknown-device", "unknown-device", "low", "10.30.9.9", "10.10.0.33", 443, "XA10", "unknown", "management-server", tls),
    Planted("client-mails", "no-rule", "high", "10.30.0.8", "10.10.0.11", 25, None, "management-client", "recording-server", mail),
    Planted("first-smb", "weak-protocol", "medium", "10.20.1.6", "10.10.0.20", 445, "MA04", "mobotix-camera", "file-server", store("-m", "NT1")),
    # One request, two violations: the password is the factory's, and it goes in clear.
    Planted("factory-password", "factory-password", "critical", "10.30.0.9", "10.20.1.6", 80, "MA04", "mxmc", "mobotix-camera",
            http("/control/control?section=general", FACTORY)),
    Planted("password-in-clear", "weak-protocol", "medium", "10.30.0.9", "10.20.1.6", 80, "MA04", "mxmc", "mobotix-camera", None),
]


def allowed_streams(world, seconds):
    """What goes on all the time and is allowed: these processes run until they are stopped."""
    recording = f"while :; do echo 'put {__file__} recording.bin'; sleep 1; done | " + " ".join(peers.smb_command(world))
    return [
        peers.player(world, "recorder", "cam-tcp", "tcp", limit=seconds),
        peers.player(world, "recorder", "cam-udp", "udp", limit=seconds),
        world.python("mxmc", "mobotix.py", "watch", peers.EVENT_STREAM, ADDRESS["mobotix"], seconds, limit=seconds + 5),
        world.start("mobotix", "sh", "-c", recording, limit=seconds),
        *[world.start("technician", "curl", "-sk", "-o", "/dev/null", f"https://10.10.0.{server}/stream", limit=seconds)
          for server in (33, 34)],
        world.start("technician", "sh", "-c", "while :; do for server in 33 34; do curl -sk --max-time 5 https://10.10.0.$server/;"
                    " done; ping -c 1 -W 1 10.10.0.33; sleep 1; done", limit=seconds),
    ]
