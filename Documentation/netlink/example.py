#!/usr/bin/env python3
# SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
"""
What example.c does, with the kernel's own client: the devices that are not
isolated, and why; then so many events.

    PYTHONPATH=linux/tools/net/ynl example.py SPEC [EVENTS]

SPEC is vfiopolicy.yaml, after `make install` in /usr/share/ynl/specs.
"""
import errno
import queue
import select
import sys

try:
    from pyynl.lib import YnlFamily     # installed, or 6.14 and later
except ImportError:
    from lib import YnlFamily           # tools/net/ynl before


def take(ynl):
    """ The events that are waiting, which a loss ends with an OSError. """
    ynl.check_ntf()
    waiting = ynl.async_msg_queue
    while not (waiting.empty() if isinstance(waiting, queue.Queue) else not waiting):
        event = waiting.get() if isinstance(waiting, queue.Queue) else waiting.pop(0)
        yield event['name'], event['msg']


def look(ynl):
    """ Prints the list. Returns the number of the last event it has in it. """
    known = ynl.do('info-get', {})['events']
    for dev in ynl.dump('dev-get', {}):
        if dev['state'] != 'isolated':
            print(dev['address'], dev['state'], dev.get('reason', '-'), flush=True)
    return known


def drain(ynl):
    """ To the end of what is waiting: until then all that comes is dropped. """
    while True:
        try:
            return list(take(ynl))
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise


def follow(events, requests, left):
    known = look(requests)
    while left:
        select.select([events.sock], [], [])
        try:
            news = list(take(events))
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            news = None
        for kind, event in news or []:
            ahead = (event['seq'] - known) & 0xffffffff
            if ahead == 0 or ahead >= 1 << 31:
                continue            # the list has it
            if ahead > 1:
                news = None         # a gap
                break
            known = event['seq']
            if kind == 'dev-ntf':
                what = f"{event['address']} {event.get('old-state', '-')}" \
                       f" -> {event['state']}, by {event.get('cause', '-')}"
            else:
                what = event['text']
            print('event', known, kind, what, flush=True)
            left -= 1
            if not left:
                break
        if news is None:
            print('events were lost', file=sys.stderr, flush=True)
            drain(events)
            known = look(requests)


def main():
    spec, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0
    # Without a schema the spec is taken as it is.
    requests = YnlFamily(spec, schema='')
    if not count:
        look(requests)
        return
    events = YnlFamily(spec, schema='')
    events.ntf_subscribe('events')
    follow(events, requests, count)


main()
