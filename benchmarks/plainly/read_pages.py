"""Fetches the pages of a listing and reads no more of them than where to go on: the limit."""

import os
import re
from urllib.parse import quote, unquote
from urllib.request import urlopen

from benchmarks.measured import measured

MARKER = re.compile(rb"<NextKeyMarker>(.*?)</NextKeyMarker>")

with measured() as facts:
    count, marker = 0, ""
    while True:
        query = f"versions&prefix=drops/&max-keys=1000{marker}"
        with urlopen(f"{os.environ['AWS_ENDPOINT_URL']}/b?{query}") as answer:  # noqa: S310
            page = answer.read()
        count += page.count(b"<Version>")
        if b"<IsTruncated>true" not in page:
            break
        found = MARKER.search(page)
        assert found  # noqa: S101
        marker = f"&key-marker={quote(unquote(found[1].decode()))}"
    facts["count"] = count
