"""What may be the name of what: drops' ids, class folders and files, and which names are hidden.

The starter's function has this very file beside it, by a link: it may import nothing else of here.
"""

import re
import unicodedata

# It is part of keys and paths, an argument of commands, a pipeline's parameter (1,024 characters),
# a container's argument (256) and a model package's metadata ([\p{L}\p{Z}\p{N}_.:/=+\-@]*, 256):
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html
DROP_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
DROP_ID_IN_WORDS = "1 to 63 of A-Z a-z 0-9 . _ - with a letter or digit first"

# Of a file's name on Linux, and so of each part of a key that SageMaker makes a file of.
MAXIMUM_PART_BYTES = 255

# A whole part of a key: what systems and programs lay down beside images. Not all that begins with
# an underscore: cameras name photographs _DSC0001.JPG and _MG_0001.JPG. It means the same to
# Python's `re` and to Arrow's RE2.
HIDDEN_PART = "|".join(
    (
        r"\.[^/]*",
        # macOS, Windows, Synology and Linux
        r"__MACOSX|Icon\r",
        r"(?i:thumbs\.db|ehthumbs(_vista)?\.db|desktop\.ini)|\$RECYCLE\.BIN",
        r"System Volume Information",
        r"@eaDir|lost\+found",
        # Hadoop, Spark and what writes as they do
        r"_SUCCESS|_temporary|_metadata|_common_metadata|_spark_metadata|_delta_log",
        r"_(committed|started)_[^/]*|[^/]*_\$folder\$",
    )
)
_HIDDEN = re.compile(HIDDEN_PART)


def refusal_of_drop_id(drop_id: str) -> str:
    """Why this is no drop's id, and how to mend it: a sentence; empty where it is one."""
    if DROP_ID.fullmatch(drop_id):
        return ""
    shown = repr(drop_id) if drop_id else "An empty text (was a variable unset?)"
    return f"{shown} is no drop id: write the drop again under one of {DROP_ID_IN_WORDS}."


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name (one part of a key) is no part of a drop's images."""
    return _HIDDEN.fullmatch(name) is not None


def class_label(folder: str) -> str:
    """The label that a class folder's name stands for.

    An accented letter may be one character or two, by the system that wrote it (NFC or NFD,
    https://unicode.org/reports/tr15/): both are one class.
    """
    return unicodedata.normalize("NFC", folder)
