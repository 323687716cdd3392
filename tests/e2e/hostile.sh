#!/bin/sh
# SPDX-License-Identifier: MIT
# Scenario files that nobody means well with: each gets an error (or passes,
# if it is only odd) in bounded memory and processor time, and no crash.
# usage: hostile.sh DEADMX
deadmx=$1
top=$(mktemp -d) || exit 1
trap 'rm -rf "$top"' EXIT
cd "$top" || exit 1
python3 - "$deadmx" << 'EOF'
import os, resource, socket, subprocess, sys

MIB = 1 << 20
MEMORY_MAX = 96 * MIB  # of the whole process, 8 MiB of it libraries
CPU_MAX_S = 10  # most take 0.01 s; slow machines and emulators are allowed for

HEAD = "description: d\n"
WORLD = "world: {servers: {mx.dest.example: {timeline: [{rcpt: drop}]}}}\n"
MAIL = "mail: {from: a@s.example, to: b@dest.example}\n"
GOOD = HEAD + WORLD + MAIL + "expect: {ndr: yes}\n"
SERVER = HEAD + "world:\n servers:\n  mx.dest.example:\n"
NDR = HEAD + WORLD + MAIL + "expect:\n ndr:\n"

# name: (text, what the first line of the error must hold; "" = it is taken)
files = {}


def put(name, text, words):
    if isinstance(text, str):
        text = text.encode()
    files[name] = words
    with open(name + ".yml", "wb") as f:
        f.write(text)


def full(name, unit, words, head="", tail=""):
    """As many as go into the largest file that is read."""
    room = MIB - len(head.encode()) - len(tail.encode())
    put(name, head + unit * (room // len(unit.encode())) + tail, words)


put("empty", "", "got nothing")
put("blank", " \n\n", "got nothing")
put("comment", "# x\n", "got nothing")
full("blanks", " ", "got nothing")
full("newlines", "\n", "got nothing")
put("nul", "a: x\0y\n", "byte 0x00")
put("nul-escape", 'description: "x\\0y"\n', "NUL byte")
put("zeros", b"\0" * 4096, "byte 0x00")
put("binary", bytes(range(256)) * 100, "byte 0x00")
put("elf", open(sys.argv[1], "rb").read(100000), "byte 0x7f")
put("utf16le", GOOD.encode("utf-16"), "UTF-16")
put("utf16be", b"\xfe\xff" + GOOD.encode("utf-16-be"), "UTF-16")
put("utf16-bare", GOOD.encode("utf-16-le"), "UTF-16")
put("utf32", GOOD.encode("utf-32"), "expected UTF-8")
put("bom", b"\xef\xbb\xbf" + GOOD.encode(), "")
put("latin1", "description: \xe9\n".encode("latin-1"), "byte 0xe9")
put("overlong", b"description: \xc0\xaf\n", "byte 0xc0")
put("surrogate", b"description: \xed\xa0\x80\n", "byte 0xed")
put("terminal", "description: \x1b[2J\n", "byte 0x1b")
put("crlf", GOOD.replace("\n", "\r\n"), "")
put("scalar", "hello\n", "a map")
put("list", "- a\n", "a map")
put("documents", GOOD + "---\n" + GOOD, "a second document")
put("directive", "%YAML 1.1\n---\n" + GOOD, "directives")
put("tag", "!!python/object/apply:os.system [x]\n", "tags (!)")
bomb = "a0: &a0 [x]\n" + "".join(
    "a%d: &a%d [%s]\n" % (i, i, ",".join(["*a%d" % (i - 1)] * 9))
    for i in range(1, 20)
)
put("anchor-bomb", bomb, "anchors and aliases")
put("anchor-self", "a: &a [*a]\n", "anchors and aliases")
full("anchors", "&a ", "")
full("aliases", "*a ", "")
for name, unit in (
    ("seq", "["), ("map", "{"), ("pairs", "{a: "), ("dashes", "- "),
    ("keys", "? "), ("colons", "a: "), ("bangs", "! "), ("quotes", '"'),
    ("commas", ",")):
    full("deep-" + name, unit, "")
    full("deep-" + name + "-in", unit, "", "a: [")
put("deep-block", "".join(" " * i + "a:\n" for i in range(1400)), "levels")
full("values", "- 1\n", "100000 values")
put("many-keys", "".join("k%d: 1\n" % i for i in range(1001)), "1000 keys")
put("same-key", "a: 1\n" * 1000, "is here twice")
put("huge-key", "k" * 300 + ": 1\n", "at most 255 bytes")
full("huge-key-max", "k", "255 bytes", '? "', '"\n: 1\n')
full("huge-text", "x", "", HEAD + WORLD + "mail: {from: '', to: b@dest.example,"
     " body: ", "}\nexpect: {ndr: yes}\n")
full("block-empty-lines", "\n", "", "a: |")
full("block-lines", "  x\n", "", "a: |\n")
full("folded", " x\n\n", "", "a: >\n")
full("tag-blanks", " ", "", "!x ")
full("hash", " #", "got nothing")
put("large", GOOD + "#" * MIB, "larger than 1 MiB")
files["100MB"] = "larger than 1 MiB"
with open("100MB.yml", "wb") as f:
    f.truncate(100 * 1000 * 1000)
    f.write(GOOD.encode())

# Well-formed, but no scenario.
put("negative", SERVER + "   timeline: [{from: -1h, rcpt: stall -5s}]\n" + MAIL
    + "expect: {attempts: -3, gaps: -1h..2h}\n", "never negative")
put("huge-numbers", SERVER + "   port: " + "9" * 100 + "\n   timeline: "
    "[{from: " + "9" * 100 + "d, rcpt: drop}]\n" + MAIL + "expect: {}\n",
    "from 1 to 65535")
put("wrong-types", "description: [x]\nworld: x\nmail: {from: [], to: {}}\n"
    "expect: [x]\n", "description")
put("wrong-types-2", "description: {}\nworld: {servers: [a]}\nmail: yes\n"
    "expect: 3\n", "description")
put("nothing-in-it", "description:\nworld:\nmail:\nexpect:\n", "got nothing")
put("regex-bomb", NDR + ' - {text: "/((%s){100}){100}/"}\n' % ("a" * 800),
    "60000 when")
put("regexes", NDR + ' - {text: "/(abcdefghij){2000}/"}\n' * 10000,
    "too many regular expressions")
put("regexes-2", NDR + (' - {text: "/%s/"}\n' % ("(.*)*" * 150)) * 1000,
    "")
put("unknown-keys", "".join(
    "zz%d:\n" % k + "".join(" a%d: 1\n" % i for i in range(900))
    for k in range(50)), "unknown key")
put("unknown-replies", SERVER + "   timeline:\n" + "".join(
    "    - {rcpt: x%d/abcdefghijklmnopqrst}\n" % i for i in range(15000))
    + MAIL + "expect: {ndr: yes}\nreplies:\n" + "".join(
    " abcdefghijklmnopqrst/b%d: 451 x\n" % i for i in range(1000)), "")
put("recipients", HEAD + WORLD + "mail:\n" + "".join(
    "- {from: '', to: [%s]}\n"
    % ",".join("%d@dest.example" % i for i in range(1000))
    for k in range(40)) + "expect: {ndr: yes}\n", "")
put("domains", SERVER + "   timeline: [{rcpt: drop}]\n   mx_for:\n" + "".join(
    "   - d%d.example\n" % i for i in range(20000)) + "mail:\n" + "".join(
    "- {from: '', to: [%s]}\n"
    % ",".join("a@z%d.example" % (i + k * 1000) for i in range(1000))
    for k in range(25)) + "expect: {ndr: yes}\n", "no server is mx_for")
put("rows", HEAD + "world:\n servers:\n" + "".join(
    "  m%d.dest.example:\n   timeline:\n" % k
    + "   - {rcpt: 451 x, first: 1}\n" * 200 for k in range(90))
    + MAIL + "expect: {ndr: yes}\n", "")
put("tags", GOOD + "tags:\n" + "- x\n" * 90000, "")
numbers = ",".join(str(i) for i in range(500))
put("matrix", "matrix: {a: [%s], b: [%s]}\n" % (numbers, numbers) + GOOD,
    "at most 500 cases")
put("matrix-large", "matrix: {a: [%s]}\ntags: '${a}'\n" % numbers + GOOD
    + "settings:\n" + "".join(" s%d: 1\n" % i for i in range(300)),
    "250000 values")
put("matrix-errors", "matrix: {a: [%s]}\n" % numbers + GOOD
    + "".join("zz%d: '${a}'\n" % i for i in range(200)), "unknown key")
put("matrix-self", "matrix: {a: ['${a}${a}']}\ntags: '${a}'\n" + GOOD,
    "")
put("include-self", "include: include-self.yml\n" + GOOD, "included in itself")
put("include-out", "include: ../../../../../../etc/x.yml\n" + GOOD,
    "lies outside")
put("include-absolute", "include: /etc/passwd\n" + GOOD, "is relative")
put("include-fifo", "include: fifo.yml\n" + GOOD, "not a regular file")
put("include-bomb", "include: [%s]\n" % ",".join(["inc0.yml"] * 32) + GOOD,
    "at most 32 files")
for i in range(9):
    put("inc%d" % i, "include: [%s]\n" % ",".join(["inc%d.yml" % (i + 1)] * 9)
        if i < 8 else "tags: [x]\n", "")
    del files["inc%d" % i]

# Not regular files.
os.mkfifo("fifo.yml")
files["fifo"] = "not a regular file"
os.mkdir("folder.yml")
files["folder"] = "no scenario"
os.symlink("loop.yml", "loop.yml")
files["loop"] = "Too many levels"
os.symlink("/nonexistent", "dangling.yml")
files["dangling"] = "No such file"
for name, device in (("zero", "/dev/zero"), ("random", "/dev/urandom"),
                     ("tty", "/dev/tty"), ("null", "/dev/null"),
                     ("mem", "/dev/full")):
    os.symlink(device, name + ".yml")
    files[name] = "" if name == "tty" else "not a regular file"
os.symlink("/proc/self/maps", "proc.yml")
files["proc"] = "got nothing"
s = socket.socket(socket.AF_UNIX)
s.bind("socket.yml")
files["socket"] = "No such device"
ODD = {"bom", "crlf", "huge-text", "matrix-self", "recipients", "regexes-2",
       "rows", "tags"}

failed = 0
worst = (0, ""), (0, "")
for name, words in files.items():
    p = subprocess.Popen([sys.argv[1], "check", name + ".yml"],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=open("said", "wb"))
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = 0
    said = open("said", errors="replace").read()
    cpu = usage.ru_utime + usage.ru_stime
    memory = usage.ru_maxrss * 1024
    worst = max(worst[0], (memory, name)), max(worst[1], (cpu, name))
    first = said.split("\n")[0]
    want = 0 if name in ODD else 2
    why = None
    if not os.WIFEXITED(status) or os.WEXITSTATUS(status) != want:
        why = "status %#x" % status
    elif words not in said or (want == 2) != bool(first):
        why = "expected words that hold %r" % words
    elif memory > MEMORY_MAX or cpu > CPU_MAX_S:
        why = "%d MiB, %.1f s" % (memory / MIB, cpu)
    elif len(said) > 64 * 1024 or "\x1b" in said or "\0" in said:
        why = "too many words, or some for the terminal"
    if why:
        print("not ok: %s: %s; said: %s" % (name, why, first[:200]))
        failed += 1
print("ok: %d of %d hostile files; most memory %d MiB (%s), most processor "
      "time %.2f s (%s)" % (len(files) - failed, len(files),
                            worst[0][0] / MIB, worst[0][1], *worst[1]))
sys.exit(1 if failed else 0)
EOF
