"""What a request may send and ask for: its body's size and type, and the answer's type."""

from starlette.exceptions import HTTPException
from starlette.requests import Request

CONTENT_TYPES = frozenset({"image/jpeg", "image/png"})
ANSWER_TYPES = frozenset({"application/json", "application/*", "*/*"})
BODY_LIMIT = 6 * 1024 * 1024  # bytes
DRAIN_LIMIT = 32 * 1024 * 1024  # bytes


def check_content_type(request: Request) -> None:
    """Raises HTTPException 415 where the body is said to be no JPEG or PNG."""
    given = request.headers.get("content-type", "")
    if _media_type(given) not in CONTENT_TYPES:
        raise HTTPException(
            415, f"Content-Type is {given!r}: send image/jpeg or image/png, one image a request."
        )


def check_accept(request: Request) -> None:
    """Raises HTTPException 406 where JSON is not among the types that the client takes."""
    given = request.headers.get("accept", "*/*")
    if not any(
        _media_type(item) in ANSWER_TYPES and not _refused(item) for item in given.split(",")
    ):
        raise HTTPException(406, f"Accept is {given!r}: the answer is application/json.")


async def read_body(request: Request) -> bytes:
    """Reads the body, up to BODY_LIMIT bytes.

    Raises:
        HTTPException: 413 where it is longer. What is too much is read and thrown away first, up to
            DRAIN_LIMIT: a client still sending when the connection closes never sees the answer.
    """
    body = bytearray()
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= BODY_LIMIT:
            body += chunk
        elif size > DRAIN_LIMIT:
            break
    if size > BODY_LIMIT:
        raise HTTPException(
            413,
            f"The body has more than {BODY_LIMIT} bytes: send a smaller image.",
            {"connection": "close"},
        )
    return bytes(body)


def _media_type(header: str) -> str:
    return header.partition(";")[0].strip().lower()


def _refused(item: str) -> bool:
    """Whether an item of Accept has the weight 0 (RFC 9110, 12.4.2)."""
    weights = [p.strip()[2:] for p in item.lower().split(";")[1:] if p.strip().startswith("q=")]
    return any(weight.strip("0.") == "" for weight in weights)
