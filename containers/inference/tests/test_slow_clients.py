"""Clients that are slow, endless or many, on plain sockets."""

import socket
import time

import pytest

from .servers import Server, StartServer, picture

POST = b"POST /invocations HTTP/1.1\r\nhost: test\r\ncontent-type: image/png\r\n"


@pytest.fixture(scope="module")
def strict(start_server: StartServer, model_folder) -> Server:
    server = start_server(
        model_folder,
        INFERENCE_READ_SECONDS="1",
        INFERENCE_CONNECTIONS="20",
        INFERENCE_HELD_MEGABYTES="8",
    )
    server.wait_until_ready()
    return server


def connect(server: Server) -> socket.socket:
    return socket.create_connection((server.client.base_url.host, server.client.base_url.port), 30)


def answer(connection: socket.socket) -> bytes:
    """All that comes until the server closes."""
    received = b""
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def test_a_head_that_does_not_end_is_answered_408(strict: Server) -> None:
    with connect(strict) as connection:
        connection.sendall(b"POST /invocations HTTP/1.1\r\nhost: te")

        assert answer(connection).startswith(b"HTTP/1.1 408 ")


def test_a_head_that_comes_byte_by_byte_is_answered_408(strict: Server) -> None:
    with connect(strict) as connection:
        connection.settimeout(0.05)
        received = b""
        for byte in POST * 50:
            try:
                connection.sendall(bytes([byte]))
                received += connection.recv(1000)
            except TimeoutError:
                continue
            except OSError:
                break
            break

        assert received.startswith(b"HTTP/1.1 408 ")


def test_a_body_that_does_not_come_is_answered_408_with_a_sentence(strict: Server) -> None:
    with connect(strict) as connection:
        connection.sendall(POST + b"content-length: 1000\r\n\r\n" + b"half")

        received = answer(connection)
    assert received.startswith(b"HTTP/1.1 408 ")
    assert b"The body was not here after 1 s: send it faster." in received


@pytest.mark.parametrize(
    "head",
    [
        b"GET /ping HTTP/1.1\r\n" + b"a: b\r\n" * 200,
        b"GET /ping HTTP/1.1\r\nx: " + b"y" * 200_000,
        b"GET /" + b"p" * 200_000,
    ],
)
def test_a_head_that_is_too_long_is_answered_431(strict: Server, head: bytes) -> None:
    with connect(strict) as connection:
        connection.sendall(head)

        assert answer(connection).startswith(b"HTTP/1.1 431 ")


def test_endless_trailers_are_answered_and_end(strict: Server) -> None:
    body = b"%x\r\n%s\r\n0\r\n" % (len(picture()), picture())
    with connect(strict) as connection:
        connection.sendall(POST + b"transfer-encoding: chunked\r\n\r\n" + body)
        with pytest.raises(OSError):
            for _ in range(10_000):
                connection.sendall(b"a: b\r\n" * 1000)
                time.sleep(0.001)


@pytest.mark.parametrize("text", [b"\x16\x03\x01\x02\x00\x01", b"hello\r\n\r\n", b"\x00" * 100])
def test_what_is_no_http_is_answered_400(strict: Server, text: bytes) -> None:
    with connect(strict) as connection:
        connection.sendall(text)

        assert answer(connection).startswith(b"HTTP/1.1 400 ")


def test_a_client_that_waits_for_the_servers_word_need_not_send_too_much(strict: Server) -> None:
    with connect(strict) as connection:
        connection.sendall(POST + b"expect: 100-continue\r\ncontent-length: 90000000\r\n\r\n")

        assert answer(connection).startswith(b"HTTP/1.1 413 ")


def test_bodies_under_way_hold_a_bounded_memory(strict: Server) -> None:
    connections = [connect(strict) for _ in range(3)]
    for connection in connections:
        connection.sendall(POST + b"content-length: 6000000\r\n\r\n")
        # All but the end, so that each is held.
        connection.sendall(bytes(5_000_000))

    statuses = {connection.recv(1000).split()[1] for connection in connections}

    assert b"429" in statuses
    assert statuses <= {b"429", b"408"}
    assert strict.post(picture()).status_code == 200
    # One that has its answer and does not send the rest is not kept for ever.
    for connection in connections:
        answer(connection)


def test_too_many_connections_are_turned_away_and_others_served_when_they_end(
    strict: Server,
) -> None:
    connections = [connect(strict) for _ in range(30)]
    turned_away = []
    for connection in connections:
        connection.settimeout(2)
        try:
            turned_away.append(connection.recv(1000).startswith(b"HTTP/1.1 429 "))
        except TimeoutError:
            turned_away.append(False)
        connection.close()

    assert 5 <= sum(turned_away) <= 15
    assert strict.post(picture()).status_code == 200


def test_a_client_that_leaves_does_no_harm(strict: Server) -> None:
    for cut in (10, len(POST) + 30, -1):
        with connect(strict) as connection:
            request = POST + b"content-length: %d\r\n\r\n" % len(picture()) + picture()
            connection.sendall(request[:cut])

    assert strict.post(picture(0)).json()["label"] == "dark"
    assert strict.process.poll() is None
