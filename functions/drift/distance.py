"""How far two distributions over classes are apart, and how much of that chance alone explains."""

import math
from collections.abc import Mapping

CONFIDENCE = 0.99


def shares(counts: Mapping[str, int]) -> dict[str, float]:
    """Each class's share of all counts, which must not all be 0; the shares add up to 1."""
    total = sum(counts.values())
    return {label: count / total for label, count in counts.items()}


def total_variation(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Half the sum of the absolute differences: the share of answers that would have to change
    their class for `one` to become `other`.

    A class that is missing has the share 0. 0 where they are the same, 1 where they have no class
    in common.
    """
    differences = (abs(one.get(c, 0.0) - other.get(c, 0.0)) for c in {*one, *other})
    return min(1.0, math.fsum(differences) / 2)


def by_chance(answers: int, classes: int, confidence: float = CONFIDENCE) -> float:
    """The distance from its own distribution that a sample exceeds with probability
    1 - `confidence` at most, whatever that distribution is.

    Of n independent answers over k classes, p̂ the shares and p the distribution they are from:

    - the mean distance is at most √((k - 1) / n) / 2, since E|p̂ᵢ - pᵢ| ≤ √(pᵢ(1 - pᵢ) / n) by
      Jensen's inequality, and the sum of √(pᵢ(1 - pᵢ)) is at most √(k - 1) by Cauchy and Schwarz;
    - another class for one answer changes the distance by 1 / n at most, so that it exceeds its
      mean by √(ln(1 / (1 - confidence)) / 2n) with that probability at most (C. McDiarmid, *On the
      method of bounded differences*, 1989).

    Answers that depend on each other, such as frames of one film, differ more than that by chance.
    """
    mean = math.sqrt(max(0, classes - 1) / answers) / 2
    above = math.sqrt(math.log(1 / (1 - confidence)) / (2 * answers))
    return mean + above


def least_distance(distance: float, chance: float) -> float:
    """How far the distributions behind two shares are apart at least, with the confidence of
    `chance`: by the triangle inequality, the distance that was seen less what chance explains.
    """
    return max(0.0, distance - chance)
