"""What a drop may hold: the one list for the images and for the commands.

The standard library only: the images import it as `drops`, the commands as `containers.drops`.
"""
