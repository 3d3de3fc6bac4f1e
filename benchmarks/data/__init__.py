"""The data plane: split, listing, decoding, hosts and lineage, each beside the plain way."""
