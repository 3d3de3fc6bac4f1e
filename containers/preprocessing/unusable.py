"""Why a file gives no pixels."""


class UnusableImage(Exception):  # noqa: N818 - it says what the file is, and reads so in `except`
    """A file that gives no pixels. The message is a reason clause: "is empty (0 bytes)".

    Args:
        kind: the reason without what differs from file to file, to count by: "is empty". There are
            only a few kinds, whatever the files hold.
    """

    def __init__(self, reason: str, kind: str) -> None:
        super().__init__(reason)
        self.kind = kind


def damaged(words: object) -> UnusableImage:
    """What to raise for a file that its decoder refuses; `words` are the decoder's."""
    return UnusableImage(f"cannot be decoded: {words}", "cannot be decoded")


class DecoderFault(RuntimeError):  # noqa: N818 - a fault of the program, and no error of a file
    """What a decoder raised that is no UnusableImage, with its traceback."""
