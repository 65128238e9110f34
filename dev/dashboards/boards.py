"""Every dashboard of the chart."""

from dashboards import decisions, fleet, job, operator

BOARDS = (fleet.BOARD, job.BOARD, decisions.BOARD, operator.BOARD)
