"""The commands, each a module with `main(argv)`, against a rehearsal or AWS alike."""
