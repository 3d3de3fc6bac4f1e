"""The synthesis of tests/infra, for what templates say of functions."""

from tests.infra.conftest import assembly, options

__all__ = ["assembly", "options"]
