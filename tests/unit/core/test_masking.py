from hypothesis import given
from hypothesis import strategies as st

from paas.core.masking import MASK, SHORTEST, mask


def test_every_secret_is_masked_wherever_it_stands():
    assert mask("key=s3cret! again s3cret!", ["s3cret!"]) == f"key={MASK} again {MASK}"


def test_short_values_stay_because_masking_them_would_blot_out_ordinary_text():
    assert mask("a cat sat", ["a", "cat", ""]) == "a cat sat"
    assert len("cat") < SHORTEST


def test_the_longest_comes_first_so_that_no_tail_of_it_is_left():
    assert mask("password-long", ["password", "password-long"]) == MASK


def test_a_secret_of_several_lines_is_masked_line_by_line():
    secret = "-----BEGIN KEY-----\nMIIEow\r\n\nabcd\n-----END KEY-----"
    assert mask("MIIEow", [secret]) == MASK
    assert mask("x abcd x", [secret]) == f"x {MASK} x"


@given(text=st.text("abcd", max_size=60), secrets=st.lists(st.text("abcd", min_size=4, max_size=6)))
def test_no_secret_is_left_in_any_text(text, secrets):
    masked = mask(text, secrets)
    assert not any(secret in masked for secret in secrets)
