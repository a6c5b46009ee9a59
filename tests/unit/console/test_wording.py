import re
import string
from pathlib import Path

import pytest

import paas.console
from paas.console import wording

ENGLISH, CHINESE = wording.load("en"), wording.load("zh")
TEMPLATES = Path(paas.console.__file__).parent / "templates"
USED = re.compile(r"""\bt\('([a-z_.]+)'[,)]""")


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_say_the_same_things() -> None:
    assert ENGLISH.keys() == CHINESE.keys()
    assert {key: fields(text) for key, text in ENGLISH.items()} == {
        key: fields(text) for key, text in CHINESE.items()
    }
    assert all(text.strip() for text in (*ENGLISH.values(), *CHINESE.values()))


@pytest.mark.parametrize("template", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_what_a_page_says_is_known(template: Path) -> None:
    assert set(USED.findall(template.read_text())) <= ENGLISH.keys()


def test_the_nouns_are_those_of_the_product() -> None:
    nouns = ("service", "version", "replica", "deployment", "split", "domain", "event")
    said = [CHINESE[f"noun.{noun}"] for noun in nouns]
    assert said == ["服务", "版本", "副本", "部署", "流量策略", "自定义域名", "事件"]


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [
        ("", "", "en"),
        ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("", "en-GB,zh;q=0.5", "en"),
        ("", "de, zh;q=0.5", "en"),
        ("en", "zh-CN", "en"),
        ("zh", "en", "zh"),
        ("xx", "zh", "zh"),
        ("", "zh;q=x, en;q=0.1", "en"),
    ],
)
def test_the_language(cookie: str, accepted: str, language: str) -> None:
    assert wording.choose(cookie, accepted) == language
