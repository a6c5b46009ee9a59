import io
import tarfile

from paas.console import samples


def names(language: str) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(samples.packed(language))) as archive:
        return [member.name for member in archive]


def test_every_language_has_an_application() -> None:
    assert {"python", "static"} <= set(samples.languages())
    for language in samples.languages():
        assert "README.md" in names(language)


def test_folders_are_packed_with_their_paths() -> None:
    assert any("/" in name for name in names("static"))
    assert not any("__pycache__" in name for name in names("python"))
