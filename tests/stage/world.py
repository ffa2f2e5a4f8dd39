"""A small surveillance network of Linux namespaces: two switches, a trunk, hosts, an internet, mirror ports.

    field switch                    core switch
    cameras, workstations  --trunk--  recorder, servers, router -- internet
                             |
                       mirror ports (tc clsact, u32, mirred)

The namespace that runs this script is the sensor: it holds the far ends of the mirror ports and a loopback,
nothing else. `unshare` around it (see run.py) makes everything vanish with the last process.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

# Where each host is plugged in, and its address. All are one subnet, so that no router's copies disturb.
FIELD = {
    "cam-tcp": "10.20.0.17",
    "cam-udp": "10.20.0.18",
    "cam-bad": "10.20.0.19",
    "cam-mail": "10.20.0.20",
    "cam-call": "10.20.0.21",
    "cam-open": "10.20.0.22",
    "mobotix": "10.20.1.5",
    "mobotix-old": "10.20.1.6",
    "technician": "10.30.0.8",
    "clerk": "10.30.0.10",
    "stranger": "10.30.9.9",
}
CORE = {
    "recorder": "10.10.0.11",
    "recorder-2": "10.10.0.12",
    "files": "10.10.0.20",
    "web": "10.10.0.31",
    "desk": "10.30.0.7",
    "mxmc": "10.30.0.9",
    "visitor": "10.30.0.66",
    "router": "10.10.0.1",
}
# More addresses of the web server: one for each kind of TLS.
WEB = ["10.10.0.32", "10.10.0.33", "10.10.0.34", "10.10.0.35", "10.10.0.36"]
ADDRESS = {**FIELD, **CORE, "internet": "203.0.113.9"}

# The mirror ports: name of the sensor's interface, and which hooks of which trunk port feed it.
MIRRORS = {
    # What a switch does with `both` on one trunk port.
    "trunk": [("trunkA", "ingress"), ("trunkA", "egress")],
    # Both ends of the trunk: each packet comes twice.
    "both": [("trunkA", "ingress"), ("trunkA", "egress"), ("trunkB", "ingress"), ("trunkB", "egress")],
    # One direction only: what cameras are told, and what cameras say.
    "down": [("trunkA", "ingress")],
    "up": [("trunkA", "egress")],
}


class Fault(Exception):
    """The stage could not be built; not a fault of the product."""


def call(*argv, **options):
    """Runs a command that must succeed, and gives its output."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, **options)
    if done.returncode != 0:
        raise Fault(f"{' '.join(map(str, argv))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def missing():
    """What this machine lacks, in words; empty where the whole stage can be played."""
    lacks = []
    if os.geteuid() != 0:
        lacks.append("root")
    for program in ["ip", "tc", "unshare", "ethtool", "tcpdump", "timeout", "ffmpeg", "smbd", "smbclient", "nginx",
                    "openssl", "curl", "prometheus", "prometheus-alertmanager"]:
        if shutil.which(program) is None and not Path("/usr/sbin", program).exists():
            lacks.append(program)
    probe = "import gi; gi.require_version('GstRtspServer', '1.0')"
    system_python = Path("/usr/bin/python3")
    if not system_python.exists() or subprocess.run([system_python, "-c", probe], capture_output=True).returncode:
        lacks.append("python3-gi with gir1.2-gst-rtsp-server-1.0")
    if not lacks and subprocess.run(
            ["unshare", "--net", "--mount", "--pid", "--fork", "sh", "-c",
             "mount -t tmpfs none /run && ip netns add probe && ip link add va type veth peer name vb && ip link set va up"
             " && tc qdisc add dev va clsact && tc filter add dev va ingress protocol all u32 match u32 0 0"
             " action mirred egress mirror dev vb"], capture_output=True).returncode:
        lacks.append("network namespaces with veth, clsact, u32 and mirred")
    return lacks


class World:
    """The namespaces, and every process that was started in them."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.processes = []
        self.started = 0

    def build(self):
        call("mount", "-t", "tmpfs", "none", "/run")
        # Counters and link states of this network, not of the machine's.
        call("mount", "-t", "sysfs", "none", "/sys")
        call("ip", "link", "set", "lo", "up")
        for name in ["switch", *ADDRESS]:
            call("ip", "netns", "add", name)
            call("ip", "-n", name, "link", "set", "lo", "up")
        self.quiet_ipv6("switch")
        for bridge, hosts in [("field", FIELD), ("core", CORE)]:
            call("ip", "-n", "switch", "link", "add", bridge, "type", "bridge")
            call("ip", "-n", "switch", "link", "set", bridge, "up")
            for host, address in hosts.items():
                self.plug(host, address, bridge)
        self.trunk()
        for mirror in MIRRORS:
            self.mirror_port(mirror)
        self.mirror()
        self.internet()
        for address in WEB:
            call("ip", "-n", "web", "addr", "add", f"{address}/8", "dev", "e0")

    def quiet_ipv6(self, host):
        """A switch port speaks no IPv6 of its own."""
        for scope in ["all", "default"]:
            self.in_host(host, "sh", "-c", f"echo 1 > /proc/sys/net/ipv6/conf/{scope}/disable_ipv6")

    def plug(self, host, address, bridge):
        port = f"p-{host}"
        call("ip", "link", "add", port, "type", "veth", "peer", "name", "e0")
        # Checksums and segments as a wire has them: offloaded ones never leave a real host.
        for end in [port, "e0"]:
            call("ethtool", "-K", end, "tx", "off", "tso", "off", "gso", "off", "gro", "off")
        call("ip", "link", "set", port, "netns", "switch")
        call("ip", "link", "set", "e0", "netns", host)
        call("ip", "-n", "switch", "link", "set", port, "master", bridge, "up")
        call("ip", "-n", host, "addr", "add", f"{address}/8", "dev", "e0")
        call("ip", "-n", host, "link", "set", "e0", "up")
        if host != "router":
            call("ip", "-n", host, "route", "add", "default", "via", ADDRESS["router"])

    def trunk(self):
        call("ip", "-n", "switch", "link", "add", "trunkA", "type", "veth", "peer", "name", "trunkB")
        for end, bridge in [("trunkA", "field"), ("trunkB", "core")]:
            call("ip", "-n", "switch", "link", "set", end, "master", bridge, "up")

    def mirror_port(self, name):
        """Plugs the sensor's interface `span-NAME` into the switch."""
        call("ip", "link", "add", f"span-{name}", "type", "veth", "peer", "name", f"to-{name}")
        call("ip", "link", "set", f"to-{name}", "netns", "switch")
        Path(f"/proc/sys/net/ipv6/conf/span-{name}/disable_ipv6").write_text("1")
        call("ip", "-n", "switch", "link", "set", f"to-{name}", "up")
        call("ip", "link", "set", f"span-{name}", "up")

    def mirror(self):
        """What the trunk carries goes to the mirror ports too."""
        hooks = {}
        for name, feeds in MIRRORS.items():
            for feed in feeds:
                hooks.setdefault(feed, []).append(name)
        for port in {port for port, _ in hooks}:
            call("tc", "-n", "switch", "qdisc", "replace", "dev", port, "clsact")
        for (port, hook), names in hooks.items():
            actions = []
            for name in names:
                actions += ["action", "mirred", "egress", "mirror", "dev", f"to-{name}"]
            call("tc", "-n", "switch", "filter", "replace", "dev", port, hook, "pref", "1", "protocol", "all", "u32",
                 "match", "u32", "0", "0", *actions)

    def internet(self):
        call("ip", "link", "add", "wan", "netns", "router", "type", "veth", "peer", "name", "e0", "netns", "internet")
        call("ip", "-n", "router", "addr", "add", "203.0.113.1/24", "dev", "wan")
        call("ip", "-n", "router", "link", "set", "wan", "up")
        call("ip", "-n", "internet", "addr", "add", f"{ADDRESS['internet']}/24", "dev", "e0")
        call("ip", "-n", "internet", "link", "set", "e0", "up")
        call("ip", "-n", "internet", "route", "add", "default", "via", "203.0.113.1")
        self.in_host("router", "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")

    # Processes

    def in_host(self, host, *argv):
        return call("ip", "netns", "exec", host, *argv)

    def start(self, host, *argv, limit=900, name=None, env=None):
        """Starts a program on a host, or on the sensor (`None`); it ends after `limit` seconds at the latest."""
        self.processes = [process for process in self.processes if process.poll() is None]
        self.started += 1
        name = name or f"{host or 'sensor'}-{Path(str(argv[0])).name}-{self.started}"
        log = open(self.folder / f"{name}.log", "wb")
        there = ["ip", "netns", "exec", host] if host else []
        process = subprocess.Popen(
            ["timeout", "-k", "2", str(limit), *there, *map(str, argv)], stdin=subprocess.DEVNULL, stdout=log,
            stderr=subprocess.STDOUT, start_new_session=True, env={**os.environ, "LC_ALL": "C", **(env or {})})
        process.log = self.folder / f"{name}.log"
        self.processes.append(process)
        return process

    def python(self, host, script, *arguments, **options):
        """Starts one of the scripts beside this one."""
        here = Path(__file__).parent / script
        return self.start(host, sys.executable, here, *arguments, **options)

    @staticmethod
    def stop(process, how=signal.SIGTERM, wait=5):
        """Ends a process that `start` gave, and all that it started."""
        end = time.monotonic() + wait
        try:
            if process.poll() is None:
                os.killpg(process.pid, how)
            # `timeout` may be gone before what it stands for: the group is what counts.
            while time.monotonic() < end:
                if process.poll() is not None:
                    # This script is the first process of its namespace: what lost its parent is its to bury.
                    os.waitpid(-process.pid, os.WNOHANG)
                os.killpg(process.pid, 0)
                time.sleep(0.01)
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, ChildProcessError):
            pass
        return process.wait()

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        for process in self.processes:
            process.wait()


def counter(interface, name):
    """A counter that the kernel keeps of an interface of the sensor."""
    return int(Path(f"/sys/class/net/{interface}/statistics/{name}").read_text())


def wait_for(what, condition, seconds):
    """Waits until `condition` gives something true, and gives that."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise Fault(f"{what}: not within {seconds} s")
        time.sleep(0.05)
