import pytest

from paas.core.fence import METADATA, Bridge, Openings, chains, rules, stale_jumps

BRIDGE = Bridge(interface="br-0123456789ab", gateway="172.31.0.1", purpose="R")
OPENINGS = Openings(internal=(20000, 31999), host=(80, 443))
WHOSE = "1dac0988ffffffff"
IN, OUT = "PAAS-1dac0988-R-IN", "PAAS-1dac0988-R-OUT"


def test_chains_bear_the_installation_and_are_short_enough_for_the_kernel():
    assert chains(WHOSE, BRIDGE) == (IN, OUT)
    assert max(map(len, chains(WHOSE, BRIDGE))) <= 28


def test_only_our_own_chains_are_written():
    lines = rules(WHOSE, BRIDGE, OPENINGS).splitlines()
    assert (lines[0], lines[-1]) == ("*filter", "COMMIT")
    named = [line.split()[1] if line[0] == "-" else line[1:].split()[0] for line in lines[1:-1]]
    assert set(named) == {IN, OUT}


def test_replies_and_internal_addresses_are_let_in_and_what_is_left_is_refused():
    lines = rules(WHOSE, BRIDGE, OPENINGS).splitlines()
    mine = [line.removeprefix(f"-A {IN} ") for line in lines if line.startswith(f"-A {IN}")]
    assert mine == [
        "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-d 172.31.0.1/32 -p tcp --dport 20000:31999 -j ACCEPT",
        "-p tcp --dport 80 -j RETURN",
        "-p tcp --dport 443 -j RETURN",
        "-p tcp --dport 53 -j RETURN",
        "-p udp --dport 53 -j RETURN",
        "-p icmp -j RETURN",
        "-j REJECT",
    ]


def test_builds_have_no_internal_addresses():
    assert "ACCEPT" not in rules(WHOSE, BRIDGE, Openings()).replace("ESTABLISHED -j ACCEPT", "")


def test_metadata_is_refused_but_for_dns():
    lines = rules(WHOSE, BRIDGE, OPENINGS).splitlines()
    mine = [line.removeprefix(f"-A {OUT} ") for line in lines if line.startswith(f"-A {OUT}")]
    assert mine == [
        f"-o {BRIDGE.interface} -j REJECT",
        "-p udp --dport 53 -j RETURN",
        "-p tcp --dport 53 -j RETURN",
        *(f"-d {network} -j REJECT" for network in METADATA),
    ]


@pytest.mark.parametrize("name", ["", "br 0", "br-0\n-A INPUT -j ACCEPT", "-i", "x" * 16, "a/b"])
def test_no_other_text_becomes_the_name_of_an_interface(name):
    with pytest.raises(ValueError, match="interface"):
        Bridge(interface=name, gateway="10.0.0.1", purpose="R")


def test_a_gateway_is_an_address():
    with pytest.raises(ValueError, match=r"10\.0\.0\.1"):
        Bridge(interface="br-0", gateway="10.0.0.1 -j ACCEPT", purpose="R")


def test_jumps_of_others_and_other_chains_are_not_ours():
    listing = (
        "-P INPUT ACCEPT\n-N DOCKER-USER\n-A INPUT -j ufw-before-input\n"
        f"-A INPUT -i {BRIDGE.interface} -j PAAS-ffffffff-R-IN\n\n"
    )
    assert stale_jumps(listing, IN, BRIDGE.interface) == ([], False)


def test_a_jump_for_a_former_bridge_and_a_second_one_are_stale():
    ours = f"-A INPUT -i {BRIDGE.interface} -j {IN}"
    listing = f"{ours}\n-A INPUT -i br-old -j {IN}\n{ours}\n"
    stale, there = stale_jumps(listing, IN, BRIDGE.interface)
    assert there
    assert stale == [
        ["INPUT", "-i", "br-old", "-j", IN],
        ["INPUT", "-i", BRIDGE.interface, "-j", IN],
    ]
