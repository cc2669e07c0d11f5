"""Download a Python source distribution without running any of its code.

``pip download`` builds a source distribution to learn its metadata, which runs third-party code.
Here pip only chooses the file (from the indexes, credentials and proxies the user configured for
it) and fetches it. pip has no public interface for that, so this uses ``pip._internal``
(tried with pip 23.2 and 26.3); run it as a command, so that nothing of pip stays in the process.
"""

import shutil
from pathlib import Path
from typing import Any

from errors import InputError, run
from fetching.declaration import check_spec
from files.atomic import atomic_path
from options import Parser


def download_sdist(name: str, version: str, folder: Path) -> Path:
    """Download the source distribution ``name==version`` into ``folder``; return its path."""
    from pip._internal.commands import create_command
    from pip._vendor.packaging.specifiers import SpecifierSet

    command: Any = create_command("download")  # a DownloadCommand, declared as a Command
    requirement = f"{name}=={version}"
    options, _ = command.parse_args(["--no-binary", ":all:", "--no-deps", "--", requirement])
    with command.main_context():
        session = command.get_default_session(options)
        finder = command._build_package_finder(options=options, session=session)
        specifier = SpecifierSet(f"=={version}")
        candidates = finder.find_best_candidate(name, specifier)
        if candidates.best_candidate is None:
            raise InputError(f"pip's index has no source distribution of {name}=={version}")
        link = candidates.best_candidate.link
        path = folder / Path(link.filename).name
        as_stored = {"Accept-Encoding": "identity"}
        with (
            session.get(link.url_without_fragment, headers=as_stored, stream=True) as response,
            atomic_path(path) as temporary,
            temporary.open("wb") as file,
        ):
            response.raise_for_status()
            shutil.copyfileobj(response.raw, file)
    return path


def main(argv: list[str] | None = None) -> None:
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("requirement", help="name==version")
    parser.add_argument("--output", type=Path, required=True, help="folder for the archive")
    arguments = parser.parse_args(argv)
    check_spec("sdist", arguments.requirement, "requirement")
    name, _, version = arguments.requirement.partition("==")
    print(download_sdist(name, version, arguments.output))


if __name__ == "__main__":
    run(main)
