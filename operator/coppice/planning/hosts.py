"""Which hosts a policy's list covers: the check of a base model and the merge of policies must read it alike."""


def covers(pattern: str, host: str) -> bool:
    """Whether a pattern covers a host, or every host of a narrower pattern: `*.example.org` covers its subdomains."""
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
