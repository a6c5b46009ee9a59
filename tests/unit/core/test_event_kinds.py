import re
from pathlib import Path

import paas
from paas.core.event_kinds import KINDS, NOUNS, kinds_of

PACKAGE = Path(paas.__file__).parent
OPERATIONS = PACKAGE.parent / "docs" / "operations.md"
ANY = re.compile(r'"([a-z]+\.[a-z_]+)"')
KNOWN_NOUN = re.compile(rf'"((?:{"|".join(NOUNS)})\.[a-z_]+)"')
ALARMING = {"crashing", "exited", "expiring", "failed", "low", "no_memory", "refused"}


def written(folder: str, pattern: re.Pattern[str]) -> set[str]:
    files = (PACKAGE / folder).glob("*.py")
    return {kind for file in files for kind in pattern.findall(file.read_text())}


def test_every_kind_that_is_written_is_known():
    found = written("control", ANY) | written("core", KNOWN_NOUN)
    assert found
    assert found <= set(KINDS)


def test_every_alarm_is_explained():
    alarms = [kind for kind in KINDS if kind.partition(".")[2] in ALARMING]
    assert len(alarms) >= len(ALARMING)
    page = OPERATIONS.read_text()
    assert [kind for kind in alarms if f"`{kind}`" not in page] == []


def test_kinds_by_their_noun():
    assert kinds_of("disk") == ("disk.low", "disk.recovered")
    assert kinds_of("nothing") == ()
