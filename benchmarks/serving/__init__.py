"""How fast serving is: servers on one core, each asked in turn from the other."""
