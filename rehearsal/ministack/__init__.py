"""MiniStack, and our SageMaker within it: the one folder that touches its private names.

MiniStack is pinned in requirements.in; tests deploy stacks through every seam used here.
"""
