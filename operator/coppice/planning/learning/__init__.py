"""Learning from experience: what finished jobs say about the estimates and chances of the next.

    report ─> lessons ─> chapter (one namespace) ─> history (all) ─> corrections of estimates, evidence for chances

Nothing is fitted out of sight: a correction is a factor with a prior of 1, a count of jobs and a standard deviation,
and every estimate that one moved says so in its inputs. It can be turned off (`TrainingPolicy.spec.learning`).
"""
