"""Objects and buckets where MiniStack alone does other than S3."""

ODD = ["plain", "a b+c", "tab\there", "new\nline", "bell\x07", "100%25", "<&>", "ü/日本"]


def test_versions_of_keys_with_any_character_are_listed(server):
    s3 = server.client("s3")
    s3.create_bucket(Bucket="odd-keys")
    enabled = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket="odd-keys", VersioningConfiguration=enabled)
    for key in ODD:
        s3.put_object(Bucket="odd-keys", Key=key, Body=b"x")
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket="odd-keys", PaginationConfig={"PageSize": 3}
    )
    assert sorted(each["Key"] for page in pages for each in page["Versions"]) == sorted(ODD)
    grouped = s3.list_object_versions(Bucket="odd-keys", Prefix="ü/", Delimiter="/")
    assert (grouped["Prefix"], grouped["Delimiter"]) == ("ü/", "/")
    assert [each["Key"] for each in grouped["Versions"]] == ["ü/日本"]


def test_a_key_marker_alone_goes_past_all_versions_of_its_key(server):
    """As S3 has it; a marker need not be a key that is there."""
    s3 = server.client("s3")
    s3.create_bucket(Bucket="markers")
    enabled = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket="markers", VersioningConfiguration=enabled)
    for key in ["a", "b", "b", "c"]:
        s3.put_object(Bucket="markers", Key=key, Body=b"x")

    def listed(marker):
        answer = s3.list_object_versions(Bucket="markers", KeyMarker=marker)
        return [each["Key"] for each in answer.get("Versions", [])]

    assert listed("a") == listed("ab") == ["b", "b", "c"]
    assert listed("b") == listed("b0") == ["c"]
    assert listed("c") == []
