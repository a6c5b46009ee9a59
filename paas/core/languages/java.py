"""Java: Maven, Gradle (its wrapper, if there is one) or one finished jar."""

import re

from paas.core.languages.facts import Facts
from paas.core.languages.plan import (
    IGNORED,
    PORT,
    Plan,
    dockerfile,
    last,
    run,
    start,
    unclear,
)
from paas.core.languages.versions import JAVA, at_least

JAVA_COMMAND = "java -XX:MaxRAMPercentage=75"
FRAMEWORKS = {"spring-boot": ("Spring Boot", " --server.port=$PORT"), "quarkus": ("Quarkus", ""),
              "micronaut": ("Micronaut", "")}  # fmt: skip
_RELEASE = (
    re.compile(r"<(?:maven\.compiler\.release|java\.version|release)>\s*(\d{1,3})"),
    re.compile(r"<(?:maven\.compiler\.(?:target|source)|target|source)>\s*(?:1\.)?(\d{1,3})"),
    re.compile(r"(?:JavaLanguageVersion\.of|jvmToolchain)\((\d{1,3})\)"),
    re.compile(
        r"(?:source|target)Compatibility\s*=\s*[\"']?(?:JavaVersion\.VERSION_)?(?:1[._])?(\d{1,3})"
    ),
)
_PICK = (
    'jar=$(ls {}/*.jar | grep -v -e "/original-" -e "-sources.jar$" -e "-javadoc.jar$" '
    '-e "-plain.jar$" | head -n 1); mkdir /out; cp "$jar" /out/app.jar; '
    "if [ -d {}/lib ]; then cp -r {}/lib /out/lib; fi"
)


def plan(facts: Facts, web: str) -> Plan | None:
    """A source that Maven or Gradle builds. Raises `Invalid` (`unclear_source`)."""
    if facts.has("pom.xml"):
        return _maven(facts, web)
    if facts.has("build.gradle", "build.gradle.kts"):
        return _gradle(facts, web)
    return None


def plan_jar(facts: Facts, web: str) -> Plan | None:
    """A source that is a program already. Raises `Invalid` (`unclear_source`)."""
    jars = sorted(path for path in facts.files if path.endswith(".jar") and "/" not in path)
    if not jars:
        return None
    if len(jars) > 1:
        raise unclear(
            f"Several jars are there: {', '.join(jars)}.",
            f"Leave one, or add a Procfile with `web: java -jar {jars[0]}`.",
        )
    command = start(web or f"{JAVA_COMMAND} -jar {jars[0]}")
    stage = _last(JAVA[0], "COPY . .", command=command)
    return Plan(
        language="Java",
        reason=f"there is {jars[0]}",
        dockerfile=dockerfile(f"Java {JAVA[0]}, a finished jar", stage),
    )


def _maven(facts: Facts, web: str) -> Plan:
    pom = _without_comments(facts.text("pom.xml"))
    if "<modules>" in pom:
        raise unclear(
            "This is a Maven project of several modules, and which one is the service "
            "cannot be told.",
            "Write a Dockerfile which builds them and starts the right jar.",
        )
    if re.search(r"<packaging>\s*war", pom):
        raise unclear(
            "This Maven project makes a war, which needs an application server.",
            "Let it make a jar with a server inside, or write a Dockerfile.",
        )
    version = at_least(_wanted(pom), JAVA)
    quiet = ("mvn", "--batch-mode", "--no-transfer-progress", "-DskipTests")
    build = (
        f"FROM maven:3-eclipse-temurin-{version} AS build",
        "WORKDIR /fetch",
        "# What the pom names is fetched first: a change of the source alone does not again.",
        "COPY pom.xml ./",
        run(*quiet, "--fail-never", "--log-file", "/tmp/fetched", "package"),  # noqa: S108
        "WORKDIR /src",
        "COPY . .",
        run(*quiet, "package"),
        _picked("target", pom),
    )
    return _made(facts, "pom.xml", (version, pom, web), build)


def _gradle(facts: Facts, web: str) -> Plan:
    name = facts.has("build.gradle", "build.gradle.kts") or ""
    script = facts.text(name)
    version = at_least(_wanted(script), JAVA)
    wrapper = facts.has("gradlew") and facts.has("gradle/wrapper/gradle-wrapper.jar")
    image = f"eclipse-temurin:{version}-jdk" if wrapper else f"gradle:8-jdk{version}"
    call = ("sh", "gradlew") if wrapper else ("gradle",)
    files = ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts",
             "gradle.properties", "gradlew")  # fmt: skip
    build = (
        f"FROM {image} AS build",
        "WORKDIR /src",
        f"COPY {' '.join(filter(facts.has, files))} ./",
        *(["COPY gradle ./gradle"] if facts.under("gradle") else []),
        run(*call, "--no-daemon", "dependencies"),
        "COPY . .",
        run(*call, "--no-daemon", "build", "-x", "test"),
        _picked("build/libs", script),
    )
    return _made(facts, name, (version, script, web), build)


def _picked(folder: str, script: str) -> str:
    """Copies the program to /out: the one jar that runs, and what is beside it."""
    if "quarkus" in script:
        top = folder.partition("/")[0]
        return run(
            "sh", "-ec", f"cp -r {top}/quarkus-app /out; mv /out/quarkus-run.jar /out/app.jar"
        )
    return run("sh", "-ec", _PICK.format(folder, folder, folder))


def _made(facts: Facts, seen: str, chosen: tuple[str, str, str], build: tuple[str, ...]) -> Plan:
    version, script, web = chosen
    found = next((FRAMEWORKS[name] for name in FRAMEWORKS if name in script), ("", ""))
    framework, option = found
    title = f"Java {version}" + (f" ({framework})" if framework else "")
    stage = _last(
        version,
        "ENV QUARKUS_HTTP_HOST=0.0.0.0" if framework == "Quarkus" else "",
        "COPY --from=build /out /app",
        command=start(web or _command(framework, option)),
    )
    tests = () if not facts.under("src/test") else ("Tests are not run by the build.",)
    return Plan(
        language="Java",
        framework=framework,
        reason=f"there is {seen}",
        dockerfile=dockerfile(title, build, stage),
        ignore=(*IGNORED, "target", "build", ".gradle"),
        hints=tests,
    )


def _command(framework: str, option: str) -> str:
    port = {"Quarkus": " -Dquarkus.http.port=$PORT", "Micronaut": " -Dmicronaut.server.port=$PORT"}
    return f"{JAVA_COMMAND}{port.get(framework, '')} -jar app.jar{option}"


def _last(version: str, *lines: str, command: str) -> tuple[str, ...]:
    kept = (line for line in lines if line)
    environment = f"ENV PORT={PORT} HOME=/tmp"
    return last(
        f"eclipse-temurin:{version}-jre", environment, "WORKDIR /app", *kept, command=command
    )


def _without_comments(pom: str) -> str:
    first, *others = pom.split("<!--")
    return first + "".join(part.partition("-->")[2] for part in others)


def _wanted(text: str) -> str:
    found = (pattern.search(text) for pattern in _RELEASE)
    return next((one[1] for one in found if one), "")
