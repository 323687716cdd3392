#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Hold connections open against a server that stalls, and see what that costs.

usage: hold.py PID STALLED HEALTHY PORT COUNT [COMMAND...]

Opens COUNT connections to STALLED, sends each COMMAND on each of them when
the reply before has come (none: the server is silent from the start), and
prints how much resident memory process PID has taken for each, what
processor time and wake-ups it spends while nothing happens, and how long
whole transactions with HEALTHY take meanwhile. With a negative COUNT as many
connections are tried that don't come about. Ends with 1 when a limit that
docs/performance.md names is broken.
"""
import selectors
import smtplib
import socket
import sys
import time

KIB_MAX = 8         # resident memory of a stalled connection
MS_MAX = 10         # a transaction beside them, the median
WAIT_S = 5          # watched in silence
TICKS_MAX = 1       # of 10 ms: what the kernel's own accounting may blur
TRANSACTIONS = 200


def rss_kib(pid):
    with open(f'/proc/{pid}/status') as f:
        return next(int(line.split()[1]) for line in f
                    if line.startswith('VmRSS:'))


def spent(pid):
    """Ticks of processor time, and times it has gone to sleep."""
    with open(f'/proc/{pid}/stat') as f:
        fields = f.read().rsplit(')', 1)[1].split()
    with open(f'/proc/{pid}/status') as f:
        slept = next(int(line.split()[1]) for line in f
                     if line.startswith('voluntary_ctxt_switches:'))
    return int(fields[11]) + int(fields[12]), slept


def try_all(address, count):
    sockets = []
    for _ in range(count):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(address)
        sockets.append(s)
    return sockets


def open_all(address, count):
    sockets = []
    # In bunches: none is to wait for a SYN that is sent again.
    while len(sockets) < count:
        waiting = selectors.DefaultSelector()
        for s in try_all(address, min(500, count - len(sockets))):
            waiting.register(s, selectors.EVENT_WRITE)
            sockets.append(s)
        while waiting.get_map():
            for key, _ in waiting.select(10):
                error = key.fileobj.getsockopt(socket.SOL_SOCKET,
                                               socket.SO_ERROR)
                if error:
                    raise OSError(error, 'connect')
                waiting.unregister(key.fileobj)
        waiting.close()
    return sockets


def talk(sockets, commands):
    for s in sockets:
        s.settimeout(10)
        for command in commands:
            reply = s.recv(4096)
            if not reply.startswith((b'2', b'3')):
                raise OSError(f'{command} after {reply!r}')
            s.sendall(command.encode() + b'\r\n')


def transaction(address):
    begin = time.monotonic()
    with smtplib.SMTP(*address) as s:
        s.sendmail('a@sender.example', ['b@healthy.example'],
                   'Subject: a test\r\n\r\nText.\r\n')
    return (time.monotonic() - begin) * 1000


def main():
    pid, stalled, healthy, port, count = sys.argv[1:6]
    commands = sys.argv[6:]
    port, count = int(port), int(count)
    transaction((healthy, port))
    before = rss_kib(pid)
    begin = time.monotonic()
    if count < 0:
        count = -count
        sockets = try_all((stalled, port), count)
    else:
        sockets = open_all((stalled, port), count)
    talk(sockets, commands)
    opened = time.monotonic() - begin
    time.sleep(2)
    each = (rss_kib(pid) - before) / count
    ticks, slept = spent(pid)
    time.sleep(WAIT_S)
    ticks, slept = (now - then for now, then in zip(spent(pid),
                                                    (ticks, slept)))
    took = sorted(transaction((healthy, port)) for _ in range(TRANSACTIONS))
    median = took[len(took) // 2]
    print(f'{count} connections held'
          f' {"after " + commands[-1] if commands else "from the start"}'
          f' (opened in {opened:.1f} s)')
    print(f'  resident memory: {each:.2f} KiB each (at most {KIB_MAX})')
    print(f'  {WAIT_S} s of silence: {ticks * 10} ms of processor time,'
          f' {slept} wake-ups')
    print(f'  a transaction beside them: median {median:.1f} ms'
          f' (at most {MS_MAX}), 99 % {took[len(took) * 99 // 100]:.1f} ms,'
          f' slowest {took[-1]:.1f} ms')
    sys.exit(each > KIB_MAX or median > MS_MAX or ticks > TICKS_MAX)


main()
