import re
from pathlib import Path

import paas
from paas.core.event_kinds import KINDS, NOUNS, kinds_of

WRITTEN = re.compile(rf'"((?:{"|".join(NOUNS)})\.[a-z_]+)"')
FOLDERS = ("control", "core")


def test_every_kind_that_is_written_is_known():
    root = Path(paas.__file__).parent
    found = {
        kind
        for folder in FOLDERS
        for file in (root / folder).glob("*.py")
        for kind in WRITTEN.findall(file.read_text())
    }
    assert found
    assert found <= set(KINDS)


def test_kinds_by_their_noun():
    assert kinds_of("disk") == ("disk.low", "disk.recovered")
    assert kinds_of("nothing") == ()
