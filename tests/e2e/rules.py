"""The packet filter's rules that a daemon made, taken off again."""

import subprocess

HOOKS = ("INPUT", "FORWARD", "DOCKER-USER")


def remove_rules(installation: str) -> None:
    """Jumps first: a chain that is jumped to stays."""
    prefix = f"PAAS-{installation[:8]}-"
    for hook in HOOKS:
        for line in _iptables("-S", hook).splitlines():
            words = line.split()
            if words[-1].startswith(prefix):
                _iptables("-D", *words[1:])
    for line in _iptables("-S").splitlines():
        words = line.split()
        if words[0] == "-N" and words[1].startswith(prefix):
            _iptables("-F", words[1])
            _iptables("-X", words[1])


def _iptables(*words: str) -> str:
    done = subprocess.run(
        ["iptables", "--wait", "5", *words], capture_output=True, text=True, timeout=30, check=False
    )
    return done.stdout
