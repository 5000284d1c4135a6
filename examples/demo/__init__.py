"""`make demo`: a fictional city with one contractor's session to watch and to cut. Nothing here is for real use."""
