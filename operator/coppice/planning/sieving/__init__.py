"""Sieving: which of very many candidates a decision needs, told from columns of figures before any is laid out.

    sheet       methods on base models in rows, worked out by the formulas of one candidate over columns (see `stack`)
    outline     the few figures of each row
    showing     figures to the digits that a record shows
    screening   which rows a ladder, a record or a refusal can need
    sieve       that, for the groups of one survey

Nothing is concluded from a column that rounding could change, so a decision is the same bytes with and without.
"""
