"""The chart's dashboards and rules, written once in Python: what a panel asks, in which unit, and what it means.

`make generate` turns them into the JSON and YAML that the chart ships; nobody edits those. Every query stands on
metrics of the product alone, names no constant of an installation, and takes the maximum by namespace, because two
replicas may both have been leader within one range.
"""
