import pytest

from paas.core.registries import familiar, parse_registry, registry_of


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("registry.example", "registry.example"),
        ("Registry.Example:5000", "registry.example:5000"),
        ("localhost:5000", "localhost:5000"),
        ("127.0.0.1:1", "127.0.0.1:1"),
        ("[::1]:5000", "[::1]:5000"),
        ("[::1]", "[::1]"),
        ("docker.io", "docker.io"),
        ("index.docker.io", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
    ],
)
def test_hosts(text: str, host: str) -> None:
    assert parse_registry(text) == host


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":5000",
        "a b",
        "https://registry.example",
        "registry.example/shop",
        "registry.example:0",
        "registry.example:99999999999",
        "registry.example:x",
        "[::1",
        "[x]",
        "-a",
        "a:1:2",
        "a\n",
    ],
)
def test_what_is_no_host(text: str) -> None:
    with pytest.raises(ValueError, match="a registry such as"):
        parse_registry(text)


@pytest.mark.parametrize(
    ("image", "host", "listed"),
    [
        ("nginx", "docker.io", "nginx:latest"),
        ("library/nginx:1", "docker.io", "nginx:1"),
        ("docker.io/library/nginx", "docker.io", "nginx:latest"),
        ("index.docker.io/ann/shop:2", "docker.io", "ann/shop:2"),
        ("ann/shop", "docker.io", "ann/shop:latest"),
        ("registry.example/shop", "registry.example", "registry.example/shop:latest"),
        ("Registry.example:5000/a/b:3", "registry.example:5000", "Registry.example:5000/a/b:3"),
        ("localhost/shop:1", "localhost", "localhost/shop:1"),
        ("shop@sha256:ab", "docker.io", "shop@sha256:ab"),
    ],
)
def test_where_an_image_comes_from_and_how_it_is_listed(image: str, host: str, listed: str) -> None:
    assert registry_of(image) == host
    assert familiar(image) == listed
