"""`companion evidence`, from a reconciliation to the papers."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pypdf import PdfReader

from companion.cli.main import main
from companion.store import Store
from protocol import record
from tests.companion.evidence_world import reversed_sale
from tests.companion.sealed import DayFile, Device


def run(store: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--store", str(store)], catch_exceptions=False)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A store that was reconciled, with one sale that was reversed and captured all the same."""
    device, file = Device(), DayFile()
    device.sign_in("0302091500")
    device.sale(1, 1000, "approved")
    device.sale(2, 2500, "reversed")
    device.add(record.RECEIPT, stan=1, batch=1, copy=1)
    with Store.open(tmp_path / "s", create=True) as store:
        device.offer(store)
        device.sync(store)
    day = file.add(1, 1000).add(2, 2500).write(tmp_path / "day.csv")
    assert run(tmp_path / "s", "import", str(day)).exit_code == 0
    assert run(tmp_path / "s", "reconcile").exit_code == 0
    return tmp_path / "s"


def case_of(shop: Path) -> str:
    found = json.loads(run(shop, "case", "list", "--json").stdout)
    (one,) = [case for case in found if case["code"] == "REVERSED_BUT_SETTLED"]
    return str(one["id"])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_case_of_a_reconciliation_becomes_papers_that_verify(
    shop: Path, tmp_path: Path, language: str
) -> None:
    case = case_of(shop)
    out = tmp_path / "papers"
    more = ["--lang", language, "--contact", "Ms Li", "--to", "Clearing", "--json"]
    more += ["--name", "The Tea Shop"]
    result = run(shop, "evidence", case[:6], "--out", str(out), *more)
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert (said["case"], said["items"]) == (case, 1)
    names = [f"case-{case}-{language}.{kind}" for kind in ("pdf", "zip")]
    assert [Path(one["path"]).name for one in said["files"]] == names
    folder = tmp_path / "unpacked"
    zipfile.ZipFile(out / names[1]).extractall(folder)
    assert (folder / names[0]).read_bytes() == (out / names[0]).read_bytes()
    assert "The Tea Shop" in PdfReader(out / names[0]).pages[0].extract_text()
    journal = json.loads((folder / "journal/pz-test-1.json").read_text())
    assert {one["fields"].get("stan") for one in journal["records"]} == {2}
    command = [sys.executable, "-I", str(folder / "verify.py")]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    run(shop, "evidence", case, "--out", str(out), *more)
    assert first == {path.name: path.read_bytes() for path in out.iterdir()}


def test_the_history_of_the_case_says_which_pack_was_made_and_the_pack_stays_the_same(
    shop: Path, tmp_path: Path
) -> None:
    case = case_of(shop)
    papers = [tmp_path / "one", tmp_path / "two"]
    noted = run(
        shop, "evidence", case, "--out", str(papers[0]), "--gathered", "--as", "Li", "--json"
    )
    hashes = {
        one["path"].split("/")[-1]: one["sha256"] for one in json.loads(noted.stdout)["files"]
    }
    assert run(shop, "case", "note", case, "--text", "we think of Wang").exit_code == 0
    assert run(shop, "evidence", case, "--out", str(papers[1])).exit_code == 0
    shown = json.loads(run(shop, "case", "show", case, "--json").stdout)
    (event,) = [one for one in shown["history"] if one["what"] == "gathered"]
    assert (event["person"], event["state"], event["data"]) == ("Li", "evidence", hashes)
    one, two = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in papers)
    # What people remark about a case is nobody else's business either.
    assert one == two


def test_keys_are_written_apart_readable_by_their_owner_and_only_when_nothing_uses_them(
    tmp_path: Path,
) -> None:
    with Store.open(tmp_path / "s", create=True) as store:
        world, case = reversed_sale(store, tmp_path)
    keys = tmp_path / "keys.json"
    wanted = ("evidence", case, "--out", str(tmp_path / "out"), "--seal-keys", str(keys))
    refused = run(tmp_path / "s", *wanted)
    assert refused.exit_code == 2
    assert "companion rotate pz-test-1" in refused.stderr
    assert not keys.exists() and not (tmp_path / "out").exists()
    assert run(tmp_path / "s", "rotate", "pz-test-1").exit_code == 0
    world.device.add(record.REKEYED, generation=1)
    with Store.open(tmp_path / "s") as store:
        world.device.sync(store)
    assert run(tmp_path / "s", *wanted).exit_code == 0
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    key = world.device.config["seal_key"]
    assert isinstance(key, bytes)
    assert json.loads(keys.read_text())["pz-test-1"][0] == key.hex()
    for path in (tmp_path / "out").iterdir():
        assert key not in path.read_bytes() and key.hex().encode() not in path.read_bytes()


def test_nothing_of_the_machine_is_in_a_pack(shop: Path, tmp_path: Path) -> None:
    case = case_of(shop)
    made = []
    for at, environment in enumerate(
        (
            {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LC_ALL": "C"},
            {"PYTHONHASHSEED": "2", "TZ": "America/Lima", "USER": "li", "LC_ALL": "C.UTF-8"},
        )
    ):
        out = tmp_path / f"out{at}"
        command = [sys.executable, "-m", "companion", "evidence", case, "--store", str(shop)]
        command += ["--out", str(out), "--lang", "zh"]
        known = {"PATH": os.environ["PATH"], **environment}
        subprocess.run(command, check=True, timeout=120, env=known, capture_output=True)
        made.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert made[0] == made[1]


def test_what_is_no_case_is_one_line(shop: Path, tmp_path: Path) -> None:
    result = run(shop, "evidence", "abcdef", "--out", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()
