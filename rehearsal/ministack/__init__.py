"""MiniStack, and our services within it: the one folder that touches its private names.

MiniStack is pinned in requirements.in. `patches.py` is the table of all that is replaced in it, and
tests deploy stacks through every row. MiniStack reads its settings when it is imported, which the
modules here do: in a server they are imported after `configure`.
"""

import os
import sys

from rehearsal.settings import HOST, RehearsalSettings


def configure(settings: RehearsalSettings, *, enforce_iam: bool) -> None:
    """Sets the variables that MiniStack reads when it is first imported.

    Raises:
        RuntimeError: it was imported already, with other settings.
    """
    if "ministack" in sys.modules:
        raise RuntimeError("MiniStack was imported before its settings: import it after configure.")
    folder = settings.state / "ministack"
    os.environ.update(
        {
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(settings.port),
            "MINISTACK_REGION": settings.region,
            "MINISTACK_ACCOUNT_ID": settings.account,
            "PERSIST_STATE": "1",
            "STATE_DIR": str(folder / "services"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(folder / "s3"),
            # It would listen on every interface, whatever BIND_HOST says.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "AUTH": "true" if enforce_iam else "false",
            # A Lambda function's own calls must come back here.
            "AWS_ENDPOINT_URL": settings.endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": settings.region,
            "AWS_DEFAULT_REGION": settings.region,
        }
    )
    os.environ.pop("AWS_PROFILE", None)
    # Nothing here needs Docker. Where its SDK is installed MiniStack loads it with each start, and
    # where a daemon runs as well, removes containers of other MiniStacks.
    sys.modules["docker"] = None  # type: ignore[assignment]
