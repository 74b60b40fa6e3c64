"""Checks resources of KServe against the types of KServe's Python SDK: no field that they do not have, none that is missing, and
no value of another type. The types of containers are those of Kubernetes' own client.

Usage: kserve_types.py FILE…
"""

import datetime
import importlib.util
import re
import sys
import types

import kubernetes.client.models
import yaml

# The SDK's types alone: the package itself imports a server and what that needs.
package = types.ModuleType("kserve")
package.__path__ = importlib.util.find_spec("kserve").submodule_search_locations
sys.modules["kserve"] = package
import kserve.models  # noqa: E402

PLAIN = {"str": str, "int": int, "bool": bool, "float": (int, float), "datetime": datetime.datetime}


def build(value, kind, place):
    """The value as the type has it; raises ValueError where it is none."""
    if inner := re.fullmatch(r"list\[(.*)\]", kind):
        if not isinstance(value, list):
            raise ValueError(f"{place} is {value!r} and should be a list")
        return [build(one, inner.group(1), f"{place}[{index}]") for index, one in enumerate(value)]
    if inner := re.fullmatch(r"dict\(str, (.*)\)", kind):
        if not isinstance(value, dict):
            raise ValueError(f"{place} is {value!r} and should be a map")
        return {name: build(one, inner.group(1), f"{place}.{name}") for name, one in value.items()}
    if kind in PLAIN:
        if not isinstance(value, PLAIN[kind]) or isinstance(value, bool) != (kind == "bool"):
            raise ValueError(f"{place} is {value!r} and should be of type {kind}")
        return value
    known = getattr(kserve.models, kind, None) or getattr(kubernetes.client.models, kind, None)
    if known is None:
        return value  # `object`, and numbers or texts such as ports and quantities
    if not isinstance(value, dict):
        raise ValueError(f"{place} is {value!r} and should be a {kind}")
    names = {name: attribute for attribute, name in known.attribute_map.items()}
    if unknown := sorted(set(value) - set(names)):
        raise ValueError(f"{place} has no {', '.join(unknown)}; a {kind} has {', '.join(sorted(names))}")
    fields = {names[name]: build(one, known.openapi_types[names[name]], f"{place}.{name}") for name, one in value.items()}
    try:
        return known(**fields)
    except ValueError as error:  # a field is missing, by the type's own words
        raise ValueError(f"{place}: {error}") from error


def check(path):
    with open(path) as file:
        resource = yaml.safe_load(file)
    group, version = resource["apiVersion"].split("/")
    if group != "serving.kserve.io":
        raise ValueError(f"the group is {group}")
    build(resource, version.capitalize() + resource["kind"], resource["kind"])


def check_this():
    """A check that finds nothing anywhere is none: these must be found."""
    for wrong, kind in [
        ({"replica": 1}, "V1alpha1ServingRuntimeSpec"),
        ({"containers": [{"name": "a", "imag": "b"}]}, "V1alpha1ServingRuntimeSpec"),
        ({"containers": [{"image": "b"}]}, "V1alpha1ServingRuntimeSpec"),
        ({"minReplicas": "two"}, "V1beta1PredictorSpec"),
    ]:
        try:
            build(wrong, kind, kind)
        except ValueError:
            continue
        sys.exit(f"{wrong} passes as a {kind}")


check_this()
for path in sys.argv[1:]:
    try:
        check(path)
    except ValueError as error:
        sys.exit(f"{path}: {error}")
