"""What tells people that something is wrong, and what they look at then.

The stack is in a file of its own: commands use the reporter's words, and load no CDK for them.
"""
