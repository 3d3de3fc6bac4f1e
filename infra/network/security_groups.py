"""Who may speak to whom in the VPC."""

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

_HTTPS = 443
# https://docs.aws.amazon.com/sagemaker/latest/dg/train-encrypt.html: with encryption between
# containers, the hosts exchange keys (IKE) and then encrypted packets (ESP).
_ENCRYPTION = (("udp", 500, "IKE"), ("50", None, "ESP"))


class SecurityGroups(Construct):
    """One a kind of machine; nothing comes in from elsewhere.

    A group can't tell one training job from another that runs at the same time: their hosts could
    reach each other.

    Attributes:
        processing: out by HTTPS; hosts of a job encrypt between each other.
        training: the same, and Horovod's workers meet on ports that they choose themselves.
        models: out by HTTPS; SageMaker brings requests by its own network.
        endpoints: in by HTTPS from processing jobs, which alone call the API.
    """

    def __init__(self, scope: Construct, construct_id: str, *, vpc_id: str) -> None:
        super().__init__(scope, construct_id)
        self._vpc_id = vpc_id
        self.processing = self._group("Processing", "Processing jobs")
        self.training = self._group("Training", "Training jobs")
        self.models = self._group("Models", "Instances of the endpoint")
        self.endpoints = self._endpoints()
        for name, group in (("Processing", self.processing), ("Training", self.training)):
            for protocol, port, what in _ENCRYPTION:
                self._among_themselves(f"{name}{what}", group, protocol, port, port)
        self._among_themselves("TrainingHorovod", self.training, "tcp", 1024, 65535)

    def _group(self, construct_id: str, description: str) -> str:
        return ec2.CfnSecurityGroup(
            self,
            construct_id,
            vpc_id=self._vpc_id,
            group_description=description,
            # S3's addresses are public ones; there is no route to any but S3's.
            security_group_egress=[
                ec2.CfnSecurityGroup.EgressProperty(
                    ip_protocol="tcp",
                    from_port=_HTTPS,
                    to_port=_HTTPS,
                    cidr_ip="0.0.0.0/0",
                    description="HTTPS to the VPC's endpoints",
                )
            ],
        ).attr_group_id

    def _endpoints(self) -> str:
        return ec2.CfnSecurityGroup(
            self,
            "Endpoints",
            vpc_id=self._vpc_id,
            group_description="Interface endpoints of the VPC",
            security_group_ingress=[
                ec2.CfnSecurityGroup.IngressProperty(
                    ip_protocol="tcp",
                    from_port=_HTTPS,
                    to_port=_HTTPS,
                    source_security_group_id=self.processing,
                    description="HTTPS of processing jobs",
                )
            ],
            # A group that names none may send everything everywhere: this is nobody's address.
            security_group_egress=[
                ec2.CfnSecurityGroup.EgressProperty(
                    ip_protocol="icmp",
                    from_port=252,
                    to_port=86,
                    cidr_ip="255.255.255.255/32",
                    description="Nothing",
                )
            ],
        ).attr_group_id

    def _among_themselves(
        self, construct_id: str, group: str, protocol: str, first: int | None, last: int | None
    ) -> None:
        ec2.CfnSecurityGroupIngress(
            self,
            f"{construct_id}In",
            group_id=group,
            source_security_group_id=group,
            ip_protocol=protocol,
            from_port=first,
            to_port=last,
            description="Hosts of the same kind",
        )
        ec2.CfnSecurityGroupEgress(
            self,
            f"{construct_id}Out",
            group_id=group,
            destination_security_group_id=group,
            ip_protocol=protocol,
            from_port=first,
            to_port=last,
            description="Hosts of the same kind",
        )
