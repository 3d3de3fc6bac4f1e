"""What lets a repository's GitHub Actions in."""

from infra.github.roles import GitHubRoles

__all__ = ["GitHubRoles"]
