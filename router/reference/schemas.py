"""JSON Schemas of the wire models, with the sentences that stand under their fields."""

import ast
import inspect
import textwrap
import typing
from collections.abc import Collection, Iterator, Sequence
from typing import Any, cast

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

REF = "#/components/schemas/"

Schema = dict[str, Any]
Model = type[BaseModel]


class _Schemas(GenerateJsonSchema):
    """As pydantic makes them, without a title for every field: the name is one already."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


class Schemas:
    """The schemas of everything that is sent (`validation`) and answered (`serialization`), made at once so that what
    they share is written down once."""

    def __init__(self, sent: Collection[Model], answered: Collection[Model]) -> None:
        wanted: list[tuple[Model, JsonSchemaMode]] = [(model, "validation") for model in sent]
        wanted.extend((model, "serialization") for model in answered)
        self._top, rest = models_json_schema(wanted, ref_template=REF + "{model}", schema_generator=_Schemas)
        self.definitions: dict[str, Schema] = rest.get("$defs", {})
        self._describe([model for model, _ in wanted])

    def sent(self, model: Model) -> Schema:
        return self._top[model, "validation"]

    def answered(self, model: Model) -> Schema:
        return self._top[model, "serialization"]

    def whole(self, schema: Schema) -> Schema:
        """The schema itself, where this one only refers to it."""
        ref = schema.get("$ref")
        return self.definitions[ref.removeprefix(REF)] if isinstance(ref, str) else schema

    def used_by(self, parts: object) -> set[str]:
        """The names of the definitions that `parts` refer to, and those that these need."""
        found: set[str] = set()
        waiting = list(_refs(parts))
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += _refs(self.definitions[name])
        return found

    def _describe(self, models: Sequence[Model]) -> None:
        for model in _with_parts(models):
            sentences = _sentences(model)
            for name, schema in self.definitions.items():
                if name.rsplit("__", 1)[-1].removesuffix("-Input").removesuffix("-Output") != model.__name__:
                    continue
                for field, part in schema.get("properties", {}).items():
                    if field in sentences:
                        part.setdefault("description", sentences[field])


def _refs(parts: object) -> Iterator[str]:
    if isinstance(parts, dict):
        for name, value in cast(dict[str, object], parts).items():
            if name == "$ref" and isinstance(value, str) and value.startswith(REF):
                yield value.removeprefix(REF)
            else:
                yield from _refs(value)
    elif isinstance(parts, list | tuple):
        for value in cast(Sequence[object], parts):
            yield from _refs(value)


def _with_parts(models: Sequence[Model]) -> list[Model]:
    """These models, those that they inherit from, and those that their fields hold."""
    found: dict[Model, None] = {}
    waiting: list[object] = list(models)
    while waiting:
        each = waiting.pop()
        waiting += typing.get_args(each)
        if inspect.isclass(each) and issubclass(each, BaseModel) and each not in found:
            found[each] = None
            waiting += [field.annotation for field in each.model_fields.values()]
    return list(found)


def _sentences(model: Model) -> dict[str, str]:
    """What is written in a string under each field, here or in what the model inherits from. pydantic can read these
    itself, but then does so whenever a process starts."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if issubclass(each, BaseModel) and each is not BaseModel:
            found |= _written_under_fields(each)
    return found


def _written_under_fields(model: Model) -> dict[str, str]:
    try:
        source = textwrap.dedent(inspect.getsource(model))
    except OSError:  # a model that was made at run time, or a process without its sources
        return {}
    definition = ast.parse(source).body[0]
    assert isinstance(definition, ast.ClassDef)
    found: dict[str, str] = {}
    for line, following in zip(definition.body, definition.body[1:], strict=False):
        match line, following:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str() as sentence)):
                found[name] = " ".join(sentence.split())
            case _:
                pass
    return found
