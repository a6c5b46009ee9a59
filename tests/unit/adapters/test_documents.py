"""Every value of the model survives its document, and documents may differ in age."""

import json

from hypothesis import given
from hypothesis import strategies as st

from paas.adapters.documents import from_json, to_json
from paas.core.model import Deployment, Event, Service, Version
from paas.core.spec import ImageSource, VersionSpec

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
# The same as in tests/integration/store: registrations are for the whole run.
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(str, texts)


@given(st.from_type(Service))
def test_services(service):
    assert from_json(Service, to_json(service)) == service


@given(st.from_type(Version))
def test_versions(version):
    assert from_json(Version, to_json(version)) == version


@given(st.from_type(Deployment))
def test_deployments(deployment):
    assert from_json(Deployment, to_json(deployment)) == deployment


@given(st.builds(Event, data=st.dictionaries(texts, json_values, max_size=3)))
def test_events(event):
    assert from_json(Event, to_json(event)) == event


def test_an_older_document_gets_defaults_and_a_newer_one_loses_what_is_unknown():
    text = '{"source": {"type": "image", "image": "a", "later": 1}, "later": [2]}'
    assert from_json(VersionSpec, text) == VersionSpec(source=ImageSource(image="a"))


def test_text_that_is_no_unicode_survives():
    event = Event(kind="a.b", time=1.0, message="\udcff", data={"file": "\udc80"})
    assert from_json(Event, to_json(event)) == event


def test_bytes_are_readable_text():
    text = to_json(ImageSource(image="a", credentials=b"\x00\xff"))
    assert json.loads(text)["credentials"] == "AP8="
