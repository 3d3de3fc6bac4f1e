"""AWS on one machine: MiniStack, and beside it the SageMaker that it lacks.

Each floor imports lower ones only: leaves (`settings`, `aws`, `errors`, `service_model`, `store`,
`backends`, `events`, `cloudformation`, …) < `authorization`, `images`, `pipelines` < `endpoints` <
`jobs` < `resources` (what each resource of SageMaker does) < `api` (its door) < `ministack` (all
that touches MiniStack), `asynchronous`, `autoscaling`, `recovery` < `composition`, which puts them
together < `server`, which runs it.
"""
