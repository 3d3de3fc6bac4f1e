"""Rules of our own: of the pipeline's definition, and of templates where the scanners are blind.

Pure functions over what a synthesis wrote; nothing of the CDK is imported.
"""
