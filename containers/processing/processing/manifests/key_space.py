"""Where a folder's keys may be parted: keys as numbers, by the characters seen at each place."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from math import isqrt
from threading import Lock

# Characters of a boundary behind what it has in common with the key before it.
PRECISION = 4
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
MOST_BYTES = 1024

Ranks = Sequence[Sequence[str]]


class KeySpace:
    """Keys below a prefix as numbers in a mixed radix; many threads may share one.

    A digit is a character's rank among those known at its place: seen there, or at any place where
    keys differ, as what counts upwards has not shown all its digits yet. The order of numbers is
    that of keys (UTF-8 bytes, which is that of code points). A character that was not seen costs
    good boundaries, and never keys: any boundary is right.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._seen: list[set[str]] = []
        self._differing: set[str] = set()
        self._lock = Lock()

    def see(self, keys: Iterable[str]) -> None:
        """Learns from some keys, in any order."""
        with self._lock:
            for key in keys:
                name = key.removeprefix(self._prefix)
                self._seen += [set() for _ in range(len(name) - len(self._seen))]
                for seen, character in zip(self._seen, name, strict=False):
                    seen.add(character)
            self._differing = set().union(*(seen for seen in self._seen if len(seen) > 1))

    def boundary(
        self, page: tuple[str, str], end: str | None, least: int, *, near: bool
    ) -> str | None:
        """Parts what is left between a page and `end`, at a key that need not be there.

        Args:
            page: its first and its last key.
            end: None is the end of the prefix.
            least: how many pages as wide as this one must be left.
            near: in the middle of magnitudes, where the middle of numbers was in vain. So an end
                that is far too high is found in as many attempts as its digits' number has digits.

        Returns:
            A key above the page and below `end`; None where there is too little left.
        """
        first, last = page
        ranks = self._ranks(2 + max(len(key) for key in (last, end or "")))
        start = self._number(last, ranks)
        wide = max(1, start - self._number(first, ranks))
        left = self._number(end, ranks) - start
        if left < least * wide:
            return None
        step = min(left // 2, isqrt(left * wide)) if near else left // 2
        found = self._key(start + step, ranks)
        found = found[: _in_common(found, last) + PRECISION]
        is_between = last < found and (end is None or found < end)
        return found if is_between and len(found.encode()) <= MOST_BYTES else None

    def _ranks(self, length: int) -> Ranks:
        with self._lock:
            places = range(max(0, length - len(self._prefix)))
            seen = [self._seen[place] if place < len(self._seen) else set() for place in places]
            return [sorted(each | self._differing) for each in seen]

    def _number(self, key: str | None, ranks: Ranks) -> int:
        # The end of the prefix is above all keys; a key that has ended goes on with digits 0.
        number = int(key is None)
        name = (key or "").removeprefix(self._prefix)
        for place, known in enumerate(ranks):
            digit = 1 + bisect_left(known, name[place]) if place < len(name) else 0
            number = number * (len(known) + 1) + min(digit, len(known))
        return number

    def _key(self, number: int, ranks: Ranks) -> str:
        characters = []
        for known in reversed(ranks):
            number, digit = divmod(number, len(known) + 1)
            characters.append(known[digit - 1] if digit else "")
        characters.reverse()
        ended = characters.index("") if "" in characters else len(characters)
        return self._prefix + "".join(characters[:ended])


def _in_common(one: str, other: str) -> int:
    """How many characters both begin with."""
    shorter = min(len(one), len(other))
    return next((place for place in range(shorter) if one[place] != other[place]), shorter)
