"""Where people read what an alarm or a message wants of them: docs/runbooks, a page each."""

from infra.settings import Settings

FOLDER = "docs/runbooks/"


def described(description: str, page: str) -> str:
    """An alarm's description, with the runbook that it names.

    Args:
        page: name of a file in `docs/runbooks`, without its ending.
    """
    return f"{description}. Runbook: {FOLDER}{page}.md"


def place(settings: Settings) -> str:
    """What a page follows in messages and on the dashboard: an address where there is one."""
    repository = settings.github.repository
    return f"https://github.com/{repository}/blob/HEAD/{FOLDER}" if repository else FOLDER
