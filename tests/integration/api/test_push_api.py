"""`git push` with a real git over real sockets; the engine is the fake one."""

from pathlib import Path

import pytest

from paas.control.accounts import NewToken
from paas.core.access import Scope
from paas.errors import Failed
from tests.integration.api.gitclient import Clone
from tests.integration.api.rig import World, until

SHOP = "/v1/services/shop"


@pytest.fixture
async def clone(paas: World, tmp_path: Path) -> Clone:
    return await Clone(paas, tmp_path / "work").make()


async def test_the_first_push_makes_the_service_and_deploys(paas: World, clone: Clone) -> None:
    pushed = await clone.push()
    assert pushed.code == 0, pushed.err
    assert "remote:   | Step 1/1 : FROM scratch" in pushed.err
    assert "remote:   http://shop.localhost" in pushed.err
    head = await clone.done("rev-parse", "HEAD")
    assert await clone.remote() == {"refs/heads/main": head}
    shop = (await paas.call("GET", SHOP)).json
    assert (shop["auto_prune"], shop["branch"]) == (True, "main")
    assert shop["split"] == {"shop-001": 100}
    (deployment,) = (await paas.call("GET", SHOP + "/deployments")).json["items"]
    assert deployment["actor"] == "admin"
    assert (deployment["trigger"], deployment["revision"]) == ("push", head)
    assert deployment["source"] == f"main@{head[:7]}"
    assert_tidy(paas)


async def test_the_next_push_keeps_the_settings(paas: World, clone: Clone) -> None:
    await clone.push()
    await paas.deploy(port=8080, env={"MODE": "prod"}, secrets={"KEY": "s3cret"}, cpu=0.25)
    await clone.commit(**{"a.txt": "changed"})
    pushed = await clone.push()
    assert pushed.code == 0, pushed.err
    version = (await paas.call("GET", SHOP + "/versions/shop-003")).json
    assert (version["env"], version["secrets"], version["cpu"]) == ({"MODE": "prod"}, ["KEY"], 0.25)
    assert version["source"]["type"] == "archive"


async def test_a_failed_build_refuses_the_push(paas: World, clone: Clone) -> None:
    await clone.push()
    before = await clone.remote()
    paas.builder.error = Failed("The build failed: exit code 7.", code="build_failed")
    await clone.commit(**{"a.txt": "broken"})
    pushed = await clone.push()
    assert pushed.code == 1
    assert "exit code 7" in pushed.err
    assert "pre-receive hook declined" in pushed.err
    assert await clone.remote() == before
    paas.builder.error = None
    assert (await clone.push()).code == 0
    assert_tidy(paas)


async def test_other_branches_are_kept_and_explained(paas: World, clone: Clone) -> None:
    await clone.push()
    head = await clone.done("rev-parse", "HEAD")
    pushed = await clone.push("main:try/it")
    assert pushed.code == 0, pushed.err
    assert "shop deploys main" in pushed.err
    assert "git push <remote> try/it:main" in pushed.err
    assert await clone.remote() == {"refs/heads/main": head, "refs/heads/try/it": head}
    assert len((await paas.call("GET", SHOP + "/versions")).json["items"]) == 1


async def test_another_branch_first(paas: World, clone: Clone) -> None:
    pushed = await clone.push("main:dev")
    assert pushed.code == 0, pushed.err
    assert list(await clone.remote()) == ["refs/heads/dev"]
    shop = (await paas.call("GET", SHOP)).json
    assert (shop["auto_prune"], shop["branch"], shop["versions"]) == (True, None, 0)
    assert (await clone.push("main:master")).code == 0
    assert (await paas.call("GET", SHOP)).json["branch"] == "master"
    assert "shop deploys master" in (await clone.push()).err


async def test_the_branch_is_a_setting(paas: World, clone: Clone) -> None:
    await clone.push()
    await paas.call("PATCH", SHOP, json={"branch": "release"})
    assert "shop deploys release" in (await clone.push("main:main2")).err
    await clone.commit()
    assert (await clone.push("main:release")).code == 0
    assert (await paas.call("GET", SHOP)).json["split"] == {"shop-002": 100}


async def test_deleting_refs(paas: World, clone: Clone) -> None:
    await clone.push("main", "main:other")
    refused = await clone.push(":main")
    assert refused.code == 1
    assert "cannot be deleted" in refused.err
    assert (await clone.push(":other")).code == 0
    assert list(await clone.remote()) == ["refs/heads/main"]


async def test_tags_are_taken_silently(paas: World, clone: Clone) -> None:
    await clone.push()
    await clone.done("tag", "v1")
    await clone.done("tag", "-a", "-m", "x", "v2")
    pushed = await clone.push("--tags")
    assert pushed.code == 0
    assert "remote:" not in pushed.err
    assert len(await clone.remote()) == 3


async def test_a_rewritten_branch_is_deployed(paas: World, clone: Clone) -> None:
    await clone.push()
    await clone.done("commit", "-q", "--amend", "-m", "again")
    assert (await clone.push()).code == 1  # git's own refusal, by the client
    assert (await clone.push("+main")).code == 0


async def test_a_dry_run_makes_nothing(paas: World, clone: Clone) -> None:
    pushed = await clone.push("--dry-run", "main")
    assert pushed.code == 0, pushed.err
    assert (await paas.call("GET", SHOP)).status == 404


async def test_scopes_of_tokens(paas: World, clone: Clone) -> None:
    async def token(scope: Scope, service: str | None) -> str:
        wanted = NewToken(name=f"{scope}-{service or 'all'}", scope=scope, service=service)
        return (await paas.access.tokens.create(wanted, actor="test"))[1]

    for wrong in (await token(Scope.READ, "shop"), await token(Scope.DEPLOY, "blog")):
        clone.token = wrong
        assert (await clone.push()).code == 128
    clone.token = await token(Scope.DEPLOY, "shop")
    assert (await clone.push()).code == 0
    (deployment,) = (await paas.call("GET", SHOP + "/deployments")).json["items"]
    assert deployment["actor"] == "token:deploy-shop"


async def test_fetches_are_told_what_to_do(paas: World, clone: Clone) -> None:
    await clone.push()
    fetched = await clone.run("fetch", clone.url())
    assert fetched.code == 128
    assert "pushed to here, not fetched from" in fetched.err
    answer = await paas.call("POST", "/git/shop.git/git-upload-pack")
    assert answer.status == 403


@pytest.mark.parametrize("files", [{"x.txt": "x"}, {"-rf": "x", "--help": "y", "$(id)": "z"}])
async def test_names_of_files_are_only_names(paas: World, clone: Clone, files) -> None:
    await clone.commit(**files)
    assert (await clone.push()).code == 0


async def test_attributes_of_the_archive(paas: World, clone: Clone) -> None:
    """git archive obeys the commit's .gitattributes: it says what is left out."""
    await clone.commit(
        **{
            ".gitattributes": "Dockerfile export-ignore\nsubst export-subst\n",
            "subst": "$Format:%H$",
        }
    )
    pushed = await clone.push()
    assert pushed.code == 1
    assert "There is no Dockerfile" in pushed.err
    assert "its directory holds: .gitattributes, subst" in pushed.err


async def test_a_link_out_of_the_tree_is_refused(paas: World, clone: Clone, tmp_path: Path) -> None:
    (tmp_path / "work" / "evil").symlink_to("/etc/passwd")
    await clone.commit()
    pushed = await clone.push()
    assert pushed.code == 1
    assert "evil" in pushed.err
    assert_tidy(paas)


async def test_the_repository_goes_with_its_service(paas: World, clone: Clone) -> None:
    await clone.push()
    await paas.call("DELETE", SHOP + "?confirm=shop")

    async def gone() -> bool:
        folder = paas.settings.data_dir / "git"
        return [one.name for one in folder.glob("*.git")] == ["empty.git"]

    await until(gone)
    assert (await clone.push()).code == 0


def assert_tidy(paas: World) -> None:
    folder = paas.settings.data_dir / "git"
    assert paas.uploads == []
    assert list((folder / "tmp").iterdir()) == []
    assert list(folder.glob("*.git/objects/tmp_objdir*")) == []
    assert list(folder.glob("new-*")) == []
