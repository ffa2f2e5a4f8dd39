"""The real programs on the hosts: RTSP cameras, Samba, nginx with its certificates, listeners."""

import subprocess
from pathlib import Path

from world import ADDRESS
from world import call
from world import wait_for

REPOSITORY = Path(__file__).resolve().parents[2]
# The project's own writer made it; tests/fixtures_fresh.rs holds it to its scene.
EVENT_STREAM = REPOSITORY / "fixtures/captures/mobotix-clean/capture.pcap"

# What nginx does on each address of the host `web`: protocol, certificate; `None` is plain HTTP.
TLS_SERVERS = {
    "10.10.0.31": ("TLSv1", "good"),
    "10.10.0.32": ("TLSv1.2", "expired"),
    "10.10.0.33": ("TLSv1.2", "good"),
    "10.10.0.34": ("TLSv1.3", "good"),
    "10.10.0.35": None,
    "10.10.0.36": ("TLSv1.2", "selfsigned"),
}

RTSP_SERVERS = [("cam-tcp", 554, []), ("cam-udp", 554, []), ("cam-udp", 8554, []), ("cam-open", 554, ["open"])]
# Servers of one line each, that answer whoever asks (talk.py).
LISTENERS = [("web", 8080), ("recorder", 25), ("recorder", 80), ("recorder-2", 5432), ("internet", 80)]


def certificates(folder):
    """The site's authority and its certificates; gives the SHA-256 of the authority."""
    folder.mkdir(parents=True, exist_ok=True)
    ssl = lambda *argv: call("openssl", *map(str, argv), cwd=folder)  # noqa: E731
    key = ["-newkey", "rsa:2048", "-nodes", "-sha256"]
    ssl("req", "-x509", *key, "-days", "365", "-subj", "/CN=Stage authority", "-keyout", "ca.key", "-out", "ca.pem")
    (folder / "ca.cnf").write_text(
        "[ca]\ndefault_ca = site\n[site]\ndir = .\ndatabase = index\nserial = serial\nnew_certs_dir = .\n"
        "default_md = sha256\npolicy = any\nunique_subject = no\n[any]\ncommonName = supplied\n")
    (folder / "index").write_text("")
    (folder / "serial").write_text("1000\n")
    for name, start, end in [("good", "20200101000000Z", "20400101000000Z"), ("expired", "20200101000000Z", "20210101000000Z")]:
        ssl("req", *key, "-subj", f"/CN={name}.stage.example", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        ssl("ca", "-batch", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-startdate", start, "-enddate", end,
            "-in", f"{name}.csr", "-out", f"{name}.pem", "-notext")
        # The whole chain: a passive observer knows the authority by its certificate only.
        (folder / f"{name}.pem").write_text((folder / f"{name}.pem").read_text() + (folder / "ca.pem").read_text())
    ssl("req", "-x509", *key, "-days", "365", "-subj", "/CN=selfsigned", "-keyout", "selfsigned.key", "-out", "selfsigned.pem")
    printed = ssl("x509", "-in", "ca.pem", "-noout", "-fingerprint", "-sha256")
    return printed.split("=")[1].strip().replace(":", "").lower()


def nginx(world, certs):
    folder = world.folder / "nginx"
    folder.mkdir(exist_ok=True)
    # What takes hours to fetch: a connection that goes on and on.
    with open(folder / "stream", "wb") as stream:
        stream.truncate(2**30)
    servers = []
    for address, tls in TLS_SERVERS.items():
        if tls is None:
            servers.append(f"server {{ listen {address}:443; location / {{ return 200 'ready'; }} }}")
            continue
        protocol, certificate = tls
        servers.append(
            f"server {{ listen {address}:443 ssl; ssl_protocols {protocol}; ssl_ciphers ALL:@SECLEVEL=0;"
            f" ssl_certificate {certs}/{certificate}.pem; ssl_certificate_key {certs}/{certificate}.key;"
            f" location / {{ return 200 'ready'; }} location /stream {{ alias {folder}/stream; limit_rate 20k; }} }}")
    temporary = "".join(f"{kind}_temp_path {folder};" for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
    (folder / "nginx.conf").write_text(
        f"daemon off; user root; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;\nevents {{}}\n"
        f"http {{ access_log off; {temporary} ssl_session_tickets off;\n" + "\n".join(servers) + "\n}\n")
    world.start("web", "nginx", "-c", folder / "nginx.conf", name="nginx")


def samba(world):
    folder = world.folder / "samba"
    (folder / "share").mkdir(parents=True, exist_ok=True)
    dirs = "".join(f"{kind} = {folder}\n" for kind in [
        "private dir", "lock directory", "state directory", "cache directory", "pid directory", "ncalrpc dir"])
    (folder / "smb.conf").write_text(
        f"[global]\nserver role = standalone server\nmap to guest = Bad User\nguest account = root\n{dirs}"
        "server min protocol = NT1\ndisable netbios = yes\nsmb ports = 445\nload printers = no\nlog level = 1\n"
        "bind interfaces only = no\n"
        f"[recordings]\npath = {folder}/share\nguest ok = yes\nguest only = yes\nwritable = yes\nforce user = root\n")
    world.start("files", "smbd", "-s", folder / "smb.conf", "-F", "--no-process-group", "--debug-stdout", name="smbd")


def smb_command(world):
    """Samba's client, without a user, on the file server's share; it would try port 139 too, if it had to wait."""
    conf = world.folder / "client.conf"
    conf.write_text("[global]\nclient min protocol = NT1\n")
    return ["smbclient", f"//{ADDRESS['files']}/recordings", "-s", str(conf), "-N", "-p", "445"]


def smbclient(world, host, commands, *options, **more):
    """Samba's client on a host does `commands`."""
    return world.start(host, *smb_command(world), *options, "-c", commands, **more)


def player(world, host, camera, transport, **more):
    """FFmpeg as a recorder: takes the camera's stream and throws it away."""
    return world.start(host, "ffmpeg", "-nostdin", "-loglevel", "error", "-rtsp_transport", transport, "-i",
                       f"rtsp://viewer:fixture@{ADDRESS[camera]}:554/stream", "-c", "copy", "-f", "null", "-", **more)


def listening(host, port):
    def asks():
        out = subprocess.run(["ip", "netns", "exec", host, "ss", "-Hltn", f"sport = :{port}"], capture_output=True, text=True)
        return out.stdout.strip()
    return asks


def start_all(world):
    """Starts every server; gives the SHA-256 of the site's authority."""
    certs = world.folder / "certs"
    authority = certificates(certs)
    for camera, port, how in RTSP_SERVERS:
        world.start(camera, "/usr/bin/python3", Path(__file__).parent / "rtsp_camera.py", port, *how, name=f"rtsp-{camera}-{port}")
    for camera in ["mobotix", "mobotix-old"]:
        world.python(camera, "mobotix.py", "serve", EVENT_STREAM, name=f"events-{camera}")
    nginx(world, certs)
    samba(world)
    for host, port in LISTENERS:
        world.python(host, "talk.py", "listen", port, name=f"listen-{host}-{port}")
    servers = [(camera, port) for camera, port, _ in RTSP_SERVERS] + [("mobotix", 80), ("mobotix-old", 80), ("web", 443),
               ("files", 445)]
    for host, port in servers + LISTENERS:
        wait_for(f"{host}: port {port}", listening(host, port), 30)
    return authority
