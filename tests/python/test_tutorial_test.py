# SPDX-License-Identifier: MIT
"""./tutorial test: what runs, what is counted, how it ends."""
import json

import pytest
from sandbox import Sandbox

# A doctest program: its summary, and the exit status that goes with it.
DOCTEST = """#!/bin/sh
echo "{name} $*" >>"$SANDBOX_LOG"
[ -z "$LLM_FAST_CPU" ] || echo "plain {name} $LLM_FAST_CPU" >>"$SANDBOX_LOG"
case "$*" in *nothing*) set -- 0 0 0 ;; *) set -- {passed} {failed} 0 ;; esac
echo 'TEST CASE:  bpe: says something'
echo 'bpe_test.cpp:7: MESSAGE: it works'
[ "$2" = 0 ] || echo 'TEST CASE:  bpe: breaks'
[ "$2" = 0 ] || echo 'bpe_test.cpp:9: ERROR: CHECK( 1 == 2 ) is NOT correct!'
echo "[doctest] test cases: $(($1 + $2)) | $1 passed | $2 failed | 5 skipped"
echo "[doctest] assertions: 90 | 88 passed | 2 failed |"
[ "$2" = 0 ]
"""
PYTEST = """
import os
import pytest

def test_environment():
    assert os.path.isdir(os.environ["LLM_PROGRAMS"])
    assert os.environ["LLM_TEST_TOOLS"].endswith("/tools")

@pytest.mark.skip
def test_skipped():
    pass
"""


@pytest.fixture
def box(tmp_path):
    box = Sandbox(tmp_path)
    for folder in ("tests/cpp", "tests/python"):
        (box.clone / folder).mkdir(parents=True)
    add_doctest(box, "test_core", 12)
    add_doctest(box, "test_llm", 30)
    (box.clone / "tests/python/test_one.py").write_text(PYTEST)
    return box


def add_doctest(box, name, passed, failed=0):
    text = DOCTEST.format(name=name, passed=passed, failed=failed)
    (box.clone / f"tests/cpp/{name}.cpp").write_text(text)


def closing(done):
    return done.stdout.splitlines()[-1]


def test_all_pass(box):
    done = box.run("test", "--yes")
    assert done.returncode == 0, done.stderr
    assert closing(done) == "43 passed, 0 failed"
    assert done.stdout.splitlines()[-2] == "1 skipped"


def test_failures_are_counted_and_named(box):
    add_doctest(box, "test_core", 11, failed=1)
    with open(box.clone / "tests/python/test_one.py", "a") as file:
        file.write("\ndef test_bad():\n    assert 1 == 2\n")
    done = box.run("test")
    assert done.returncode == 1
    assert closing(done) == "42 passed, 2 failed"
    assert "  test_core: bpe: breaks\n" in done.stdout
    assert "test_core: bpe: says something" not in done.stdout
    assert "  tests/python/test_one.py::test_bad" in done.stdout


def test_crash_is_a_failure(box):
    crash = "#!/bin/sh\nkill -11 $$\n"
    (box.clone / "tests/cpp/test_llm.cpp").write_text(crash)
    done = box.run("test")
    assert done.returncode == 1 and closing(done) == "13 passed, 1 failed"
    assert "test_llm: exit status 139" in done.stdout


def test_broken_pytest_is_a_failure(box):
    (box.clone / "tests/python/test_two.py").write_text("import nowhere\n")
    done = box.run("test")
    assert done.returncode == 1 and closing(done).endswith("1 failed")


def test_documents_are_tested(box):
    (box.clone / "tests/docs").mkdir()
    (box.clone / "tests/docs/test_pages.py").write_text(PYTEST)
    assert closing(box.run("test")) == "44 passed, 0 failed"
    assert closing(box.run("test", "docs")).startswith("43 passed")


def test_filter_goes_to_both(box):
    done = box.run("test", "environment")
    assert done.returncode == 0
    assert box.calls("test_core") == ["test_core --test-case=*environment*"]
    assert closing(done) == "43 passed, 0 failed" and "skipped" not in (
        done.stdout.splitlines()[-2]
    )
    done = box.run("test", "nothing at: all")
    assert done.returncode == 2 and "'nothing at: all'" in done.stderr


def test_the_page_is_tested_where_there_is_a_browser(box):
    (box.clone / "tests/web").mkdir()
    (box.clone / "tests/web/test_page.py").write_text(
        "import os\n\ndef test_page():\n"
        "    assert os.environ['CHROMIUM'].endswith('/some-browser')\n"
    )
    box.only_browser("some-browser")
    done = box.run("test")
    assert done.returncode == 0 and closing(done) == "43 passed, 0 failed"
    assert done.stderr.count("tests of the page are left out") == 1
    box.stand_in("some-browser", "")
    done = box.run("test")
    assert closing(done) == "44 passed, 0 failed", done.stdout
    assert "left out" not in done.stderr
    (box.bin / "some-browser").rename(box.folder / "some-browser")
    done = box.run("test", "page", CHROMIUM=f"{box.folder}/some-browser")
    assert "1 passed" in done.stdout and "left out" not in done.stderr


def test_the_tests_want_clang(box):
    done = box.run("test", SANDBOX_MISSING="clang-19")
    assert done.returncode == 3 and "clang-19" in done.stderr
    done = box.run("run", "other", SANDBOX_MISSING="clang-19")
    assert done.returncode == 0, "what people run needs no clang"


def test_other_mlx(box):
    name = "mlx-0.32.1"
    box.fake_python(box.home / f"cache/{name}/bin/python")
    (box.clone / "code/other.cpp").write_text("#error of this MLX\n")
    done = box.run("test", "--yes", "--mlx", "0.32.1")
    assert done.returncode == 1, done.stderr
    assert "Files that do not compile with MLX 0.32.1:\n" in done.stdout
    assert "  bin/other\n" in done.stdout
    assert closing(done) == "43 passed, 1 failed", "the others still run"
    wanted = (box.home / f"cache/requirements-{name}.txt").read_text()
    assert 'mlx[cpu]==0.32.1; sys_platform == "linux"' in wanted
    assert 'mlx==0.32.1; sys_platform == "darwin"' in wanted
    assert "nanobind==3.1.0" in wanted and "mlx-lm==0.32.2" in wanted
    assert (
        "--ignore-glob=*/test_tutorial_*" in box.log_file.read_text()
    ), "same for every MLX"
    build = box.clone / "build"
    assert (build / name / "mlx.txt").read_text() == "0.32.1"
    assert not (build / "release").exists(), "a folder of its own"


def test_other_mlx_does_not_count_old_programs(box):
    box.fake_python(box.home / "cache/mlx-0.32.1/bin/python")
    assert box.run("test", "--yes", "--mlx", "0.32.1").returncode == 0
    (box.clone / "tests/cpp/test_llm.cpp").write_text("#error\n")
    done = box.run("test", "--mlx", "0.32.1")
    assert done.returncode == 1
    assert "test_llm: not built" in done.stdout
    assert closing(done) == "13 passed, 2 failed"


def add_fuzz(box, name, status=0):
    """A target that leaves its arguments in the log and a crash on demand."""
    (box.clone / "tests/fuzz").mkdir(exist_ok=True)
    (box.clone / f"tests/fuzz/{name}.cpp").write_text(
        f'#!/bin/sh\necho "{name} $*" >>"$SANDBOX_LOG"\n'
        f'echo "stat::number_of_executed_units: 1234"\nexit {status}\n'
    )


def test_each_fuzz_target_runs(box):
    for name in ("json_fuzz", "utf8_fuzz", "gguf_fuzz"):
        add_fuzz(box, name)
    seeds = box.clone / "tests/fuzz/corpus/gguf"
    seeds.mkdir(parents=True)
    done = box.run("test", "--yes")
    assert done.returncode == 0, done.stderr
    assert closing(done) == "46 passed, 0 failed"
    (call,) = box.calls("gguf_fuzz")
    assert "-max_total_time=20 " in call and call.endswith(f" {seeds}")
    (call,) = box.calls("json_fuzz")
    assert call.endswith("/cache/fuzz/json_fuzz"), "it has no seeds"
    done = box.run("test", "gguf", FUZZ_SECONDS="3")
    assert len(box.calls("json_fuzz")) == 1, "the filter holds"
    assert "-max_total_time=3 " in box.calls("gguf_fuzz")[-1]


def test_a_finding_of_a_fuzz_target_is_a_failure(box):
    add_fuzz(box, "json_fuzz")
    add_fuzz(box, "gguf_fuzz", status=77)
    done = box.run("test", "--yes")
    assert done.returncode == 1 and closing(done) == "44 passed, 1 failed"
    assert "gguf_fuzz: exit status 77" in done.stdout


def test_deep(box):
    """Plain operations, sanitizers, fuzzers, benchmarks; the JSON they leave."""
    add_fuzz(box, "json_fuzz")
    (box.clone / "benchmarks").mkdir()
    (box.clone / "benchmarks/good.py").write_text(
        "import os, pathlib\n"
        "out = pathlib.Path(os.environ['BENCHMARK_RESULTS'])\n"
        "(out / 'good.json').write_text('{}')\n"
    )
    (box.clone / "benchmarks/bad.sh").write_text("echo claim broken; exit 1\n")
    done = box.run("test", "--deep", "--yes", FUZZ_SECONDS="1")
    results = box.clone / "benchmarks/results"
    fuzz = json.loads((results / "fuzz.json").read_text())
    assert fuzz == [
        {"target": "json_fuzz", "inputs": 1234, "seconds": 1, "ok": True}
    ]
    assert (results / "good.json").exists()
    sanitizers = json.loads((results / "sanitizers.json").read_text())
    assert (sanitizers["passed"], sanitizers["failed"]) == (42, 0)
    plain = json.loads((results / "plain.json").read_text())
    assert (plain["passed"], plain["failed"]) == (43, 0)
    assert box.calls("plain") == ["plain test_core 0", "plain test_llm 0"]
    # 43 of the gate, 43 without our CPU operations, 42 under the sanitizers, a
    # fuzz target, two benchmarks.
    assert done.returncode == 1 and closing(done) == "130 passed, 1 failed"
    assert "benchmark bad.sh: exit status 1" in done.stdout
