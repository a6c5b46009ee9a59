"""`confined.py UNIT COMMAND...`: runs it as nobody, under the unit's filter of system calls.

What systemd does with `SystemCallFilter=` is done here with the same library, so that the
filter can be tried where systemd does not run.
"""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | 1
NOBODY = 65534


def allowed(unit: str) -> set[str]:
    """The system calls that the unit allows."""
    found: set[str] = set()
    for line in unit.splitlines():
        key, _, value = line.partition("=")
        if key != "SystemCallFilter":
            continue
        named = {call for word in value.removeprefix("~").split() for call in _calls(word)}
        found = found - named if value.startswith("~") else found | named
    return found


def _calls(word: str) -> set[str]:
    """A system call's own name, or the members of a group of them."""
    if not word.startswith("@"):
        return {word}
    listed = subprocess.run(
        ["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, check=True
    )
    lines = [line.strip() for line in listed.stdout.splitlines()[1:]]
    return {call for line in lines if line and line[0] != "#" for call in _calls(line)}


def confine(calls: set[str]) -> None:
    """Nothing else is possible from here on: EPERM."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_rule_add.argtypes = (
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.c_uint,
    )
    library.seccomp_load.argtypes = (ctypes.c_void_p,)
    made = library.seccomp_init(REFUSE)
    for call in calls:
        number = library.seccomp_syscall_resolve_name(call.encode())
        if number >= 0 and library.seccomp_rule_add(made, ALLOW, number, 0):
            raise OSError(f"no rule for {call}")
    if library.seccomp_load(made):
        raise OSError("the filter was not taken")


if __name__ == "__main__":
    calls = allowed(Path(sys.argv[1]).read_text())
    os.chdir("/")
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    confine(calls)
    os.execvp(sys.argv[2], sys.argv[2:])
