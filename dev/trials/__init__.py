"""Trials: every method on small real problems, run by the real trainer on this machine, one row of figures each.

No public record has scratch, full fine-tuning, LoRA and probe on one task with measured cost and quality, and without
one nobody can say whether the decision is any good. `python -m trials` makes such a record; the rows that are kept in
dev/evaluation/trials.csv came from it, and name the machine they were made on. What they show holds for small jobs on
CPU cores: nothing about accelerators can be learnt from them.
"""
