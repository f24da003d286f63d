"""A reference resolves to what was put there for that very vendor, and nothing says a secret aloud."""

import os
from pathlib import Path

import pytest

from kit.secret_refs import (
    MAX_SECRET_BYTES,
    Scheme,
    SecretRef,
    SecretRefError,
    SecretStore,
    env_prefix,
    is_surely_of,
    parse_ref,
)

VENDOR = "vendor-mama"
SECRET = "a password of an invented shop"


def store(folder: Path, **environ: str) -> SecretStore:
    return SecretStore(folder, environ)


def kept(folder: Path, name: str = "own.password", content: bytes = SECRET.encode(), mode: int = 0o600) -> Path:
    path = folder / name
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("text", ["", "env", "vault:x", "ENV:X", "env:lower", "env:A B", "env:", "file:", "plain:"])
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(SecretRefError):
        parse_ref(text)


@pytest.mark.parametrize("name", ["../x", "a/b", "/etc/shadow", ".hidden", "a\\b", "a\x00b", "a b", "ä"])
def test_a_file_reference_has_no_path_in_it(name: str) -> None:
    with pytest.raises(SecretRefError) as refused:
        parse_ref(f"file:{name}")
    assert name not in str(refused.value)


def test_a_plain_reference_never_shows_its_secret() -> None:
    ref = parse_ref(f"plain:{SECRET}")
    assert SECRET not in repr(ref) + str(ref)
    with pytest.raises(SecretRefError) as refused:
        parse_ref(f"plian:{SECRET}")
    assert SECRET not in str(refused.value)


def test_a_variable_of_the_vendor_is_read(tmp_path: Path) -> None:
    secrets = store(tmp_path, DUKANI_TENANT_VENDOR_MAMA_PASSWORD=SECRET)
    found = secrets.resolve(parse_ref("env:DUKANI_TENANT_VENDOR_MAMA_PASSWORD"), VENDOR)
    assert found.get_secret_value() == SECRET
    assert SECRET not in repr(found) + repr(secrets)


@pytest.mark.parametrize("name", ["MASTER_KEY", "DUKANI_VAULT_KEY", "DUKANI_TENANT_OTHER_PASSWORD", "PATH"])
def test_no_other_variable_is_read_though_it_is_set(tmp_path: Path, name: str) -> None:
    with pytest.raises(SecretRefError, match="not this vendor's") as refused:
        store(tmp_path, **{name: SECRET}).resolve(parse_ref(f"env:{name}"), VENDOR)
    assert SECRET not in str(refused.value)


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(SecretRefError, match="DUKANI_TENANT_VENDOR_MAMA_PASSWORD is not set"):
        store(tmp_path).resolve(parse_ref("env:DUKANI_TENANT_VENDOR_MAMA_PASSWORD"), VENDOR)


def test_a_prefix_is_made_of_capitals_and_underscores() -> None:
    assert env_prefix("vendor-mama.2") == "DUKANI_TENANT_VENDOR_MAMA_2"


@pytest.mark.parametrize(
    ("text", "is_sure"),
    [
        ("env:DUKANI_TENANT_MAMA_PASSWORD", True),
        ("env:DUKANI_TENANT_MAMA__READING", True),
        ("env:DUKANI_TENANT_MAMA_2_PASSWORD", False),  # that is the vendor mama-2's
        ("env:DUKANI_TENANT_MAMA2_PASSWORD", False),
        ("env:DUKANI_TENANT_MAMA_", False),
        ("file:mama", True),
        ("file:mama.password", True),
        ("file:mama-2.password", False),
        ("file:other.password", False),
        ("plain:x", False),
    ],
)
def test_what_a_stranger_may_name_for_a_vendor_is_surely_that_vendor_s(text: str, is_sure: bool) -> None:
    assert is_surely_of(parse_ref(text), "mama") is is_sure


def test_a_file_is_read_without_its_last_line_end(tmp_path: Path) -> None:
    kept(tmp_path, content=f"{SECRET}\n".encode())
    assert store(tmp_path).resolve(parse_ref("file:own.password"), VENDOR).get_secret_value() == SECRET


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    kept(tmp_path, mode=mode)
    with pytest.raises(SecretRefError, match="chmod 600"):
        store(tmp_path).resolve(parse_ref("file:own.password"), VENDOR)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "own.password").symlink_to(kept(elsewhere))
    with pytest.raises(SecretRefError, match="link"):
        store(tmp_path).resolve(parse_ref("file:own.password"), VENDOR)


def test_a_pipe_or_a_folder_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir(0o700)
    for name in ("pipe", "folder", "missing"):
        with pytest.raises(SecretRefError, match=name):
            store(tmp_path).resolve(SecretRef(Scheme.FILE, name), VENDOR)


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(tmp_path)
    someone_else = os.geteuid() + 1
    monkeypatch.setattr("kit.secret_refs.os.geteuid", lambda: someone_else)
    with pytest.raises(SecretRefError, match="another user"):
        store(tmp_path).resolve(parse_ref("file:own.password"), VENDOR)


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"a\x00b", b"x" * (MAX_SECRET_BYTES + 1)])
def test_a_file_that_holds_no_password_is_refused(tmp_path: Path, content: bytes) -> None:
    kept(tmp_path, content=content)
    with pytest.raises(SecretRefError):
        store(tmp_path).resolve(parse_ref("file:own.password"), VENDOR)
