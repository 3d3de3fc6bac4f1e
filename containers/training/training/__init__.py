"""Data-parallel training with TensorFlow and Horovod, by SageMaker's contract for training jobs.

Floors, each of which imports only what is below it: the entry points and the training itself, a
module each; `evaluation`; `data`, `launch` and `models`; `common`.
"""
