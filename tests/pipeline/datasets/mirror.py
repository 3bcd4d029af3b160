"""A web server on this machine that gives one file, and can cut connections, refuse, or stall."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(kw_only=True)
class Mirror:
    """What the server gives, and what it was asked.

    Attributes:
        content: of the file.
        ranges: whether it resumes.
        cut_after: bytes after which the next connections are cut, one each; then they are whole.
        stall_after: bytes after which a connection stalls until ``resume`` is set; None never stalls.
        status: other than 200: the answer to everything.
        url: of the file.
        sent: bytes of the body that went out, over all connections.
        starts: where each GET asked to begin.
        stalled: set while a connection stalls.
        resume: lets stalled connections go on.
    """

    content: bytes
    ranges: bool = True
    cut_after: list[int] = field(default_factory=list)
    stall_after: int | None = None
    status: int = 200
    url: str = ""
    sent: int = 0
    starts: list[int] = field(default_factory=list)
    stalled: threading.Event = field(default_factory=threading.Event)
    resume: threading.Event = field(default_factory=threading.Event)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is part of the test."""


@contextmanager
def serve(mirror: Mirror) -> Iterator[Mirror]:
    """Serves on 127.0.0.1 until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, *, body: bool) -> None:
            if mirror.status != 200:
                self.send_error(mirror.status)
                return
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")) if mirror.ranges else None
            start = int(asked[1]) if asked else 0
            if body:
                mirror.starts.append(start)
            if start >= len(mirror.content):
                self.send_error(416)
                return
            self.send_response(206 if asked else 200)
            if asked:
                end = len(mirror.content)
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
            self.send_header("Content-Length", str(len(mirror.content) - start))
            self.end_headers()
            if body:
                self.send_body(mirror.content[start:])

        def send_body(self, content: bytes) -> None:
            if mirror.cut_after:
                content = content[: mirror.cut_after.pop(0)]
                self.close_connection = True
            if mirror.stall_after is not None:
                self.write(content[: mirror.stall_after])
                mirror.stalled.set()
                mirror.resume.wait()
                content = content[mirror.stall_after :]
            self.write(content)

        def write(self, content: bytes) -> None:
            self.wfile.write(content)
            mirror.sent += len(content)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    mirror.url = f"http://127.0.0.1:{server.server_port}/gzip.zip"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield mirror
    finally:
        mirror.resume.set()
        server.shutdown()
        server.server_close()
        thread.join()
