"""Answers read by their text against the same answers read by their XML."""

from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from processing.manifests import s3
from processing.manifests.plain_versions import plain_versions

ANSWER = (
    '<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Prefix>p</Prefix>'
    "{encoding}<IsTruncated>true</IsTruncated><NextKeyMarker>z</NextKeyMarker>{entries}"
    "{prefixes}</ListVersionsResult>"
)
USUAL = {
    "Key": ["a", "a%2Fb+c", "%E7%8A%AC", "x&amp;y", "&lt;"],
    "VersionId": ["v1", "null"],
    "IsLatest": ["true", "false"],
    "Size": ["0", "123456789012"],
    "LastModified": ["2026-01-01T00:00:00.000Z"],
    "ETag": ["&quot;e&quot;"],
    "StorageClass": ["STANDARD", "STANDARD", "GLACIER", "GLACIER_IR", "DEEP_ARCHIVE"],
}


@st.composite
def entries(draw):
    values = {name: draw(st.sampled_from(some)) for name, some in USUAL.items()}
    elements = [f"<{name}>{value}</{name}>" for name, value in values.items()]
    if draw(st.integers(0, 4)) == 0:
        elements = draw(st.permutations(elements))
    elements.append("<Owner><ID>i</ID><DisplayName>d</DisplayName></Owner>")
    kind = draw(st.sampled_from(["Version", "Version", "Version", "DeleteMarker"]))
    space = draw(st.sampled_from(["", "", "\n  "]))
    if kind == "DeleteMarker":
        elements = [each for each in elements if not each.startswith(("<Size", "<Stor", "<ETag"))]
    return f"<{kind}>{space.join(elements)}</{kind}>{space}"


answers = st.builds(
    lambda some, encoding, prefixes: ANSWER.format(
        entries="".join(some), encoding=encoding, prefixes=prefixes
    ).encode(),
    st.lists(entries(), max_size=6),
    st.sampled_from(["", "<EncodingType>url</EncodingType>"]),
    st.sampled_from(["", "<CommonPrefixes><Prefix>q/</Prefix></CommonPrefixes>"]),
)


@given(answers)
def test_an_answer_is_read_by_its_text_as_by_its_xml(answer):
    with patch.object(s3, "plain_versions", lambda _: None):
        expected = s3._page(answer, "")
    assert s3._page(answer, "") == expected


def test_what_is_not_plain_is_left_to_its_xml():
    version = "<Version><Key>{}</Key><VersionId>1</VersionId><IsLatest>true</IsLatest>{}</Version>"
    rest = "<Size>1</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
    plain = version.format("a", rest)
    odd = {
        "an entity": version.format("a&amp;", rest),
        "a comment": version.format("a", f"<!-- <Key>b</Key> -->{rest}"),
        "an archive": version.format("a", f"{rest}<StorageClass>GLACIER</StorageClass>"),
        "no size": version.format("a", rest.replace("<Size>1</Size>", "<Size/>")),
    }
    assert plain_versions(f"<L>{plain}</L>".encode()).keys == ["a"]
    for entry in odd.values():
        assert plain_versions(f"<L>{plain}{entry}</L>".encode()) is None
    assert plain_versions(b"<L></L>") is None
