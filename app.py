"""The CDK app: one stage for each environment, or for the one in `-c environment=<name>`."""

import sys

import aws_cdk as cdk
import cdk_nag

from infra.settings import ENVIRONMENTS, SettingsError, load


def main() -> None:
    # The CDK's own usage metadata would be one more resource in every template.
    app = cdk.App(analytics_reporting=False)
    cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks())
    chosen = app.node.try_get_context("environment")
    try:
        environments = [
            load(name, app.node.try_get_context) for name in ([chosen] if chosen else ENVIRONMENTS)
        ]
    except SettingsError as error:
        sys.exit(f"shardwise: {error}")
    # Takes seconds, as it imports the SageMaker SDK; bad settings are refused before.
    from infra.deployment import Deployment  # noqa: PLC0415

    for settings in environments:
        Deployment(app, settings=settings)
    app.synth()


if __name__ == "__main__":
    main()
