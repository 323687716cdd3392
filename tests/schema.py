#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Does the JSON Schema fit the scenarios?

usage: schema.py SCHEMA FOLDER... : what is shipped must be valid, and typical
slips must not be. Exit status 77 when Python has no jsonschema.
"""
import glob
import json
import os
import re
import sys

try:
    import jsonschema
    import yaml
except ImportError as why:
    print(why)
    sys.exit(77)


class Core(yaml.SafeLoader):
    """YAML 1.2, as in editors: "yes" and dates are texts."""


Core.yaml_implicit_resolvers = {}
for tag, regex, first in (
    ("bool", r"^(?:true|false)$", "tf"),
    ("null", r"^(?:~|null|)$", ["~", "n", ""]),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?[0-9]*\.[0-9]+$", "-+.0123456789"),
):
    Core.add_implicit_resolver(
        "tag:yaml.org,2002:" + tag, re.compile(regex), list(first)
    )

GOOD = """
description: d
world:
  servers:
    mx.dest.example:
      timeline:
        - rcpt: 451 4.7.1 Later
mail: {from: a@src.example, to: b@dest.example}
expect: {ndr: yes}
"""
# Each turns the good one into one that must be refused.
SLIPS = [
    ("description: d", "descripton: d"),
    ("expect: {ndr: yes}", ""),
    ("expect: {ndr: yes}", "expect: {ndr: maybe}"),
    ("expect: {ndr: yes}", "expect: {attempts: -1}"),
    ("expect: {ndr: yes}", "expect: {delay_notice: {}}"),
    ("to: b@dest.example", "too: b@dest.example"),
    ("from: a@src.example, ", ""),
    ("rcpt: 451", "rctp: 451"),
    ("rcpt: 451 4.7.1 Later", "rcpt: stal"),
    ("rcpt: 451 4.7.1 Later", "connect: stall"),
    ("rcpt: 451 4.7.1 Later", "rcpt: exchange/server-buzy"),
    ("rcpt: 451 4.7.1 Later", "rcpt: {stall: 10}"),
    ("servers:", "until: 5\n  servers:"),
    ("timeline:", "port: 70000\n      timeline:"),
    ("rcpt: 451 4.7.1 Later", "tls: 451 4.7.1 Later"),
    ("rcpt: 451 4.7.1 Later", "tls: expierd"),
    ("rcpt: 451 4.7.1 Later", "tls: {certificate: {from: yesterday}}"),
    ("rcpt: 451 4.7.1 Later", "tls: {certificate: {issuer: nobody}}"),
    ("timeline:", "certificate: {name: x.example}\n      timeline:"),
    ("world:", "tags: []\nsettings: []\nworld:"),
]


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        schema = json.load(f)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    failed = 0
    count = 0
    for folder in sys.argv[2:]:
        for path in glob.glob(os.path.join(folder, "**/*.yml"), recursive=True):
            count += 1
            with open(path, encoding="utf-8") as f:
                for error in validator.iter_errors(yaml.load(f, Core)):
                    print("not ok: %s: %s" % (path, error.message))
                    failed += 1
    assert count, "no scenario"
    assert validator.is_valid(yaml.load(GOOD, Core)), "the good one"
    for old, new in SLIPS:
        assert old in GOOD, old
        if validator.is_valid(yaml.load(GOOD.replace(old, new), Core)):
            print("not ok: taken: %s" % new)
            failed += 1
    print("%d scenarios, %d slips, %d failed" % (count, len(SLIPS), failed))
    return 1 if failed else 0


sys.exit(main())
