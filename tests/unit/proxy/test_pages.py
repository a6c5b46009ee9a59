import pytest

from paas.live.board import Refusal, RefusalCode
from paas.proxy import pages


@pytest.mark.parametrize("code", list(RefusalCode))
def test_every_refusal_of_the_board_has_a_page(code):
    problem = pages.refusal(Refusal(code, 5))
    assert problem.status == (404 if code is RefusalCode.GONE else 503)
    answer = pages.page(problem, None, keep_alive=False)
    assert f"X-Paas-Error: {code.value}\r\n".encode() in answer
    assert b"Retry-After: 5\r\n" in answer
