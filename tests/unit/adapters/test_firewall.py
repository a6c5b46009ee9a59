"""The firewall's commands, told to a recorder that stands in for the kernel's rules."""

import pytest

from paas.adapters.firewall import Firewall, Ran
from paas.core.fence import Bridge

BRIDGE = Bridge(interface="br-0123456789ab", gateway="172.31.0.1", purpose="R")
BUILDS = Bridge(interface="br-fedcba987654", gateway="172.30.0.1", purpose="B")
WHOSE = "1dac0988ffffffff"


class Kernel:
    """Jumps by hook, as lists of words; `refusal` is what every command says."""

    def __init__(self) -> None:
        self.jumps: dict[str, list[list[str]]] = {"INPUT": [], "FORWARD": [], "DOCKER-USER": []}
        self.texts: list[str] = []
        self.refusal = ""

    async def __call__(self, words, text):
        if self.refusal:
            return Ran(code=4, err=self.refusal)
        if words[0].endswith("iptables-restore"):
            assert tuple(words[1:]) == ("--noflush", "--wait", "5")
            self.texts.append(text)
            return Ran(code=0)
        action, hook, *rest = words[3:]
        if hook not in self.jumps:
            return Ran(code=1, err="No chain by that name.")
        if action == "-S":
            lines = [" ".join(["-A", hook, *rule]) for rule in self.jumps[hook]]
            return Ran(code=0, out="\n".join(lines))
        if action == "-I":
            self.jumps[hook].insert(int(rest[0]) - 1, list(rest[1:]))
        else:
            assert action == "-D"
            self.jumps[hook].remove(list(rest))
        return Ran(code=0)


@pytest.fixture
def kernel():
    return Kernel()


@pytest.fixture
def firewall(kernel, tmp_path):
    for bridge in (BRIDGE, BUILDS):
        (tmp_path / bridge.interface).mkdir()
    made = Firewall(WHOSE, run=kernel, interfaces=tmp_path)
    made.internal, made.public = range(20000, 20010), {443, 0}
    return made


async def test_the_first_round_makes_the_rules_and_the_second_changes_nothing(firewall, kernel):
    kernel.jumps["INPUT"].append(["-j", "ufw-before-input"])
    await firewall.guard(BRIDGE)
    assert firewall.problem == ""
    first = {hook: [*rules] for hook, rules in kernel.jumps.items()}
    assert first == {
        "INPUT": [
            ["-i", BRIDGE.interface, "-j", "PAAS-1dac0988-R-IN"],
            ["-j", "ufw-before-input"],
        ],
        "FORWARD": [],
        "DOCKER-USER": [["-i", BRIDGE.interface, "-j", "PAAS-1dac0988-R-OUT"]],
    }
    await firewall.guard(BRIDGE)
    assert kernel.jumps == first
    assert kernel.texts[0] == kernel.texts[1]


async def test_a_bridge_that_came_back_by_another_name(firewall, kernel):
    kernel.jumps["INPUT"].append(["-i", "br-old", "-j", "PAAS-1dac0988-R-IN"])
    await firewall.guard(BRIDGE)
    assert kernel.jumps["INPUT"] == [["-i", BRIDGE.interface, "-j", "PAAS-1dac0988-R-IN"]]


async def test_without_the_engines_chain_that_of_the_kernel(firewall, kernel):
    del kernel.jumps["DOCKER-USER"]
    await firewall.guard(BRIDGE)
    assert len(kernel.jumps["FORWARD"]) == 1


async def test_builds_reach_no_internal_address(firewall, kernel):
    await firewall.guard(BUILDS)
    (text,) = kernel.texts
    assert "20000" not in text
    assert "443" not in text
    assert kernel.jumps["INPUT"] == [["-i", BUILDS.interface, "-j", "PAAS-1dac0988-B-IN"]]


async def test_without_the_right_to_it_says_why(firewall, kernel):
    kernel.refusal = "Permission denied\n(you must be root)"
    await firewall.guard(BRIDGE)
    assert firewall.problem == ("iptables cannot be used: Permission denied (you must be root)")
    kernel.refusal = ""
    await firewall.guard(BRIDGE)
    assert firewall.problem == ""


async def test_an_engine_elsewhere_and_a_firewall_that_is_off(kernel, tmp_path):
    away = Firewall(WHOSE, run=kernel, interfaces=tmp_path)
    await away.guard(BRIDGE)
    assert "not on this machine" in away.problem
    off = Firewall(WHOSE, run=kernel, interfaces=tmp_path, on=False)
    await off.guard(BRIDGE)
    assert off.problem == "internal.firewall is off"
    assert kernel.texts == []
