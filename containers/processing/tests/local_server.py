"""A server of HTTP on 127.0.0.1 that lives as long as a `with` block."""

from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from threading import Thread


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Says nothing of connections that were broken on purpose."""


@contextmanager
def serving(handler):
    """The URL of a server that answers with `handler`."""
    with Server(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
