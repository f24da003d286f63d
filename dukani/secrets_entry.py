"""How secrets come in on the command line: typed without an echo, piped in, or from a file of one's own; never as an
argument, which everybody on the machine could read."""

import json
import stat
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

if TYPE_CHECKING:
    from payment_adapter.providers.base import Setting


def entered(
    settings: "Sequence[Setting]", from_file: Path | None, takes: Iterable[str], only: Sequence[str]
) -> dict[str, str]:
    """By setting, what was given. Raises ClickException; it repeats no value."""
    known = {setting.name: setting for setting in settings}
    strangers = [name for name in only if name not in known]
    if strangers:
        raise click.ClickException(f"There is no setting {', '.join(strangers)}; there are {', '.join(known)}.")
    given = dict(_taken(take) for take in takes)
    if from_file is not None:
        return {**_parsed(_private_text(from_file)), **given}
    if given:
        return given
    asked = [setting for setting in settings if not only or setting.name in only]
    return _typed(asked) if _is_typed() else _parsed(sys.stdin.read())


def _is_typed() -> bool:
    return sys.stdin.isatty()


def _typed(settings: "Sequence[Setting]") -> dict[str, str]:
    click.echo("What is left empty stays as it is. Secrets are not shown while they are typed.", err=True)
    found: dict[str, str] = {}
    for setting in settings:
        click.echo(f"\n{setting.hint}" if setting.hint else "", err=True)
        choices = f" ({', '.join(setting.choices)})" if setting.choices else ""
        label = f"{setting.label}{choices}"
        found[setting.name] = click.prompt(
            label, default="", show_default=False, hide_input=setting.is_secret, err=True
        )
    return found


def _taken(take: str) -> tuple[str, str]:
    name, separator, path = take.partition("=")
    if not separator or not path:
        raise click.BadParameter(
            "expected a setting's name and a file, such as certificate=/path/to/it", param_hint="--take"
        )
    return name, _private_text(Path(path), is_public="certificate" in name)


def _private_text(path: Path, *, is_public: bool = False) -> str:
    try:
        if not is_public and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise click.ClickException(f"{path} can be read by others: chmod 600 it first.")
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{path} can't be read ({type(error).__name__}).") from None


def _parsed(text: str) -> dict[str, str]:
    """A JSON object of texts, or lines of `name=value`; empty ones and those that begin with # say nothing."""
    if text.lstrip().startswith("{"):
        return _from_json(text)
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, separator, value = line.partition("=")
        if not separator:
            raise click.ClickException(f"Line {number}: expected name=value.")
        found[name.strip()] = value
    return found


def _from_json(text: str) -> dict[str, str]:
    wrong = click.ClickException("Expected a JSON object of texts, by the settings' names.")
    try:
        found: object = json.loads(text)
    except ValueError:
        raise wrong from None
    if not isinstance(found, dict):
        raise wrong
    values = cast(Mapping[str, object], found)
    if not all(isinstance(value, str) for value in values.values()):
        raise wrong
    return dict(cast(Mapping[str, str], values))
