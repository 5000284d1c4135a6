"""Evidence (証跡): one append-only log that neither contractor nor administrator can alter unnoticed.

Owns the Merkle tree (RFC 6962), signed checkpoints, the record's canonical encoding, the outbox, the
sequencer that alone writes the log, bundles and their offline verification.

Must never: hold personal data or secrets (only digests, ids and metadata), change or delete an entry,
be written by two processes, or import a framework in its core (`merkle`, `note`, `record`, `log`,
`bundle`, `verify`).
"""
