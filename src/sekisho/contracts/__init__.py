"""Contracts (委託): procurements, contracts, systems, document versions and the facts they state.

Owns the dossier format (TOML, published JSON Schema), its import, the value domains, and the compilation
of facts into a grant: the intersection of every binding fact, empty where anything required is missing,
unconfirmed or contradictory.

Must never: fill a gap with a default, widen a term, or turn text into a term that nobody confirmed.
"""
