"""Who was allowed to do what: the record of a rehearsal, and the grants that it used."""
