"""Takes off the packet filter's rules of an installation that ended: `remove_rules.py ID`.

Those in chains that bear its id, and the jumps to them; nothing else (docs/isolation.md).
"""

import subprocess
import sys

HOOKS = ("INPUT", "FORWARD", "DOCKER-USER")


def main(installation: str) -> int:
    """Jumps first: a chain that is jumped to stays. Fine where there is none."""
    prefix = f"PAAS-{installation[:8]}-"
    for hook in HOOKS:
        for words in map(str.split, iptables("-S", hook)):
            if words[-1].startswith(prefix):
                iptables("-D", *words[1:])
    for words in map(str.split, iptables("-S")):
        if words[0] == "-N" and words[1].startswith(prefix):
            iptables("-F", words[1])
            iptables("-X", words[1])
    return 0


def iptables(*words: str) -> list[str]:
    """The lines that it prints; none where it is not there or not allowed."""
    try:
        done = subprocess.run(
            ["iptables", "--wait", "5", *words],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except OSError:
        return []
    return done.stdout.splitlines()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
