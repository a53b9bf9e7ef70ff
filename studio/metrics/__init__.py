"""How good generated pictures are, how near reconstructions, and whether samples are copies of training pictures."""
