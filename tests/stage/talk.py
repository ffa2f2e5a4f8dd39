"""Plain conversations for which no program is needed.

    talk.py listen PORT                        answers a mail server's words on port 25, else those of a web server
    talk.py mail ADDRESS                       an old camera's event by SMTP
    talk.py http ADDRESS PORT PATH [AUTH]      one request by hand
    talk.py text ADDRESS PORT WORDS            says the words
    talk.py sweep ADDRESS FIRST LAST           tries to connect to each of these ports
"""

import smtplib
import socket
import sys
import threading
import time


def line(peer):
    said = b""
    while not said.endswith(b"\n"):
        octet = peer.recv(1)
        if not octet:
            raise ConnectionError
        said += octet
    return said


def mail_server(peer):
    peer.sendall(b"220 recorder.stage.example ESMTP\r\n")
    while True:
        word = line(peer).split()[0].upper()
        if word == b"DATA":
            peer.sendall(b"354 go on\r\n")
            while line(peer) != b".\r\n":
                pass
        peer.sendall(b"221 bye\r\n" if word == b"QUIT" else b"250 fine\r\n")


def web_server(peer):
    while line(peer) != b"\r\n":
        pass
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: close\r\n\r\nready")


def listen(port):
    listener = socket.create_server(("", port), backlog=64)

    def one(peer):
        try:
            mail_server(peer) if port == 25 else web_server(peer)
        except (OSError, IndexError):
            pass
        peer.close()

    while True:
        peer, _ = listener.accept()
        threading.Thread(target=one, args=(peer,), daemon=True).start()


def mail(address):
    with smtplib.SMTP(address, 25, local_hostname="camera", timeout=10) as server:
        server.sendmail("camera@stage.example", ["vms@stage.example"], "Subject: motion\r\n\r\nalarm\r\n")


def http(address, port, path, auth=None):
    with socket.create_connection((address, port), timeout=10) as peer:
        extra = f"Authorization: Basic {auth}\r\n" if auth else ""
        peer.sendall(f"GET {path} HTTP/1.1\r\nHost: {address}\r\n{extra}Connection: close\r\n\r\n".encode())
        try:
            while peer.recv(65536):
                pass
        except OSError:
            pass


def text(address, port, words):
    with socket.create_connection((address, port), timeout=10) as peer:
        peer.sendall(words.encode())
        peer.shutdown(socket.SHUT_WR)
        peer.recv(100)


def sweep(address, first, last):
    tries = []
    for port in range(first, last + 1):
        peer = socket.socket()
        peer.setblocking(False)
        peer.connect_ex((address, port))
        tries.append(peer)
        time.sleep(0.005)
    time.sleep(1)


what, rest = sys.argv[1], sys.argv[2:]
if what == "listen":
    listen(int(rest[0]))
elif what == "mail":
    mail(rest[0])
elif what == "http":
    http(rest[0], int(rest[1]), rest[2], *rest[3:])
elif what == "text":
    text(rest[0], int(rest[1]), rest[2])
elif what == "sweep":
    sweep(rest[0], int(rest[1]), int(rest[2]))
