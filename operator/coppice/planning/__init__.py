"""The decision, pure: which base model, how, on what hardware, at what expected cost, and how sure.

    request ─> fit (checks) ─> estimate ─> chance ─> ladder ─> choice ─> record
               catalogue,      network,    evidence,  exact     modes
               licenses        workload,   probe      search
                               hardware
                                   ^          ^
                                   └─ learning: what finished jobs teach

`decision.decide` reads top to bottom along that line. No clock, randomness or I/O: the time is an argument, and
draws come from a fixed low-discrepancy sequence, so equal inputs give equal bytes.
"""
