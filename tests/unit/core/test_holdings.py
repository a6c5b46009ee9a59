"""Which ids in a build's output are those of images that it made."""

from paas.core.holdings import StepReader

OUTPUT = """\
Step 1/6 : FROM base AS one
 ---> aaaaaaaaaaaa
Step 2/6 : COPY a /a
 ---> bbbbbbbbbbbb
Step 3/6 : RUN make
 ---> Running in cccccccccccc
Removing intermediate container cccccccccccc
 ---> dddddddddddd
Step 4/6 : from scratch
 --->
Step 5/6 : COPY --from=one /a /a
 ---> Using cache
 ---> eeeeeeeeeeee
Step 6/6 : LABEL a=b
 ---> ffffffffffff
Successfully built ffffffffffff
"""


def read(text: str) -> list[str]:
    reader = StepReader()
    return [made for line in text.splitlines() if (made := reader.read(line))]


def test_only_what_a_step_made_counts() -> None:
    assert read(OUTPUT) == ["bbbbbbbbbbbb", "dddddddddddd", "ffffffffffff"]


def test_whose_output_it_is() -> None:
    reader = StepReader()
    reader.read("#5 [2/2] COPY a /a")
    assert not reader.classic
    reader.read("Step 1/2 : FROM scratch")
    assert reader.classic


def test_before_a_step_and_of_other_shapes_nothing_counts() -> None:
    assert read(" ---> aaaaaaaaaaaa\nStep 1/1 : RUN x\n ---> AAAAAAAAAAAA\n ---> abc\n") == []
