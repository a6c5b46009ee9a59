"""Python: installers, frameworks, servers."""

import pytest

from paas.errors import Invalid
from tests.unit.core.languages.sources import lines, planned

GUNICORN = '"gunicorn", "--threads", "8", "--worker-tmp-dir", "/dev/shm"'
FLASK = "app: Flask = Flask(__name__)\n"


def test_requirements_come_before_the_source() -> None:
    text = lines(planned(requirements_txt="flask\ngunicorn==23\n", app_py=FLASK))
    install = text.index('RUN ["pip", "install", "-r", "requirements.txt"]')
    assert text[install - 1] == "COPY requirements.txt ./"
    assert "COPY . ." in text[install:]
    assert text[-1] == f'CMD [{GUNICORN}, "app:app"]'


@pytest.mark.parametrize(
    "line", ["./lib", "-r more.txt", "-e .", "--find-links wheels", "x @ file:x.whl", "-c c.txt"]
)
def test_requirements_that_name_files_have_them(line: str) -> None:
    text = lines(planned("main.py", requirements_txt=f"a\n{line}\n"))
    assert text[text.index('RUN ["pip", "install", "-r", "requirements.txt"]') - 1] == "COPY . ."


@pytest.mark.parametrize(
    ("path", "source", "framework", "command"),
    [
        ("main_py", "api = FastAPI()\n", "FastAPI",
         '["sh", "-c", "exec uvicorn main:api --host 0.0.0.0 --port $PORT"]'),
        ("app__main_py", "app = fastapi.FastAPI(title='x')\n", "FastAPI",
         '["sh", "-c", "exec uvicorn app.main:app --host 0.0.0.0 --port $PORT"]'),
        ("app/__init__.py", "from flask import Flask\ndef create_app():\n    pass\n", "Flask",
         f'[{GUNICORN}, "app:create_app()"]'),
        ("wsgi_py", "application = Flask('x')\n", "Flask", f'[{GUNICORN}, "wsgi:application"]'),
        ("hello_py", "print()\n", "", '["python", "hello.py"]'),
        ("main_py", "def create_app(): pass\n", "", '["python", "main.py"]'),
    ],
)  # fmt: skip
def test_frameworks(path: str, source: str, framework: str, command: str) -> None:
    plan = planned(requirements_txt="", **{path: source})
    assert plan.framework == framework
    assert lines(plan)[-1] == f"CMD {command}"
    assert bool(plan.hints) == bool(framework)


def test_the_server_is_installed_where_nobody_names_it() -> None:
    text = lines(planned(requirements_txt="flask", app_py=FLASK))
    assert 'RUN ["pip", "install", "gunicorn"]' in text
    for named in ("gunicorn", "Gunicorn[gevent]>=20"):
        text = lines(planned(requirements_txt=f"flask\n{named}\n", app_py=FLASK))
        assert 'RUN ["pip", "install", "gunicorn"]' not in text
    text = lines(planned(requirements_txt="fastapi[standard]", main_py="app = FastAPI()"))
    assert 'RUN ["pip", "install", "uvicorn"]' not in text


def test_django() -> None:
    manage = 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")'
    settings = "STATIC_ROOT = 1\nMIDDLEWARE = ['whitenoise']\n"
    plan = planned("shop/wsgi.py", requirements_txt="django\ngunicorn", manage_py=manage,
                   shop__settings_py=settings)  # fmt: skip
    assert (plan.framework, plan.hints) == ("Django", ())
    assert lines(plan)[-1] == f'CMD [{GUNICORN}, "shop.wsgi:application"]'
    assert any("collectstatic" in line for line in lines(plan))
    bare = planned("manage.py", "src/site/wsgi.py")
    assert lines(bare)[-1] == f'CMD [{GUNICORN}, "src.site.wsgi:application"]'
    assert not any("collectstatic" in line for line in lines(bare))
    assert lines(planned("manage.py"))[-1].endswith('"config.wsgi:application"]')


def test_uv_poetry_pipenv_and_a_plain_project() -> None:
    text = lines(planned("uv.lock", "pyproject.toml", "main.py"))
    assert "COPY pyproject.toml uv.lock ./" in text
    assert any('"uv", "sync", "--frozen"' in line for line in text)
    text = lines(planned("poetry.lock", "pyproject.toml", "main.py"))
    assert "COPY pyproject.toml poetry.lock ./" in text
    poetry = '[tool.poetry.dependencies]\npython = "~3.11"\n'
    text = lines(planned("main.py", pyproject_toml=poetry))
    assert "COPY pyproject.toml ./" in text
    assert "FROM python:3.11-slim" in text
    text = lines(planned("Pipfile.lock", "main.py", Pipfile='[requires]\npython_version = "3.12"'))
    assert 'RUN ["pipenv", "sync"]' in text
    assert "FROM python:3.12-slim" in text
    text = lines(planned("main.py", Pipfile="= broken"))
    assert 'RUN ["pipenv", "install", "--skip-lock"]' in text


def test_a_project_names_its_dependencies() -> None:
    project = '[project]\nname = "x"\ndependencies = ["flask>=3", "--evil", 5]\n'
    project += 'requires-python = ">=3.10,<3.12"\n'
    text = lines(planned("src/app.py", pyproject_toml=project))
    assert 'RUN ["pip", "install", "flask>=3"]' in text
    assert "FROM python:3.11-slim" in text
    assert any("PYTHONPATH=/app/src:/app" in line for line in text)
    text = lines(planned("main.py", pyproject_toml='[build-system]\nrequires = ["x"]\n'))
    assert 'RUN ["pip", "install", "--no-deps", "."]' in text
    assert "AS build" not in planned("main.py", pyproject_toml="").dockerfile


def test_versions_of_files_of_their_own() -> None:
    assert "FROM python:3.12-slim" in lines(planned("main.py", runtime_txt="python-3.12.1"))


def test_nothing_to_start() -> None:
    with pytest.raises(Invalid) as caught:
        planned("shop.py", requirements_txt="")
    assert caught.value.code == "unclear_source"
    assert "Procfile" in caught.value.advice
    plan = planned("shop.py", requirements_txt="", Procfile="web: python shop.py")
    assert lines(plan)[-1] == 'CMD ["python", "shop.py"]'
