"""The CDK app: one stage for each environment, or for the one in `-c environment=<name>`."""

import gc
import os
import sys
from typing import Any

# Python takes seconds to compile the CDK, and where it may not keep that, at every synthesis.
sys.dont_write_bytecode = False
# More threads of V8's only contend for the WebAssembly of the CDK's own rules.
os.environ.setdefault("NODE_OPTIONS", "--v8-pool-size=1")
if __name__ == "__main__":
    # Next to nothing becomes garbage before the end, and looking for it takes a tenth of the time.
    gc.disable()

from infra.settings import ENVIRONMENTS, SettingsError, load  # noqa: E402 - after what is above
from infra.validation import new_app, synthesise  # noqa: E402 - after what is above


def main(**props: Any) -> None:
    """Writes the assembly of each environment.

    Args:
        props: of the app: by default the CDK CLI says in the environment's variables what they are.
    """
    app = new_app(**props)
    chosen = app.node.try_get_context("environment")
    try:
        context = app.node.get_all_context()
        environments = [load(name, context) for name in ([chosen] if chosen else ENVIRONMENTS)]
        # Of the CLI's credentials: no template has an account where the settings have none.
        account = os.environ.get("CDK_DEFAULT_ACCOUNT")
        for each in environments:
            if account and not each.account and (problem := each.problem_in(account)):
                raise SettingsError(f"{each.stage}: {problem}.")
    except SettingsError as error:
        sys.exit(f"shardwise: {error}")
    from infra.deployment import Deployment  # noqa: PLC0415 - takes seconds; bad settings do not

    for settings in environments:
        Deployment(app, settings=settings)
    synthesise(app)


if __name__ == "__main__":
    main()
