"""What holds of every plan, whatever the language."""

import json
import re

import pytest

from paas.core.languages import detect
from paas.core.languages.plan import PORT, Plan, start
from paas.errors import Invalid
from tests.unit.core.languages.sources import facts, lines, planned

SOURCES = {
    "maven": {"pom_xml": "<project/>"},
    "gradle": {"build_gradle": ""},
    "php": {"index_php": ""},
    "composer": {"composer_json": "{}", "public__index_php": ""},
    "go": {"go_mod": "module x\n", "main_go": "package main\n"},
    "python": {"requirements_txt": "flask\n", "app_py": "app = Flask(__name__)\n"},
    "uv": {"pyproject_toml": "", "uv_lock": "", "main_py": ""},
    "node": {"package_json": '{"dependencies": {"a": "1"}, "scripts": {"start": "node x"}}'},
    "pages": {"package_json": '{"devDependencies": {"vite": "1"}, "scripts": {"build": "v"}}'},
    "main": {"main_py": ""},
    "jar": {"shop_jar": ""},
    "static": {"index_html": ""},
}


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("web", ["", "run me --port $PORT"])
def test_every_dockerfile_keeps_the_rules(name: str, web: str) -> None:
    plan = planned(**SOURCES[name], **({"Procfile": f"web: {web}\n"} if web else {}))
    text = plan.dockerfile
    assert not re.search(r"<<|# *syntax=|--mount", text)
    last = text.rpartition("FROM ")[2]
    user = re.findall(r"^USER (\S+)$", last, re.MULTILINE)
    assert user in (["10001:10001"], ["www-data"])
    assert re.findall(r"^EXPOSE (\S+)$", text, re.MULTILINE) == [str(PORT)]
    (command,) = re.findall(r"^CMD (.*)$", text, re.MULTILINE)
    assert isinstance(json.loads(command), list)
    if web and name not in ("static", "pages"):
        assert json.loads(command) == ["sh", "-c", f"exec {web}"]
    for line in lines(plan):
        if line.startswith("RUN ["):
            assert isinstance(json.loads(line.removeprefix("RUN ")), list)
    assert ".git" in plan.ignore
    assert plan.reason


def test_what_a_front_end_is_served_by_comes_first() -> None:
    package = {"package_json": '{"scripts": {"start": "x"}}'}
    assert planned("manage.py", **package).language == "Python"
    assert planned("index.php", **package).language == "PHP"
    assert (
        planned("main.go", go_mod="module x\n", main_go="package main", **package).language == "Go"
    )
    assert planned("pom.xml", "index.php").language == "Java"
    assert planned("main.py", **package).language == "Node.js"
    assert planned("main.py", "index.html").language == "Python"


def test_what_nobody_knows_is_told_with_what_was_looked_for() -> None:
    with pytest.raises(Invalid) as caught:
        detect.choose(facts("shop.rb", "Gemfile"))
    error = caught.value
    assert error.code == "no_dockerfile"
    assert "Gemfile, shop.rb" in error.message
    assert "go.mod" in error.message
    assert "paas init" in error.advice
    assert [field.field for field in error.fields] == ["dockerfile"]
    with pytest.raises(Invalid, match="holds: nothing"):
        detect.choose(facts())
    with pytest.raises(Invalid, match="and 5 more"):
        detect.choose(facts(*(f"f{number}" for number in range(25))))


def test_a_plan_is_told_in_a_log() -> None:
    plan = Plan(language="X", framework="Y", reason="so", dockerfile="FROM a\n", hints=("h",))
    told = detect.told(plan)
    assert told[0] == "There is no Dockerfile. This is X (Y): so."
    assert told[1] == "Note: h"
    assert told[-1] == "  FROM a"
    assert detect.ignore_file(plan).splitlines()[0] == ".git"


def test_a_command_needs_a_shell_only_for_what_only_a_shell_does() -> None:
    assert start("node server.js --fast") == 'CMD ["node", "server.js", "--fast"]'
    assert start("run --port $PORT") == 'CMD ["sh", "-c", "exec run --port $PORT"]'
    assert start("a && exec b") == 'CMD ["sh", "-c", "a && exec b"]'
    assert start("MODE=x b $PORT") == 'CMD ["sh", "-c", "MODE=x b $PORT"]'
    assert start("run 'a:make()' \"b c\"") == 'CMD ["run", "a:make()", "b c"]'
    assert start('say "$A"') == 'CMD ["sh", "-c", "exec say \\"$A\\""]'
    assert start("say 'open") == 'CMD ["sh", "-c", "exec say \'open"]'


def test_a_procfile_has_one_web_line_and_its_others_are_not_run() -> None:
    source = {"main_py": "", "Procfile": "release: migrate\r\nweb:  python x.py  \r\nworker: w\n"}
    plan = planned(**source)
    assert 'CMD ["python", "x.py"]' in lines(plan)
    assert any("release, worker is not run" in hint for hint in plan.hints)
    assert planned("main.py", Procfile="nothing\n").hints == ()
