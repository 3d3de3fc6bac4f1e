"""Folders of images and the data sets that can be had, on this machine and as drops in S3."""
