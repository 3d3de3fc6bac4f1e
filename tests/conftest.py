"""What holds for every test here."""

import signal


def pytest_configure() -> None:
    # A shell's background job ignores Ctrl-C, and what it starts inherits that: none could be sent.
    signal.signal(signal.SIGINT, signal.default_int_handler)
