"""A relay before Swift that can hold a download in its middle, and then cut it; and that can see whether two uploads
come at the same time."""

import socket
import threading

from cloud import LIFETIME, RELAYED, SWIFT


class Relay:
    def __init__(self):
        self.listener = socket.create_server(('127.0.0.1', RELAYED))
        self.cut_after = None
        self.held, self.release = threading.Event(), threading.Event()
        self.meeting, self.met = None, False
        threading.Thread(target=self.serve, daemon=True).start()

    def meet_puts(self, seconds):
        """The next PUT of an object waits for one to another account. `met` tells whether that came."""
        self.meeting, self.met = (set(), threading.Event(), seconds), False

    def meet(self, account):
        if self.meeting is None:
            return
        accounts, both, seconds = self.meeting
        first = not accounts
        accounts.add(account)
        if len(accounts) > 1:
            both.set()
        elif first:
            self.met = both.wait(seconds)
            self.meeting = None

    def cut_next_download(self, after):
        """The next GET of an object gets this many bytes; then it is held until `release`, and cut."""
        self.held.clear()
        self.release.clear()
        self.cut_after = after

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(('127.0.0.1', SWIFT))
            cut = threading.Event()
            threading.Thread(target=self.up, args=(client, server, cut), daemon=True).start()
            threading.Thread(target=self.down, args=(server, client, cut), daemon=True).start()

    def up(self, client, server, cut):
        try:
            while data := client.recv(65536):
                if data.startswith(b'GET ') and data.split(b' ')[1].count(b'/') >= 4 and self.cut_after is not None:
                    cut.set()
                if data.startswith(b'PUT ') and data.split(b' ')[1].count(b'/') >= 4:
                    self.meet(data.split(b'/')[2])
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def down(self, server, client, cut):
        passed = 0
        try:
            while data := server.recv(65536):
                if cut.is_set():
                    passed += len(data)
                    if passed > self.cut_after:
                        self.cut_after = None
                        self.held.set()
                        self.release.wait(300 + LIFETIME)
                        break
                client.sendall(data)
        except OSError:
            pass
        for end in (client, server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()
