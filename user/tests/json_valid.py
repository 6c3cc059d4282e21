#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Is what a command said with --json as the schema says?

usage: json_valid.py DEFINITION < output
       json_valid.py --serve

Says where it is not, and then ends with exit status 1.

--serve is for a test with much to ask, for Python takes longest to begin: each
question is DEFINITION, EXPRESSION and what the command said, each of them ended
by a NUL. The answer, ended so too, is what is not as the schema says, or, when
DEFINITION is empty, what EXPRESSION of Python is, in which d is what was said.
"""

import json
import os
import sys

SCHEMA = os.path.join(os.path.dirname(os.path.realpath(__file__)),
                      '../../Documentation/json/vfiopolicy.schema.json')
loaded = {}


def twice(pairs):
    """An object; a key that it has twice is an error, which json takes."""
    keys = [key for key, _ in pairs]
    if len(set(keys)) < len(keys):
        raise ValueError(f'a key comes twice: {keys}')
    return dict(pairs)


def leaves(error):
    """What is wrong in the end, each of several ways that it might have been."""
    if error.context:
        return ', or '.join(leaves(other) for other in error.context)
    return f'{error.json_path}: {error.message[:200]}'


def validator(name):
    """For one definition of the schema."""
    import jsonschema

    if name not in loaded:
        with open(SCHEMA, encoding='utf-8') as file:
            schema = json.load(file)
        if name not in schema['$defs']:
            raise ValueError(f'{SCHEMA} has no definition {name}')
        # The whole of it, but that one definition instead of any.
        del schema['anyOf']
        schema['$ref'] = f'#/$defs/{name}'
        loaded[name] = jsonschema.Draft202012Validator(schema)
    return loaded[name]


def wrong(name, text):
    """What is not as the schema says, a line each; nothing when all is well."""
    try:
        said = json.loads(text, object_pairs_hook=twice)
        return '\n'.join(f'{name}: {leaves(error)}'
                         for error in validator(name).iter_errors(said))
    except ValueError as error:
        return f'{name}: {error}'


def value(expression, text):
    """What an expression is, or the error that it has."""
    try:
        return str(eval(expression, {'d': json.loads(text)}))
    except Exception as error:
        return f'{type(error).__name__}: {error}'


def words(file):
    """What is ended by a NUL, one after the other."""
    rest = b''
    while chunk := os.read(file, 65536):
        *whole, rest = (rest + chunk).split(b'\0')
        for word in whole:
            yield word.decode()


def serve():
    """Answers until nobody can ask any more."""
    source = words(0)
    for name, expression, text in zip(source, source, source):
        answer = wrong(name, text) if name else value(expression, text)
        os.write(1, answer.encode() + b'\0')


if sys.argv[1] == '--serve':
    serve()
else:
    found = wrong(sys.argv[1], sys.stdin.read())
    if found:
        sys.exit(found)
