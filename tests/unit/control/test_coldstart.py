from paas.control.coldstart import ColdStart


def test_nothing_is_over_while_it_is_asked_for():
    cold = ColdStart(asked=100.0)
    assert (cold.seconds, cold.phases()) == (0.0, {})


def test_a_start_goes_through_all_phases_in_order():
    cold = ColdStart(asked=100.0, granted=100.5, created=100.75, running=101.0, ready=103.0)
    assert cold.seconds == 3.0
    assert list(cold.phases().items()) == [
        ("queue", 0.5),
        ("create", 0.25),
        ("start", 0.25),
        ("connect", 2.0),
    ]
    assert sum(cold.phases().values()) == cold.seconds


def test_a_wake_neither_waits_for_a_turn_nor_creates():
    cold = ColdStart(asked=100.0, woken=True, running=100.02, ready=100.025)
    assert cold.phases() == {"wake": 0.02, "connect": 0.005}


def test_phases_that_have_come_so_far_are_told():
    assert ColdStart(asked=1.0, granted=2.0).phases() == {"queue": 1.0}
