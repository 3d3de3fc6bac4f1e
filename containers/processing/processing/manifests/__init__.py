"""What CreateManifests is made of.

A row is an object, with another name before it from floor to floor: a listed object (LISTED_SCHEMA,
`s3` and `drops`), a checked one (CHECKED_SCHEMA, `drop_check` and `drop_index`), a staged one
(STAGED_SCHEMA, `drop_rows`, `stage_objects` and `usable`, on disk in `staging`), and a row of
`objects.parquet` (OBJECTS_SCHEMA, `outputs`). Which channel a staged object's content belongs to is
of `contents`, `membership`, `split` and `assignment`; `earlier` is what runs before left, and
`dataset` what is told of it all.
"""
