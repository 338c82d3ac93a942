"""A learner's code as bytes: cloudpickle, and what it cannot do, classes of `msgspec.Struct`.

cloudpickle makes such a class anew without its fields and adds the rest as attributes; a Struct's
fields exist only if they are named when the class is made.
"""

from __future__ import annotations

import inspect
import io
import sys
from typing import Any

import cloudpickle
import msgspec
from msgspec import NODEFAULT

KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY
_Field = tuple[str, Any, str, Any, Any]
"""name, type, name on the wire, default, function that makes the default (both in a tuple)"""


def dumps(code: object) -> bytes:
    """Return the pickle, which `pickle.loads` reads in any process that has netlab.

    Raises:
        TypeError, pickle.PicklingError: it holds what cannot leave its process, such as a lock.
    """
    file = io.BytesIO()
    _Pickler(file).dump(code)
    return file.getvalue()


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    def reducer_override(self, what: Any) -> Any:
        if isinstance(what, type(msgspec.Struct)) and not _can_be_imported(what):
            return _reduced(what)
        return super().reducer_override(what)


def _can_be_imported(what: type) -> bool:
    """Does the other process find it by its name, as cloudpickle sees it?"""
    module = what.__module__
    if module == "__main__" or module in cloudpickle.list_registry_pickle_by_value():
        return False
    found: Any = sys.modules.get(module)
    for part in what.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is what


def _reduced(what: Any) -> tuple[Any, ...]:
    own = vars(what).get("__annotations__", {})
    kinds = inspect.signature(what).parameters
    fields: list[_Field] = [
        (
            one.name,
            own[one.name],
            one.encode_name,
            *(
                None if each is NODEFAULT else (each,)
                for each in (one.default, one.default_factory)
            ),
        )
        for one in msgspec.structs.fields(what)
        if one.name in own
    ]
    names = [name for name, *_ in fields]
    config = {
        name: getattr(what.__struct_config__, name)
        for name in dir(what.__struct_config__)
        if not name.startswith("_")
    }
    config["kw_only"] = any(kinds[name].kind is KEYWORD_ONLY for name in names)
    skeleton = (what.__name__, what.__bases__, what.__module__, fields, config)
    made = {"__module__", "__slots__", "__dict__", "__weakref__", *names}
    rest = {name: value for name, value in vars(what).items() if name not in made}
    rest["__qualname__"] = what.__qualname__
    # The rest comes second: it may lead back to the class, which then exists already.
    return _skeleton, skeleton, rest, None, None, _add


def _told(default: object) -> tuple[object, ...]:
    return () if default is NODEFAULT else (default,)


def _skeleton(
    name: str, bases: tuple[type, ...], module: str, fields: list[_Field], config: dict[str, Any]
) -> type:
    made = []
    for field, kind, on_wire, default, factory in fields:
        told: dict[str, Any] = {"name": on_wire} if on_wire != field else {}
        told |= {"default": default[0]} if default else {}
        told |= {"default_factory": factory[0]} if factory else {}
        made.append((field, kind, msgspec.field(**told)) if told else (field, kind))
    return msgspec.defstruct(name, made, bases=bases, module=module, **config)


def _add(what: type, rest: dict[str, Any]) -> None:
    for name, value in rest.items():
        setattr(what, name, value)
