"""The scenarios that scaling must hold in, played with real containers and judged from outside."""
