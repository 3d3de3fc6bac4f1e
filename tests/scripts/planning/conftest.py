"""A recorded definition, recorded runs, rates of one of them and made-up prices."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.assembly import Definition
from infra.costs import Prices, Rates, Workload, load_prices, load_rates
from scripts.planning.plan import Question
from scripts.planning.recorded import RecordedRun

HERE = Path(__file__).parent
RECORDED = HERE / "recorded"


@pytest.fixture(scope="session")
def definition() -> Definition:
    """Prod's, of 2026-11-25."""
    return Definition(json.loads((RECORDED / "definition.json").read_text("utf-8")))


@pytest.fixture(scope="session")
def prices() -> Prices:
    return load_prices(HERE / "prices.toml")


@pytest.fixture(scope="session")
def rates() -> Rates:
    return load_rates(RECORDED / "rates.json")


@pytest.fixture(scope="session")
def recorded() -> Callable[[str], RecordedRun]:
    """Real runs of a rehearsal on two cores, on 2026-11-25."""
    return lambda name: RecordedRun.model_validate_json(
        (RECORDED / f"{name}.json").read_text("utf-8")
    )


@pytest.fixture(scope="session")
def question(definition, prices, rates) -> Callable[..., Question]:
    """5,000,000 objects of 180 KB, or what else is said."""

    def ask(objects: int = 5_000_000, mean: float = 180e3, **changes) -> Question:
        return Question(
            **{
                "environment": "prod",
                "region": "us-east-1",
                "definition": definition,
                "workload": Workload(objects, mean, changes.pop("parameters", {})),
                "rates": rates,
                "prices": prices,
                **changes,
            }
        )

    return ask
