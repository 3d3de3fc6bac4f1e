"""Data-parallel training with TensorFlow and Horovod, by SageMaker's contract for training jobs."""
