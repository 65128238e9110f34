"""The command line: the same decision as the operator's, before anything is applied; and what became of jobs."""
