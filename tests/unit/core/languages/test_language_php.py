"""PHP: where it is served from, composer, extensions."""

import json
from typing import Any

import pytest

from paas.errors import Invalid
from tests.unit.core.languages.sources import lines, planned


def composer(*names: str, **require: Any) -> list[str]:
    return lines(planned(*names, composer_json=json.dumps({"require": require})))


def test_plain_files() -> None:
    text = lines(planned("index.php"))
    assert "FROM php:8.4-apache" in text
    assert any("DocumentRoot /var/www/html#" in line for line in text)
    assert "COPY . ." in text
    assert text[-1] == 'CMD ["apache2-foreground"]'
    assert any("/var/www/html/public#" in line for line in lines(planned("public/index.php")))


def test_composer_comes_before_the_source() -> None:
    text = composer("composer.lock", "public/index.php", php="^8.2")
    assert text.index("COPY composer.json composer.lock ./") < text.index("COPY . .")
    assert "COPY --from=build /app /var/www/html" in text
    assert "FROM php:8.4-apache" in text
    assert planned("index.php", "composer.lock", composer_json="[]").hints == ()
    assert planned("index.php", composer_json="no json").hints


def test_packages_that_nobody_installs_are_part_of_the_source() -> None:
    assert "vendor" not in planned("index.php", "vendor/autoload.php").ignore
    assert "vendor" in planned("index.php", composer_json="{}").ignore


def test_frameworks_and_what_they_write_to() -> None:
    text = composer("artisan", "public/index.php", "storage/logs/x", "bootstrap/cache/y")
    assert 'RUN ["chown", "-R", "www-data:www-data", "storage", "bootstrap/cache"]' in text
    assert "(Laravel)" in text[0]
    text = composer("public/index.php", **{"symfony/framework-bundle": "7"})
    assert "(Symfony)" in text[0]


def test_extensions() -> None:
    plan = planned(
        "index.php",
        composer_json=json.dumps(
            {"require": {"ext-json": "*", "ext-gd": "*", "ext-bcmath": "*", "ext-redis": "*"}}
        ),
    )
    assert any("install -y --no-install-recommends libpng-dev &&" in line for line in lines(plan))
    assert 'RUN ["docker-php-ext-install", "bcmath", "gd"]' in lines(plan)
    assert [hint for hint in plan.hints if "redis" in hint]
    text = composer("index.php", **{"ext-bcmath": "*"})
    assert not any("apt-get" in line for line in text)
    assert 'RUN ["docker-php-ext-install", "bcmath"]' in text


def test_a_program_of_its_own() -> None:
    with pytest.raises(Invalid, match=r"no index\.php"):
        composer()
    text = lines(planned(composer_json="{}", Procfile="web: php server.php\n"))
    assert text[-1] == 'CMD ["php", "server.php"]'
    assert "STOPSIGNAL SIGWINCH" not in text
