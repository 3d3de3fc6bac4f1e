"""From the approval of a model package to an update of the serving stack."""

from collections.abc import Sequence
from functools import partial

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import grants, names
from infra.function import event_rule, python_function
from infra.promotion import Source
from infra.retention import protected_table
from infra.settings import Settings

# Its own events tell an update or a rollback apart, and which attempt it was.
_LOOK = ("cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents")
_UPDATE = ("cloudformation:UpdateStack",)
_PROPOSE = (
    "cloudformation:ListChangeSets",
    "cloudformation:CreateChangeSet",
    "cloudformation:DescribeChangeSet",
    "cloudformation:DeleteChangeSet",
)
# States in which something can be begun, or a person is needed.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
_ENDED = [
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_FAILED",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
]


class Deployer(Construct):
    """A rule on the packages of one group and one on the ends of the stack's own updates, and the
    function that brings the stack's one parameter to the package that should serve.

    It needs no right to make an endpoint: CloudFormation uses the role that the stack was deployed
    with.

    Args:
        source: whose group it is, where another environment trains the models.
    """

    def __init__(  # noqa: PLR0913 - CDK props
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        model_package_group_name: str,
        dead_letters: sqs.IQueue,
        source: Source | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._source = source
        self._stack = cdk.Stack.of(self)
        self._group = model_package_group_name
        direct = settings.endpoint.deploy_on_approval
        table = self._table(settings)
        self.function = python_function(
            self,
            "Deployer",
            handler="functions.deployer.handler.handler",
            description="Gives the serving stack the model package that should serve",
            settings=settings,
            environment={
                "STACK_NAME": self._stack.stack_name,
                "PARAMETER": names.MODEL_PACKAGE_PARAMETER,
                "MODEL_PACKAGE_GROUP": model_package_group_name,
                "TABLE_NAME": table.table_name,
                "ACTION": "update" if direct else "propose",
            },
            dead_letter_queue=dead_letters,
            timeout=cdk.Duration.seconds(60),
        )
        self._grant(table, _UPDATE if direct else _PROPOSE)
        self._add_rules(dead_letters)

    def _table(self, settings: Settings) -> dynamodb.Table:
        """Approvals, which SageMaker does not date: an item a package, a few hundred bytes."""
        return protected_table(
            self,
            "Approvals",
            settings,
            partition_key=dynamodb.Attribute(
                name="ModelPackageGroupName", type=dynamodb.AttributeType.STRING
            ),
            sort_key=dynamodb.Attribute(
                name="ModelPackageVersion", type=dynamodb.AttributeType.NUMBER
            ),
        )

    def _grant(self, table: dynamodb.Table, changes: Sequence[str]) -> None:
        packages = (
            self._source.packages
            if self._source
            else grants.arn_of(self, "sagemaker", "model-package", f"{self._group}/*")
        )
        grants.use_stack(self.function, self._stack.stack_name, [*_LOOK, *changes])
        grants.use_model_packages(self.function, packages, ["sagemaker:DescribeModelPackage"])
        grants.allow(self.function, ["dynamodb:Query", "dynamodb:UpdateItem"], [table.table_arn])

    def _add_rules(self, dead_letters: sqs.IQueue) -> None:
        rule = partial(event_rule, self, self.function, dead_letters)
        rule(
            "ModelPackageChanged",
            "A model package of the group was approved, rejected or otherwise changed",
            account=self._source.account if self._source else None,
            source="aws.sagemaker",
            detail_type=names.MODEL_PACKAGE_CHANGED,
            detail={"ModelPackageGroupName": [self._group]},
        )
        rule(
            "UpdateEnded",
            "An update of this stack came to its end, or needs a person",
            source="aws.cloudformation",
            detail_type=names.STACK_CHANGED,
            detail={"stack-id": [self._stack.stack_id], "status-details": {"status": _ENDED}},
        )
