#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Is all that is known told in docs/findings.md?

usage: known.py FINDINGS.md TARGET.yml... : what a target file names under
"known" must stand in the target's section of the page, "## NAME (…)": each
finding by its id, each scenario that is named whole by its name, both in
`code`. Exit status 77 when Python has no yaml.
"""
import os
import re
import sys

try:
    import yaml
except ImportError as why:
    print(why)
    sys.exit(77)


def sections(page):
    """Name of an MTA -> what stands in `code` in its section."""
    found = {}
    for part in re.split(r"^## ", page, flags=re.M)[1:]:
        found[part.split()[0]] = set(re.findall(r"`([^`]+)`", part))
    return found


def names(value):
    return value if isinstance(value, list) else [value]


def missing(known, told):
    """Words of the entries @known that are not in the set @told."""
    for entry in known:
        wanted = names(entry["finding"])
        wanted += [
            scenario.strip()
            for text in names(entry.get("scenario", ""))
            for scenario in text.split(",")
            if "/" in scenario and "*" not in scenario
        ]
        yield from (word for word in wanted if word not in told)


def check_itself():
    page = "# x\n## a (1)\n`f/one` in `s/t`\n## b (2)\n`f/two`\n"
    told = sections(page)
    entry = {"finding": ["f/one", "f/two"], "scenario": "expiry, s/t,s/u"}
    assert list(missing([entry], told["a"])) == ["f/two", "s/u"]
    assert list(missing([{"finding": "f/two"}], told["b"])) == []


def main():
    check_itself()
    with open(sys.argv[1], encoding="utf-8") as file:
        told = sections(file.read())
    faults = entries = 0
    for path in sys.argv[2:]:
        name = os.path.basename(path)[: -len(".yml")]
        with open(path, encoding="utf-8") as file:
            known = yaml.safe_load(file).get("known") or []
        entries += len(known)
        for word in missing(known, told.get(name, set())):
            print(f"not ok: {path}: known {word}, and no `{word}` under "
                  f'"## {name}" of {sys.argv[1]}')
            faults += 1
    if not faults:
        print(f"ok: {entries} known entries are told")
    return faults != 0


if __name__ == "__main__":
    sys.exit(main())
