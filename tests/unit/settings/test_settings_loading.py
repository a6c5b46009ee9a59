"""One file, environment over it, and every mistake at once."""

import socket
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from paas.errors import Invalid
from paas.settings import Settings, load
from paas.settings.sources import leaves, variable

EXAMPLE = Path(__file__).parents[3] / "config.example.yaml"
HOME = {"HOME": "/home/x"}


@pytest.fixture
def config(tmp_path):
    def write(text):
        path = tmp_path / "config.yaml"
        path.write_text(text)
        return path

    return write


def mistakes(path, env=HOME):
    with pytest.raises(Invalid) as caught:
        load(path, env)
    assert caught.value.code == "bad_settings"
    return caught.value.message.replace(f"{path}:", "").splitlines()


def test_the_example_shows_every_setting_with_its_default():
    assert load(EXAMPLE, HOME) == load(None, HOME)
    text = EXAMPLE.read_text()
    for path, _ in leaves(Settings):
        assert f"{path[-1]}:" in text


def test_nothing_is_missing_from_the_example(config):
    tree = yaml.safe_load(EXAMPLE.read_text())
    for path, _ in leaves(Settings):
        here = tree
        for part in path:
            assert part in here, path
            here = here[part]


def test_every_setting_has_a_description():
    assert all(info.description for _, info in leaves(Settings))


def test_defaults():
    settings = load(None, HOME)
    assert settings.data_dir == Path("/home/x/.local/share/paas")
    assert settings.api.socket == "/home/x/.local/share/paas/api.sock"
    assert settings.proxy.http == [":8080"]


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"STATE_DIRECTORY": "/var/lib/paas:/x"}, "/var/lib/paas"),
        ({"XDG_DATA_HOME": "/data"}, "/data/paas"),
        ({"STATE_DIRECTORY": "/var/lib/paas", "XDG_DATA_HOME": "/d"}, "/var/lib/paas"),
        ({"PAAS_DATA_DIR": "~/p"}, "/home/x/p"),
        ({"PAAS_DATA_DIR": "/p", "STATE_DIRECTORY": "/s"}, "/p"),
    ],
)
def test_data_dir(env, expected):
    assert load(None, HOME | env).data_dir == Path(expected)


def test_relative_paths_start_at_the_file(config, tmp_path):
    settings = load(config("data_dir: state\napi: {socket: run/a.sock}\n"), HOME)
    assert settings.data_dir == tmp_path / "state"
    assert settings.api.socket == str(tmp_path / "run/a.sock")


def test_off_is_off_however_yaml_reads_it(config):
    settings = load(config("proxy: {proxy_protocol: off, access_log: 'off'}\n"), HOME)
    assert (settings.proxy.proxy_protocol, settings.proxy.access_log) == ("off", "off")
    env = {"PAAS_PROXY__TRUSTED": "10.0.0.0/8, ::1", "PAAS_PROXY__ACCESS_LOG": "JSON"}
    proxy = load(None, HOME | env).proxy
    assert (proxy.trusted, proxy.access_log) == (["10.0.0.0/8", "::1/128"], "json")


@pytest.mark.parametrize("host", ["apps.example", "shop.apps.example", "a.console.apps.example"])
def test_the_api_s_own_host_is_no_service_s(host):
    env = {**HOME, "PAAS_BASE_DOMAIN": "apps.example", "PAAS_API__PUBLIC_HOST": host}
    (mistake,) = mistakes(None, env)
    assert "console.apps.example" in mistake


@pytest.mark.parametrize("host", ["", "api.apps.example", "hooks.example", "Console.Example."])
def test_the_api_s_own_host(host):
    env = {**HOME, "PAAS_BASE_DOMAIN": "apps.example", "PAAS_API__PUBLIC_HOST": host}
    known = load(None, env).public_host
    assert known == (host.lower().rstrip(".") or "console.apps.example")


def test_the_access_log_starts_at_the_file(config, tmp_path):
    settings = load(config("proxy: {access_log_file: logs/access.log}\n"), HOME)
    assert settings.proxy.access_log_file == str(tmp_path / "logs/access.log")


def test_certificates_start_at_the_file_or_at_the_working_directory(config, tmp_path):
    text = "proxy: {https: ':443', certificates: [{certificate: a.pem, key: ~/a.key}, both.pem]}\n"
    read = load(config(text), HOME).proxy
    assert [(one.certificate, one.key) for one in read.certificates] == [
        (str(tmp_path / "a.pem"), "/home/x/a.key"),
        (str(tmp_path / "both.pem"), str(tmp_path / "both.pem")),
    ]
    env = {"PAAS_PROXY__HTTPS": ":443", "PAAS_PROXY__CERTIFICATES": "/c.pem:/c.key, d.pem"}
    read = load(config(text), HOME | env).proxy
    assert [(one.certificate, one.key) for one in read.certificates] == [
        ("/c.pem", "/c.key"),
        (str(Path("d.pem").absolute()),) * 2,
    ]


def test_relative_paths_of_the_environment_start_at_the_working_directory(config):
    settings = load(config(""), HOME | {"PAAS_DATA_DIR": "state"})
    assert settings.data_dir == Path("state").absolute()


def test_the_environment_wins(config):
    env = {
        "PAAS_PROXY__HTTP": ":80, [::1]:81",
        "PAAS_DEFAULTS__REPLICAS__MAX": "3",
        "PAAS_DEFAULTS__CPU": "1.5",
        "PAAS_DEFAULTS__SCALING__RPS": "",
        "PAAS_API__LISTEN": "",
        "PAAS_LOGS__LEVEL": "DEBUG",
        "PAAS_URL": "http://elsewhere",
        "PAAS_TOKEN": "x",
        "PAAS_CONFIG": "y",
    }
    settings = load(config("proxy: {http: 127.0.0.1:9}\n"), HOME | env)
    assert settings.proxy.http == [":80", "[::1]:81"]
    assert settings.defaults.replicas.max == 3
    assert settings.defaults.cpu == 1.5
    assert settings.defaults.scaling.rps is None
    assert settings.api.listen == ""
    assert settings.logs.level == "debug"


def test_a_wrong_value_in_the_file_is_mended_by_the_environment(config):
    assert load(config("base_domain: 7\n"), HOME | {"PAAS_BASE_DOMAIN": "a.b"}).base_domain == "a.b"


def test_every_mistake_is_listed_with_its_place(config):
    path = config(
        "proxy:\n"
        "  htp: x\n"
        "  http: 8080\n"
        "  https: '443'\n"
        "defaults:\n"
        "  replicas:\n"
        "    min: 20\n"
        "    max: 10\n"
        "  cpu: -1\n"
        "  memory: 5 apples\n"
        "  memory: 1GiB\n"
        "  scaling: {cpu: 400}\n"
        "limits: 3\n"
        "idle: {freeze_after: }\n"
    )
    lines = mistakes(path, HOME | {"PAAS_BUILDS__CONCURRENT": "x", "PAAS_PROXY__HTTPP": "1"})
    assert sorted(lines) == sorted(
        [
            "2:3 proxy.htp: is no setting; did you mean http?",
            "3:3 proxy.http: must be a list of text or one text, got 8080",
            (
                "4:3 proxy.https.0: must be host:port or :port, such as 127.0.0.1:8080, "
                "[::1]:8080 or :8080, got '443'"
            ),
            "6:3 defaults.replicas: must be ordered: min (20) at most max (10)",
            "9:3 defaults.cpu: must be a number more than 0 and at most 1,024, got -1",
            (
                "10:3 defaults.memory: must be a size such as 512MiB, 1GiB, 256m or "
                "a number of bytes, got '5 apples'"
            ),
            "11:3 defaults.memory: is given twice, first at 10:3",
            "12:13 defaults.scaling.cpu: must be a number more than 0 and at most 100, got 400",
            "13:9 limits: must be a section with key: value lines",
            (
                "14:8 idle.freeze_after: must be a number at least 0 and at most 31,622,400, "
                "got nothing"
            ),
            (
                "PAAS_BUILDS__CONCURRENT builds.concurrent: must be a whole number at least 1 "
                "and at most 64, got 'x'"
            ),
            "PAAS_PROXY__HTTPP is no setting; did you mean PAAS_PROXY__HTTP?",
        ]
    )


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("a: [", "1:5 is not YAML"),
        ("- a", "1:1 must be a section"),
        ("proxy: {http: []}", "1:9 proxy.http: must be at least one address"),
        ("proxy: {http: [nine]}", "1:9 proxy.http.0: must be host:port"),
        ("api: {listen: nowhere}", "1:7 api.listen: must be host:port"),
        ("proxy: {trusted: [10.0.0.1/8]}", "1:9 proxy.trusted.0: must be an address or network"),
        ("proxy: {proxy_protocol: on}", "1:9 proxy.proxy_protocol: must be one of off, accept"),
        ("proxy: {access_log: yes}", "1:9 proxy.access_log: must be one of off, json, combined"),
        ("acme: {directory: 'http://ca'}", "1:8 acme.directory: must be empty, or the https://"),
        ("acme: {enabled: true, challenge: dns-01}", "1:1 acme: must be complete: dns-01 and"),
        ("acme: {enabled: true, base_domain: wildcard}", "1:1 acme: must be complete: dns-01"),
        ("acme: {directory: 'https://ca/', staging: true}", "1:1 acme: must be unambiguous"),
        ("proxy: {certificates: {}}", "1:9 proxy.certificates: must be a list"),
        ("proxy: {certificates: [3]}", "1:9 proxy.certificates.0: must be a section"),
        ("proxy: {certificates: [{key: a}]}", "proxy.certificates.0.certificate: must be given"),
        ("proxy: {certificates: [{crt: a}]}", "proxy.certificates.0.crt: must be left out"),
        ("proxy: {certificates: ['']}", "proxy.certificates.0.certificate: must be a path"),
        ("docker: {host: 'ssh://x'}", "1:10 docker.host: must be empty, unix:///"),
        ("docker: {host: 'tcp://x'}", "1:10 docker.host: must be empty, unix:///"),
        ("docker: {host: 'unix://x/y'}", "1:10 docker.host: must be empty, unix:///"),
        ("internal: {ports: 80-90}", "1:12 internal.ports: must be a range"),
        ("internal: {ports: 3000-2000}", "1:12 internal.ports: must be a range"),
        ("base_domain: 'a b'", "1:1 base_domain: must be a host name"),
        ("defaults: {port: true}", "1:12 defaults.port: must be a whole number"),
        ("defaults: {memory: 1m}", "1:12 defaults.memory: must be a size"),
        ("defaults: {dockerfile: ../x}", "1:12 defaults.dockerfile: must be a relative path"),
        ("logs: {level: loud}", "1:8 logs.level: must be one of debug, info, warning, error"),
        ("data_dir: .", "1:1 data_dir: must be a path"),
        ("data_dir: !!python/object:os.system {}", "1:11 data_dir: is no plain value"),
        ("a: &a [*a]", "1:1 a: is no setting"),
        ("proxy: &p {http: *p}", "1:8 proxy.http: is no plain value"),
        ("a: 1\n--- \nb: 2\n", "is not YAML"),
        ("idle: {stop_after: .inf}", "1:8 idle.stop_after: must be a finite number"),
    ],
)
def test_one_mistake(config, text, mistake):
    lines = mistakes(config(text))
    assert any(mistake in line for line in lines), lines


def test_a_file_that_cannot_be_read(tmp_path):
    assert mistakes(tmp_path / "none") == [f"{tmp_path / 'none'} the file does not exist"]
    assert "cannot be read" in mistakes(tmp_path)[0]
    (tmp_path / "latin").write_bytes(b"a: \xe9\n")
    assert "is not UTF-8" in mistakes(tmp_path / "latin")[0]


def test_a_socket_path_that_the_kernel_would_refuse():
    lines = mistakes(None, HOME | {"PAAS_DATA_DIR": "/" + "x" * 120})
    assert "exceeds 107 bytes" in lines[0]


def test_the_longest_socket_path_is_right(tmp_path):
    path = tmp_path / ("x" * (107 - len(str(tmp_path)) - 1))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    with socket.socket(socket.AF_UNIX) as server, pytest.raises(OSError, match="too long"):
        server.bind(f"{path}y")


@given(st.sampled_from([path for path, _ in leaves(Settings)]), st.text(max_size=12))
def test_any_text_in_any_variable_is_taken_or_refused(path, text):
    name = variable(path)
    try:
        load(None, HOME | {name: text})
        said = name
    except Invalid as error:
        said = error.message
    assert said.startswith(name)


def test_switches_in_the_environment():
    found = load(None, {**HOME, "PAAS_ACME__ENABLED": "true", "PAAS_ACME__CHECK_DNS": "False"})
    assert (found.acme.enabled, found.acme.check_dns) == (True, False)
    assert "must be" in "\n".join(mistakes(None, {**HOME, "PAAS_ACME__ENABLED": "yes"}))


def test_which_authority():
    assert "staging" not in load(None, HOME).acme.url
    assert "staging" in load(None, {**HOME, "PAAS_ACME__STAGING": "true"}).acme.url
    ours = {**HOME, "PAAS_ACME__DIRECTORY": "https://ca.test/dir"}
    assert load(None, ours).acme.url == "https://ca.test/dir"


def test_places_that_are_told(config):
    file = config(
        "notifications:\n"
        "  - url: https://hooks.example/secret\n    format: slack\n"
        "    events: [disk.low]\n"
    )
    (place,) = load(file, HOME).notifications
    assert (place.recipient.host, place.recipient.format) == ("hooks.example", "slack")
    assert place.recipient.events == {"disk.low"}
    assert "secret" not in repr(load(file, HOME))
    urls = "https://a.example/x,slack+https://b.example/y"
    found = load(None, HOME | {"PAAS_NOTIFICATIONS": urls}).notifications
    assert [(one.recipient.host, one.format) for one in found] == [
        ("a.example", "generic"),
        ("b.example", "slack"),
    ]


def test_places_that_cannot_be_told(config):
    file = config("notifications:\n  - url: ftp://x\n    events: [disk.exploded]\n")
    told = "\n".join(mistakes(file))
    assert "a URL such as https://host/path" in told
    assert "a kind of event such as" in told


def test_what_replicas_may_reach_of_the_host(config):
    assert load(config("internal: {host_ports: 25}"), HOME).internal.host_ports == [25]
    several = {**HOME, "PAAS_INTERNAL__HOST_PORTS": "5432,6379"}
    assert load(None, several).internal.host_ports == [5432, 6379]
    assert load(None, HOME).internal.range == range(20000, 32000)
    (told,) = mistakes(None, {**HOME, "PAAS_INTERNAL__HOST_PORTS": "ssh"})
    assert "internal.host_ports" in told
