"""Java: Maven, Gradle, and a jar that is there."""

import pytest

from paas.errors import Invalid
from tests.unit.core.languages.sources import lines, planned


@pytest.mark.parametrize(
    ("pom", "version"),
    [
        ("<maven.compiler.release>17</maven.compiler.release>", "17"),
        ("<java.version> 11 </java.version>", "11"),
        ("<maven.compiler.source>1.8</maven.compiler.source>", "8"),
        ("<!-- <java.version>8</java.version> -->", "21"),
    ],
)
def test_maven(pom: str, version: str) -> None:
    text = lines(planned("src/test/T.java", pom_xml=pom))
    assert f"FROM maven:3-eclipse-temurin-{version} AS build" in text
    assert f"FROM eclipse-temurin:{version}-jre" in text
    assert text.index("COPY pom.xml ./") < text.index("COPY . .")
    assert planned("src/test/T.java", pom_xml=pom).hints


@pytest.mark.parametrize(
    ("pom", "framework", "command"),
    [
        ("spring-boot-starter", "Spring Boot", "-jar app.jar --server.port=$PORT"),
        ("quarkus-bom", "Quarkus", "-Dquarkus.http.port=$PORT -jar app.jar"),
        ("micronaut-parent", "Micronaut", "-Dmicronaut.server.port=$PORT -jar app.jar"),
        ("", "", "-jar app.jar"),
    ],
)
def test_frameworks_are_told_the_port(pom: str, framework: str, command: str) -> None:
    plan = planned(pom_xml=pom)
    assert plan.framework == framework
    assert lines(plan)[-1].endswith(f'{command}"]')
    assert ("ENV QUARKUS_HTTP_HOST=0.0.0.0" in lines(plan)) == (framework == "Quarkus")


def test_what_maven_makes_must_be_one_program() -> None:
    for pom, word in (("<modules></modules>", "modules"), ("<packaging>war</packaging>", "war")):
        with pytest.raises(Invalid, match=word):
            planned(pom_xml=pom)


def test_gradle_with_its_wrapper_and_without() -> None:
    script = "java { toolchain { languageVersion = JavaLanguageVersion.of(17) } }"
    wrapped = lines(
        planned(
            "gradlew", "gradle/wrapper/gradle-wrapper.jar", "settings.gradle", build_gradle=script
        )
    )
    assert "FROM eclipse-temurin:17-jdk AS build" in wrapped
    assert "COPY build.gradle settings.gradle gradlew ./" in wrapped
    assert "COPY gradle ./gradle" in wrapped
    plain = lines(planned("build.gradle.kts"))
    assert "FROM gradle:8-jdk21 AS build" in plain
    assert 'RUN ["gradle", "--no-daemon", "dependencies"]' in plain


def test_a_finished_jar() -> None:
    assert lines(planned("shop.jar"))[-1].endswith('-jar shop.jar"]')
    assert lines(planned("shop.jar", Procfile="web: java -jar shop.jar"))[-1].startswith(
        'CMD ["java"'
    )
    with pytest.raises(Invalid, match=r"Several jars are there: a\.jar, b\.jar"):
        planned("a.jar", "b.jar")
