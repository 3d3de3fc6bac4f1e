"""https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-endpoint.html"""

from __future__ import annotations

import contextlib
import logging
import time
from typing import Any

from rehearsal.backends import Call
from rehearsal.cloudformation.properties import request, retag, without
from rehearsal.cloudformation.resource import Properties, Provisioned, ResourceType
from rehearsal.errors import ApiError, NotFound

_log = logging.getLogger(__name__)
_POLL_SECONDS = 0.2
_SETTLED = frozenset({"InService", "Failed", "OutOfService", "UpdateRollbackFailed"})


class Endpoint(ResourceType):
    """`Ref` gives the ARN. A create or update ends when the endpoint serves, or fails."""

    type_name = "AWS::SageMaker::Endpoint"
    name_property = "EndpointName"
    replacing = ("EndpointName",)

    def __init__(self, call: Call, *, sees_rollbacks: bool = True) -> None:
        """The type on SageMaker's API.

        Args:
            call: of SageMaker's API.
            sees_rollbacks: fails an update that SageMaker took back. AWS documents nowhere whether
                its own type does.
        """
        super().__init__(call)
        self._sees_rollbacks = sees_rollbacks

    def create(self, name: str, properties: Properties) -> Provisioned:
        options = ("RetainAllVariantProperties", "ExcludeRetainedVariantProperties")
        given = without(properties, self.name_property, "RetainDeploymentConfig", *options)
        asked = request("CreateEndpoint", self.type_name, given | {self.name_property: name})
        arn = self._call("CreateEndpoint", asked)["EndpointArn"]
        _log.info("CloudFormation waits for the endpoint %s", name)
        settled = self._settled(name)
        if settled["EndpointStatus"] != "InService":
            self._call("DeleteEndpoint", {"EndpointName": name})
            raise _failure(name, settled, "did not come up")
        return _provisioned(arn)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Provisioned:
        name = physical_id.rpartition("/")[2]
        retag(self._call, physical_id, old, new)
        if without(old, "Tags") != without(new, "Tags"):
            given = without(new, "Tags") | {self.name_property: name}
            self._call("UpdateEndpoint", request("UpdateEndpoint", self.type_name, given))
            _log.info("CloudFormation waits for the endpoint %s", name)
            settled = self._settled(name)
            # A failed update leaves the endpoint in service, with the reason.
            moved = settled.get("EndpointConfigName") == new["EndpointConfigName"]
            taken_back = not moved or "FailureReason" in settled
            if settled["EndpointStatus"] != "InService" or (taken_back and self._sees_rollbacks):
                raise _failure(name, settled, "was not updated")
        return _provisioned(physical_id)

    def delete(self, physical_id: str) -> None:
        name = physical_id.rpartition("/")[2]
        with contextlib.suppress(NotFound):
            self._settled(name)
            self._call("DeleteEndpoint", {"EndpointName": name})

    def _settled(self, name: str) -> dict[str, Any]:
        """The endpoint, once it is in no state of passage."""
        while True:
            endpoint = self._call("DescribeEndpoint", {"EndpointName": name})
            if endpoint["EndpointStatus"] in _SETTLED:
                return endpoint
            time.sleep(_POLL_SECONDS)


def _failure(name: str, endpoint: dict[str, Any], what: str) -> ApiError:
    reason = endpoint.get("FailureReason", "it gave no reason.")
    return ApiError("GeneralServiceException", f"The endpoint {name} {what}: {reason}")


def _provisioned(arn: str) -> Provisioned:
    return Provisioned(arn, {"EndpointName": arn.rpartition("/")[2], "EndpointArn": arn})
