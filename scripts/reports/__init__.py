"""One HTML page that tells what a run did, made only from what AWS has on record of it."""
