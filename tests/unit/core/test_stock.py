from paas.core.stock import built_for, built_service, is_built, short_id


def test_the_names_of_what_we_build() -> None:
    tag = "paas/shop:shop-001-0a1b"
    assert is_built(tag)
    assert not is_built("shop:1")
    assert (built_for(tag), built_service(tag)) == ("0a1b", "shop")
    assert short_id("sha256:" + "ab" * 32) == "ab" * 6
