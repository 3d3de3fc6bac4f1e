"""TFRecord files of images and their indexes: how a record is framed, checked, written and read.

Needs NumPy and crc32c, and neither TensorFlow nor anything else of this folder.
"""
