"""The CDK app: one stage for each environment, or for the one in `-c environment=<name>`."""

import sys

# Python takes seconds to compile the CDK, and where it may not keep that, at every synthesis.
sys.dont_write_bytecode = False

from infra.settings import ENVIRONMENTS, SettingsError, check_context, load  # noqa: E402
from infra.validation import new_app, synthesise  # noqa: E402


def main() -> None:
    app = new_app()
    chosen = app.node.try_get_context("environment")
    try:
        check_context(app.node.get_all_context())
        environments = [
            load(name, app.node.try_get_context) for name in ([chosen] if chosen else ENVIRONMENTS)
        ]
    except SettingsError as error:
        sys.exit(f"shardwise: {error}")
    # Takes a while; bad settings are refused before.
    from infra.deployment import Deployment  # noqa: PLC0415

    for settings in environments:
        Deployment(app, settings=settings)
    synthesise(app)


if __name__ == "__main__":
    main()
