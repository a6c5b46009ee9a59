import asyncio

from paas.aio.tasks import Tasks
from paas.core.model import BasicAuth
from paas.core.passwords import hash_password
from paas.core.policy import Prove
from paas.proxy.proofs import RIGHT, WAITING, WRONG, Proofs

LOGIN = BasicAuth(user="ann", password=hash_password("s3cret", salt=b"0123456789abcdef"))
GOOD = Prove(user=b"ann", password=b"s3cret")


class Rig:
    def __init__(self):
        self.tasks = Tasks()
        self.proofs = Proofs(self.tasks)

    async def ask(self, *attempts, login=LOGIN):
        answers = []
        for attempt in attempts:
            self.proofs.check(login, attempt, answers.append)
        async with asyncio.timeout(30):
            while len(answers) < len(attempts):
                await asyncio.sleep(0.005)
        return answers


def guess(number):
    return Prove(user=b"ann", password=b"guess %d" % number)


async def test_a_proved_answer_is_remembered():
    rig = Rig()
    for attempt, expected in ((GOOD, True), (guess(1), False)):
        assert await rig.ask(attempt) == [expected]
        now = []
        rig.proofs.check(LOGIN, attempt, now.append)
        assert now == [expected]
    assert rig.proofs.remembered == (1, 1)
    assert await rig.ask(Prove(user=b"bob", password=b"s3cret")) == [False]
    assert await rig.ask(Prove(user=b"ann:s3", password=b"cret")) == [False]


async def test_the_same_attempt_is_computed_once():
    rig = Rig()
    assert await rig.ask(*[GOOD] * (5 * WAITING)) == [True] * (5 * WAITING)


async def test_few_may_wait_for_one_login_and_others_are_not_kept_out():
    rig = Rig()
    answers = await rig.ask(*(guess(number) for number in range(WAITING + 4)))
    assert answers.count(None) == 4
    other = BasicAuth(user="ann", password=hash_password("s3cret", salt=b"fedcba9876543210"))
    flood = asyncio.ensure_future(rig.ask(*(guess(100 + number) for number in range(WAITING))))
    await asyncio.sleep(0)
    assert await rig.ask(GOOD, login=other) == [True]
    await flood


async def test_memory_is_bounded_and_guesses_push_out_no_right_answer():
    proofs = Proofs(Tasks())
    for number in range(WRONG + 50):
        proofs._remember(b"wrong %d" % number, right=False)
    for number in range(RIGHT + 50):
        proofs._remember(b"right %d" % number, right=True)
    assert proofs.remembered == (RIGHT, WRONG)


async def test_an_end_meanwhile_answers_everybody():
    rig = Rig()
    answers = []
    rig.proofs.check(LOGIN, GOOD, answers.append)
    await asyncio.sleep(0)
    await rig.tasks.close()
    assert answers == [None]
