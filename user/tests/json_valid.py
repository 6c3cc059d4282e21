#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Is what a command said with --json as the schema says?

usage: json_valid.py DEFINITION < output

Says where it is not, and then ends with exit status 1.
"""

import json
import os
import sys

import jsonschema

SCHEMA = os.path.join(os.path.dirname(os.path.realpath(__file__)),
                      '../../Documentation/json/vfiopolicy.schema.json')


def twice(pairs):
    """An object; a key that it has twice is an error, which json takes."""
    keys = [key for key, _ in pairs]
    if len(set(keys)) < len(keys):
        sys.exit(f'a key comes twice: {keys}')
    return dict(pairs)


def leaves(error):
    """What is wrong in the end, each of several ways that it might have been."""
    if error.context:
        return ', or '.join(leaves(other) for other in error.context)
    return f'{error.json_path}: {error.message[:200]}'


def main():
    with open(SCHEMA, encoding='utf-8') as file:
        schema = json.load(file)
    name = sys.argv[1]
    if name not in schema['$defs']:
        sys.exit(f'{SCHEMA} has no definition {name}')
    # The whole of it, but that one definition instead of any.
    del schema['anyOf']
    schema['$ref'] = f'#/$defs/{name}'
    said = json.load(sys.stdin, object_pairs_hook=twice)
    found = list(jsonschema.Draft202012Validator(schema).iter_errors(said))
    for error in found:
        print(f'{name}: {leaves(error)}')
    return 1 if found else 0


sys.exit(main())
