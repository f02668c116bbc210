"""The report: the only thing that leaves the board, sealed to one reader.

Pure. `terms` lists what may leave, `schema` is its closed form, `digest` makes that of derived
records, `envelope` signs and seals it and opens it again. Nothing here knows what a raw
sample is, reads a file or a clock, or holds a key: signing and opening are passed in.
`docs/report-format.md` is the specification.
"""
