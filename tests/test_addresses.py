"""Secrets in addresses: they fetch, and no file, log or message has them."""

import base64
import hashlib
import http.server
import json
import os
import re
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
import yaml

import fetch
from addresses import expanded, hide, is_web, redacted, restored, without_secrets
from conftest import ROOT
from errors import InputError
from fetching import web
from tiny_experiment import command

SECRET, PASSWORD = "s3cr3t-t0k3n", "p4ss/w0rd@x"
CONTENT = b"what is fetched"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server:
    """A server that asks for a token or for a user and password, and notes what it was told."""

    def __init__(self) -> None:
        told = self.told = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                authorization = self.headers["Authorization"] or ""
                told.append((self.path, authorization))
                user = base64.b64decode(authorization.removeprefix("Basic ")).decode()
                if self.path.startswith("/redirected"):
                    self.send_response(302)
                    self.send_header("Location", self.path.partition("to=")[2])
                    self.end_headers()
                elif f"token={SECRET}" in self.path or user == f"me:{PASSWORD}":
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(CONTENT)))
                    self.end_headers()
                    self.wfile.write(CONTENT)
                else:
                    self.send_error(403)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setattr(web, "ATTEMPTS", 1)
    server = Server()
    yield server
    server.server.shutdown()
    server.server.server_close()


def declaration(address: str) -> dict:
    return {"licence": "MIT", "files": {"a": {"sha256": DIGEST, "sources": [{"url": address}]}}}


def get(address: str, folder: Path) -> bytes:
    text = json.dumps(declaration(address))
    fetch.main(["--artifact=x", f"--declaration={text}", f"--output={folder / 'x'}"])
    return (folder / "x/a").read_bytes()


def quoted(password: str) -> str:
    return password.replace("/", "%2F").replace("@", "%40")


SECRETS = (SECRET, PASSWORD, quoted(PASSWORD), base64.b64encode(f"me:{PASSWORD}".encode()).decode())


def leaks(folder: Path, secrets: tuple[str, ...] = SECRETS) -> list[str]:
    """Return the files of a folder that have a secret, in their name or content."""
    return [
        str(path)
        for path in folder.rglob("*")
        if any(secret in str(path) for secret in secrets)
        or path.is_file()
        and any(secret.encode() in path.read_bytes() for secret in secrets)
    ]


# --- what is written down


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("https://me:pass@host/a.zip", "https://host/a.zip"),
        ("https://me:p@ss@host:8080/a", "https://host:8080/a"),
        ("https://me:pa/ss?w#d@host/a", "https://host/a"),
        ("https://t0ken@host/a", "https://host/a"),
        ("git+ssh://git@host/a", "git+ssh://host/a"),
        ("https://host/a?token=abc", "https://host/a?token=***"),
        ("https://host/a?X-Amz-Signature=ab&X-Amz-Credential=c%2Fd", 
         "https://host/a?X-Amz-Signature=***&X-Amz-Credential=***"),
        ("https://host/a?sv=1&sig=a%3D;key=b", "https://host/a?sv=***&sig=***;key=***"),
        ("https://host/a?abc", "https://host/a?***"),
        ("https://host/a#access_token=abc", "https://host/a#***"),
        ("https://host/a?download=1&id=x-1.0", "https://host/a?download=1&id=x-1.0"),
        ("https://host/a?id=https%3A%2F%2Fme%3Ab%40c", "https://host/a?id=***"),
        ("https://host/@scope/a@1.0", "https://host/@scope/a@1.0"),
        ("http://[::1]:80/@a", "http://[::1]:80/@a"),
        ("https://host/a?token=${SYN2REAL_TOKEN}", "https://host/a?token=${SYN2REAL_TOKEN}"),
        ("https://${SYN2REAL_U}:${SYN2REAL_P}@host/a", "https://${SYN2REAL_U}:${SYN2REAL_P}@host/a"),
        ("https://${SYN2REAL_U}:pass@host/a", "https://host/a"),
        ("see http://a:b@c/d?e=f, and http://g:h@i", "see http://c/d?e=*** and http://i"),
        ("no address: me@host?token=abc", "no address: me@host?token=abc"),
    ],
)  # fmt: skip
def test_addresses_are_written_without_what_may_be_secret(address, written):
    assert redacted(address) == written
    assert redacted(written) == written
    assert without_secrets({"a": [{"b": address}], "c": 1}) == {"a": [{"b": written}], "c": 1}
    inside = json.dumps({"url": address})
    assert json.loads(without_secrets(inside)) == {"url": written}
    assert str(InputError(f"x: {address}")) == f"x: {written}"


def test_a_password_with_quotes_leaves_no_part_of_itself_in_json():
    address = 'https://me:a"b\\c<d@host/x'
    assert without_secrets({"url": address}) == {"url": "https://host/x"}
    assert json.loads(without_secrets(json.dumps({"url": address}))) == {"url": "https://host/x"}


def test_what_was_hidden_comes_back_for_its_own_artifact_only():
    with_secret, plain = declaration("https://h/a?token=abc"), declaration("https://h/a")
    environment = {}
    config = hide({"artifacts": {"x": with_secret, "y": plain}, "n": 1}, environment)
    assert "abc" not in json.dumps(config) and len(environment) == 1
    assert restored("x", config["artifacts"]["x"], environment) == with_secret
    assert restored("y", config["artifacts"]["y"], environment) == plain
    other = declaration("https://elsewhere/a?token=***")
    assert restored("x", other, environment) == other
    assert restored("x", config["artifacts"]["x"], {}) == config["artifacts"]["x"]


NO_LINKS = ["javascript:alert(1)", "data:text/html,x", "ftp://h", "", None, "//h", " https://h"]


@pytest.mark.parametrize("address", [*NO_LINKS, 'https://h/"><script>', "https://h\n"])
def test_only_web_addresses_become_links(address):
    assert not is_web(address)
    assert is_web("https://host/a?b=c") and is_web("http://host")


# --- what is fetched


def test_a_token_of_the_query_fetches_and_is_in_no_file_or_message(server, tmp_path, capfd):
    assert get(f"http://{server.host}/a?token={SECRET}", tmp_path) == CONTENT
    assert leaks(tmp_path) == []
    assert SECRET not in "".join(capfd.readouterr())
    record = json.loads((tmp_path / "x/files.json.lineage.json").read_text())
    (source,) = record["parameters"]["files"]["a"]["sources"]
    assert source == {"url": f"http://{server.host}/a?token=***"}


@pytest.mark.parametrize("where", ["address", "netrc", "variables"])
def test_user_and_password_fetch_and_are_in_no_file(server, tmp_path, monkeypatch, where):
    user = f"me:{quoted(PASSWORD)}@" if where == "address" else ""
    if where == "netrc":
        Path(os.environ["NETRC"]).write_text(f"machine 127.0.0.1 login me password {PASSWORD}\n")
    if where == "variables":
        user = "${SYN2REAL_USER}:${SYN2REAL_PASSWORD}@"
        monkeypatch.setenv("SYN2REAL_USER", "me")
        monkeypatch.setenv("SYN2REAL_PASSWORD", quoted(PASSWORD))
    folder = tmp_path / "here"
    assert get(f"http://{user}{server.host}/a", folder) == CONTENT
    assert leaks(folder) == []


def test_a_variable_is_written_by_its_name_and_must_be_set(server, tmp_path, monkeypatch):
    address = f"http://{server.host}/a?token=${{SYN2REAL_TOKEN}}"
    with pytest.raises(InputError, match="environment variable SYN2REAL_TOKEN is not set"):
        get(address, tmp_path)
    monkeypatch.setenv("SYN2REAL_TOKEN", SECRET)
    assert get(address, tmp_path) == CONTENT
    assert leaks(tmp_path) == []
    assert "${SYN2REAL_TOKEN}" in (tmp_path / "x/files.json.lineage.json").read_text()


def test_no_other_variable_is_sent(server, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", SECRET)
    assert SECRET not in expanded("http://h/${HF_TOKEN}")
    with pytest.raises(InputError, match="whose names begin with SYN2REAL_"):
        get(f"http://{server.host}/a?b=${{HF_TOKEN}}", tmp_path)
    assert server.told == []


def test_a_password_goes_with_a_redirect_to_its_own_host_and_to_no_other(server, tmp_path):
    user = f"me:{quoted(PASSWORD)}@"
    other = Server()
    here = f"http://{user}{server.host}/redirected?to=http://{server.host}/a"
    assert get(here, tmp_path / "1") == CONTENT
    with pytest.raises(InputError, match="HTTP 403"):
        get(f"http://{user}{server.host}/redirected?to=http://{other.host}/a", tmp_path / "2")
    assert other.told == [("/a", "")]
    other.server.shutdown()
    other.server.server_close()


@pytest.mark.parametrize(
    "query", ["?token=wrong-t0k3n", "#wrong-t0k3n", "?wrong-t0k3n", "?t=é-wrong-t0k3n"]
)
def test_a_source_that_fails_is_told_without_its_secret(server, tmp_path, capfd, query):
    with pytest.raises(InputError) as error:
        get(f"http://wrong-t0k3n:wrong-t0k3n@{server.host}/a{query}", tmp_path)
    assert "HTTP 403" in str(error.value)
    assert "wrong-t0k3n" not in str(error.value) + "".join(capfd.readouterr())
    assert leaks(tmp_path, ("wrong-t0k3n",)) == []


@pytest.mark.parametrize("character", [" ", "\t", "\n", '"', "<", "\\", "\x7f"])
def test_an_address_that_ends_nowhere_in_a_text_is_refused_without_being_told(tmp_path, character):
    address = f"https://host/a?token=a{character}s3cret"
    with pytest.raises(InputError, match="a: the address of source url, https://host/a") as error:
        get(address, tmp_path)
    assert "s3cret" not in str(error.value)
    assert "s3cret" not in json.dumps(hide({"artifacts": {"x": declaration(address)}}, {}))


def test_a_declaration_with_a_mistake_is_told_without_its_secret(tmp_path):
    entry = {"sha256": DIGEST, "sources": [{"url": "https://me:abc@h/a?t=abc", "folder": "x"}]}
    text = json.dumps({"licence": "MIT", "files": {"a": entry}})
    for changed in (text, text.replace('"url"', '"address"')):
        with pytest.raises(InputError) as error:
            fetch.main(["--artifact=x", f"--declaration={changed}", f"--output={tmp_path}"])
        assert "abc" not in str(error.value)


def test_an_address_that_was_written_down_says_that_its_secret_is_missing(tmp_path):
    with pytest.raises(InputError, match=r"its secret was not written down \(\*\*\*\)"):
        get("https://host/a?token=***", tmp_path)


def test_a_password_that_hides_the_host_is_refused_without_being_told(tmp_path):
    with pytest.raises(InputError, match="has no host; write @ : / ") as error:
        get("https://me:pa/ss@host/a", tmp_path)
    assert "pa/ss" not in str(error.value)


# --- the workflow


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of the checkout's code."""
    folder = tmp_path / "checkout"
    for name in ("scripts", "rules", "profiles", "envs"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("Snakefile", "config.yaml"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def test_no_file_of_a_run_has_a_secret_of_its_config(server, checkout, tmp_path):
    """But the config itself, which is not in the folder of the run."""
    config = yaml.safe_load((ROOT / "experiments/drascula.yaml").read_text())
    config.setdefault("artifacts", {})["token"] = declaration(
        f"http://{server.host}/a?token={SECRET}"
    )
    user = f"me:{quoted(PASSWORD)}@"
    config["artifacts"]["user"] = declaration(f"http://{user}{server.host}/a")
    config["artifacts"]["wrong"] = declaration(f"http://x{user}{server.host}/a?key={SECRET}")
    experiment = tmp_path / "experiment.yaml"
    experiment.write_text(yaml.safe_dump(config))

    def run(*arguments: str) -> str:
        argv = command(*arguments, experiment=str(experiment))
        done = subprocess.run(argv, cwd=checkout, capture_output=True, text=True)
        return done.stdout + done.stderr

    names = ("token", "user", "wrong")
    printed = run("--keep-going", *(f"resources/{name}/files.json" for name in names))
    for name in ("token", "user"):
        assert (checkout / f"resources/{name}/a").read_bytes() == CONTENT, printed
    assert "FAILED fetch: artifact wrong" in printed
    wanted = ("all", "resources/token/files.json", "resources/user/files.json")
    dry = ("--dry-run", "--printshellcmds", "--forceall", "--config", "resamples=999")
    printed += run(*wanted, *dry)
    told = r"--again 'snakemake \{\} --configfile \S+/experiment\.yaml --config resamples=999'"
    assert re.search(told, printed)
    assert "--experiment" in printed and "--declaration" in printed  # the commands are told
    assert leaks(checkout) == []
    assert not any(secret in printed for secret in SECRETS)
    config["artifacts"]["token"]["files"]["a"]["source"] = []  # a mistake, which Snakemake tells
    experiment.write_text(yaml.safe_dump(config))
    printed = run("resources/token/files.json")
    assert "source" in printed and not any(secret in printed for secret in SECRETS)
    assert leaks(checkout) == []
