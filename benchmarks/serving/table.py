"""Serving: our server against the bare forward pass, and against other servers."""

from benchmarks.harness.table import Row
from benchmarks.serving.kinds import BESIDE, KERAS, OTHERS, OURS
from benchmarks.serving.measure import CLIENTS, Latencies, Measured, Rates

LEAST_OF_BARE = 0.8
LEAST_OF_KERAS, LEAST_OF_OTHERS = 3.0, 1.5
MOST_TAIL = 3.0  # times the median of a single request
WHAT = f"JPEG of 640 x 480 in, class out, {CLIENTS} clients"
ADDED = "what the server adds to the bare pass, a request"


def rows(measured: Measured) -> list[Row]:
    """The table."""
    rates = measured.rates
    found = [_bare(rates)]
    for kind in BESIDE:
        if kind.name in measured.missing:
            found.append(Row(WHAT, _rate(rates, OURS.name), f"{kind.name}: missing", None))
            continue
        shown = "Keras' predict behind FastAPI" if kind is KERAS else kind.name
        least = LEAST_OF_KERAS if kind is KERAS else LEAST_OF_OTHERS
        found.append(_against(rates, kind.name, shown, least))
    return [*found, *_added(measured), *_tails(measured.latencies), *_needs(measured)]


def _best_bare(rates: Rates) -> str:
    """The bare pass with the batch with which it is fastest."""
    return max((name for name in rates.by_name if name.startswith("bare ")), key=rates.median)


def _bare(rates: Rates) -> Row:
    best = _best_bare(rates)
    shown = f"decoding + bare forward pass, {best.removeprefix('bare ')} at once, no HTTP"
    return _against(rates, best, shown, LEAST_OF_BARE)


def _added(measured: Measured) -> list[Row]:
    """What each server costs a request: beside the fastest of the others."""
    rates = measured.rates
    bare = 1 / rates.median(_best_bare(rates))
    names = [kind.name for kind in OTHERS if kind.name not in measured.missing]
    if not names:
        return []
    added = {name: 1 / rates.median(name) - bare for name in (OURS.name, *names)}
    best = min(names, key=added.__getitem__)
    shown = f"{added[best] * 1000:.2f} ms, {best}"
    ratio = added[best] / max(added[OURS.name], 1e-5)
    return [Row(ADDED, f"{added[OURS.name] * 1000:.2f} ms", shown, ratio)]


def _against(rates: Rates, name: str, shown: str, target: float) -> Row:
    ratio = rates.median(OURS.name) / rates.median(name)
    return Row(WHAT, _rate(rates, OURS.name), f"{_rate(rates, name)}, {shown}", ratio, target)


def _rate(rates: Rates, name: str) -> str:
    return f"{rates.median(name):,.0f} images/s"


def _tails(found: Latencies) -> list[Row]:
    """The ratio is of the most that is wanted to what was measured."""
    most = f"{MOST_TAIL:g} x {found.single * 1000:.1f} ms, a lone request's median"

    def tail(what: str, seconds: float, target: float | None) -> Row:
        ratio = MOST_TAIL * found.single / seconds
        return Row(what, f"{seconds * 1000:.1f} ms", most, ratio, target)

    return [
        tail("99th percentile at half of that rate, evenly spaced", found.evenly, 1.0),
        tail("the same, at random moments", found.at_random, None),
    ]


def _needs(measured: Measured) -> list[Row]:
    def cells(values: dict[str, str]) -> tuple[str, str]:
        beside = [kind.name for kind in (KERAS, *OTHERS) if kind.name in values]
        others = [f"{name} {values[name]}" for name in beside]
        return values[OURS.name], ", ".join(others)

    cold = {name: f"{seconds:.1f} s" for name, seconds in measured.cold_starts.items()}
    memory = {
        name: f"{each.proportional / 2**20:,.0f} ({each.resident / 2**20:,.0f}) MiB"
        for name, each in measured.memory.items()
    }
    return [
        Row("cold start to the first healthy ping", *cells(cold), None),
        Row("memory with one worker, PSS (RSS)", *cells(memory), None),
    ]


def notes(measured: Measured) -> list[str]:
    """What a reader must know of the table."""
    settings = (", ".join(filter(None, [kind.version, kind.settings])) for kind in (KERAS, *OTHERS))
    lines = [CONDITIONS, "", f"{'; '.join(settings)}. {PINS}", "", ARRIVALS]
    for name, why in measured.missing.items():
        lines += ["", f"{name} is missing: {why}"]
    return lines


CONDITIONS = (
    "The network is mobilenet_v3_small, 224 x 224, 10 classes, float32, of random weights. Each "
    "server has one core and the clients the other; servers take turns and are stopped between "
    "them. Unless it is said otherwise they decode with `containers/preprocessing`; all but Keras "
    "run the same OpenVINO with the same properties; before the turns each answered every "
    "photograph as ours did, within 0.001 of each probability (0.25 with Pillow, which sees other "
    "pixels)."
)
PINS = "Pins: `benchmarks/serving/<name>/requirements.txt`."
ARRIVALS = (
    "Requests at random moments (Poisson): where each takes the same time and one is served after "
    "the other, the 99th percentile at half load is 4.3 times that time (M/D/1), whatever the "
    "server."
)
