"""Tags that mean something to code."""

# A bucket with it is emptied when its stack is destroyed, and no other.
EMPTIED = "shardwise:emptied"
