from paas.live.usage import Usage


def test_a_proxy_that_did_nothing_used_nothing():
    assert Usage() == Usage(connections=0, refused=0, paused=False, pauses=0, lost_lines=0)
