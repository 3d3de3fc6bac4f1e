"""A bucket of many objects that are computed as they are asked for."""

import hashlib
import json
import sys
from bisect import bisect_left, bisect_right
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, quote, urlsplit

from tests.local_server import serving

DROPS, CLASSES = 5, 8
ENTRY = (
    "<Version><Key>{key}</Key><VersionId>{version}</VersionId><IsLatest>true</IsLatest>"
    "<LastModified>2026-01-01T00:00:00.000Z</LastModified><Size>{size}</Size></Version>"
)
ANSWER = (
    '<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "<EncodingType>url</EncodingType><IsTruncated>{truncated}</IsTruncated>"
    "<NextKeyMarker>{last}</NextKeyMarker>{entries}</ListVersionsResult>"
)


def generated(objects):
    """A server of `objects` in DROPS x CLASSES equal folders, each drop with its index."""
    each = objects // (DROPS * CLASSES)
    names = [f"{c:02d}/{n:07d}.jpg" for c in range(CLASSES) for n in range(each)]
    drops = [f"drops/d{number}/" for number in range(DROPS)]
    keys = sorted(f"{drop}{name}" for drop in drops for name in [*names, "_SUCCESS"])
    indexes = {}

    def prefix_of(key):
        return key.rpartition("/")[0] + "/"

    def index_of(drop):
        if drop not in indexes:
            digests = (hashlib.sha256((drop + name).encode()).hexdigest() for name in names)
            files = [
                {"name": name, "size": 7, "sha256": digest}
                for name, digest in zip(names, digests, strict=True)
            ]
            indexes[drop] = json.dumps({"schema": 1, "files": files}).encode()
        return indexes[drop]

    class Bucket(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if "versions" in parse_qs(parts.query, keep_blank_values=True):
                self.answer(200, listing(query).encode())
            else:
                content = index_of(prefix_of(parts.path.partition("/b/")[2]))
                asked = self.headers.get("Range", "bytes=0-").removeprefix("bytes=")
                first, _, last = asked.partition("-")
                end = int(last) + 1 if last else len(content)
                self.answer(206, content[int(first) : end], first, len(content))

        do_HEAD = do_GET  # noqa: N815 - the names that http.server calls

        def answer(self, status, content, first="0", total=0):
            self.send_response_only(status)
            self.send_header("Content-Length", str(len(content)))
            if total:
                end = int(first) + len(content) - 1
                self.send_header("Content-Range", f"bytes {first}-{end}/{total}")
                self.send_header("ETag", '"index"')
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def log_message(self, *_):
            """Says nothing."""

    def listing(query):
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
        entries, last = [], query.get("key-marker")
        position = bisect_left(keys, prefix) if last is None else bisect_right(keys, last)
        while position < len(keys) and keys[position].startswith(prefix) and len(entries) < 1000:
            last = keys[position]
            deeper, slash, _ = last.removeprefix(prefix).partition("/")
            if delimiter and slash:
                last = f"{prefix}{deeper}/"
                entries.append(f"<CommonPrefixes><Prefix>{quote(last)}</Prefix></CommonPrefixes>")
                last += "\U0010ffff"
            else:
                size = len(index_of(prefix_of(last))) if last.endswith("_SUCCESS") else 7
                entries.append(ENTRY.format(key=quote(last), version=f"{position:032d}", size=size))
            position = bisect_right(keys, last)
        more = position < len(keys) and keys[position].startswith(prefix)
        truncated = "true" if more else "false"
        return ANSWER.format(truncated=truncated, last=quote(last), entries="".join(entries))

    return serving(Bucket)


if __name__ == "__main__":
    with generated(int(sys.argv[1])) as url:
        print(url, flush=True)
        sys.stdin.read()
