"""Lists of CPUs, and which CPUs are chosen on machines made of files as in /sys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from devices import host
from devices.cpus import MAX_CPUS, choose, parse_cpus, read_cpus
from nasprof.errors import UsageError


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Makes the host one of the given CPUs: what each one's files say."""

    def make(cpus, available=None, busy=None):
        for number, files in cpus.items():
            for name, text in files.items():
                path = tmp_path / f"cpu{number}" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"{text}\n")
        monkeypatch.setattr(host, "_CPUS", tmp_path)
        monkeypatch.setattr(host, "available_cpus", lambda: sorted(available or cpus))
        # Ticks at the beginning and at the end of the window.
        ticks = iter([{}, {cpu: load for cpu, load in (busy or {}).items()}])
        monkeypatch.setattr(host, "_busy_ticks", lambda: next(ticks, {}))
        monkeypatch.setattr(host.time, "sleep", lambda seconds: None)

    return make


def cpu(mhz, core, capacity=None, name="thread_siblings_list"):
    files = {f"topology/{name}": core}
    if mhz:
        files["cpufreq/cpuinfo_max_freq"] = 1000 * mhz
    if capacity:
        files["cpu_capacity"] = capacity
    return files


def hybrid(name="thread_siblings_list"):
    """8 cores of 2 threads, two of them with a higher maximum, and 16 slower ones of 1."""
    fast = {
        n: cpu(5800 if 8 <= n < 12 else 5500, f"{n // 2 * 2}-{n // 2 * 2 + 1}", name=name)
        for n in range(16)
    }
    return fast | {n: cpu(4300, n, name=name) for n in range(16, 32)}


def preferred():
    """8 cores of 2 threads, each core with another maximum; siblings are 8 apart."""
    mhz = (5050, 5000, 4950, 4900, 4850, 4800, 4750, 4700)
    return {n: cpu(mhz[n % 8], f"{n % 8},{n % 8 + 8}") for n in range(16)}


def cores_of(cpus, chosen, name="thread_siblings_list"):
    return [cpus[n][f"topology/{name}"] for n in chosen]


@pytest.mark.parametrize("name", ["thread_siblings_list", "core_cpus_list"])
@pytest.mark.parametrize("threads", [1, 2, 3, 4, 8])
def test_hybrid_takes_a_fast_core_a_thread(machine, threads, name):
    cpus = hybrid(name)
    machine(cpus)
    chosen = host.least_loaded(threads)
    assert len(set(cores_of(cpus, chosen, name))) == threads
    assert max(chosen) < 16, "an efficiency core was taken while a fast one was free"


def test_hybrid_prefers_the_preferred_cores(machine):
    machine(hybrid())
    assert set(host.least_loaded(2)) <= set(range(8, 12))


def test_hybrid_takes_slower_cores_before_siblings(machine):
    cpus = hybrid()
    machine(cpus)
    chosen = host.least_loaded(12)
    assert len(set(cores_of(cpus, chosen))) == 12
    assert sum(n < 16 for n in chosen) == 8


def test_siblings_when_cores_have_run_out_begin_with_the_fast_ones(machine):
    cpus = hybrid()
    machine(cpus)
    chosen = host.least_loaded(26)
    assert len(set(cores_of(cpus, chosen))) == 24
    assert set(range(8, 12)) <= set(chosen)


@pytest.mark.parametrize("threads", [2, 4, 8])
def test_cores_of_many_maxima(machine, threads):
    cpus = preferred()
    machine(cpus)
    chosen = host.least_loaded(threads)
    assert len(set(cores_of(cpus, chosen))) == threads
    assert {n % 8 for n in chosen} == set(range(threads))


def test_equal_cores_of_four_threads(machine):
    cpus = {n: cpu(3000, f"{n // 4 * 4}-{n // 4 * 4 + 3}") for n in range(16)}
    machine(cpus)
    assert sorted(cores_of(cpus, host.least_loaded(8))) == sorted(
        2 * ["0-3", "4-7", "8-11", "12-15"]
    )


def test_capacity_counts_before_frequency(machine):
    # The little cores of some chips have the higher frequency.
    little = {n: cpu(2200, n, capacity=325) for n in range(4)}
    big = {n: cpu(2000, n, capacity=871) for n in range(4, 7)}
    prime = {7: cpu(2050, 7, capacity=1024)}
    machine(little | big | prime)
    assert host.least_loaded(1) == (7,)
    assert host.least_loaded(4) == (4, 5, 6, 7)
    assert host.least_loaded(5) == (3, 4, 5, 6, 7)


def test_without_frequencies_cores_still_count(machine):
    cpus = {n: cpu(None, f"{n % 4},{n % 4 + 4}") for n in range(8)}
    machine(cpus)
    assert len(set(cores_of(cpus, host.least_loaded(4)))) == 4


def test_without_any_file_the_last_cpus(machine):
    machine({n: {} for n in range(4)})
    assert host.least_loaded(2) == (2, 3)


def test_broken_files_are_no_error(machine):
    broken = {"topology/thread_siblings_list": "0-99999999", "cpufreq/cpuinfo_max_freq": "²"}
    machine({n: broken for n in range(4)})
    assert len(host.least_loaded(3)) == 3


def test_a_container_sees_cores_of_which_it_has_a_part(machine):
    cpus = hybrid()
    machine(cpus, available=[0, 1, 2, 3, 20, 21])
    chosen = host.least_loaded(3)
    assert len(set(cores_of(cpus, chosen))) == 3
    assert set(chosen) <= {0, 1, 2, 3, 20, 21}
    assert sum(n < 16 for n in chosen) == 2


def test_a_busy_core_comes_after_idle_ones_about_as_fast(machine):
    machine(hybrid(), busy={8: 1000})
    assert set(host.least_loaded(1)) <= {10, 11}


def test_a_core_is_busy_with_its_sibling(machine):
    # What runs on CPU 9, which is not ours, takes from CPU 8.
    machine(hybrid(), available=[8, 10, 12], busy={9: 1000})
    assert host.least_loaded(2) == (10, 12)


def test_no_choice_where_all_are_wanted(machine):
    machine({n: {} for n in range(4)})
    assert host.least_loaded(4) is None


def test_choose_gives_what_there_is(tmp_path):
    assert choose(read_cpus(tmp_path, [3, 5], {}), 9) == (3, 5)


def test_lists_of_cpus():
    assert parse_cpus("0,2") == (0, 2)
    assert parse_cpus("4-7, 1,5\n") == (1, 4, 5, 6, 7)
    assert parse_cpus(f"0-{MAX_CPUS - 1}") == tuple(range(MAX_CPUS))
    assert parse_cpus("0007") == (7,)


@pytest.mark.parametrize(
    "text",
    ["", "a", "1-", "-1", "7-4", "0,7-4", "1,,2", "1_0", "\u0661", "0x1", "1.0", "0-3:2"],
)
def test_what_is_no_list_of_cpus(text):
    with pytest.raises(UsageError, match="expected CPU numbers below 8192 like"):
        parse_cpus(text)


@pytest.mark.parametrize(
    "text", ["0-99999999", "8192", "0-99999999999999999999", "9" * 5000, f"0,{'1' * 99999}-3"]
)
def test_lists_of_cpus_are_bounded(text):
    with pytest.raises(UsageError, match="below 8192") as caught:
        parse_cpus(text)
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("text", ["0-99999999", "", "x"])
def test_measure_refuses_them(text):
    from profiler.cli import main

    done = CliRunner().invoke(main, ["measure", "--model", "m.onnx", "--affinity", text])
    assert done.exit_code == 2
    assert "expected CPU numbers" in done.output


@pytest.mark.parametrize("cpus", ["[8192]", "[-1]", "[1.5]", "[true]", "[]"])
def test_profiles_name_cpus_below_the_limit(cpus):
    from devices.profile_files import parse_profile

    with pytest.raises(UsageError, match="list of CPU numbers below 8192"):
        parse_profile("own", f'kind = "cpu"\naffinity = {cpus}', "own.toml")


def test_an_idle_slow_core_is_no_match_for_a_busy_fast_one(machine):
    # 5.2 and 4.6 GHz: the least that performance and efficiency cores differ by.
    cpus = {n: cpu(5200, n) for n in range(2)} | {n: cpu(4600, n) for n in range(2, 6)}
    machine(cpus, busy={0: 1000, 1: 1000})
    assert set(host.least_loaded(1)) <= {0, 1}


def test_an_idle_core_of_the_same_sort_is_a_match_for_a_busy_preferred_one(machine):
    cpus = {n: cpu(5750, n) for n in range(2)} | {n: cpu(5250, n) for n in range(2, 6)}
    machine(cpus, busy={0: 1000, 1: 1000})
    assert not set(host.least_loaded(1)) & {0, 1}
