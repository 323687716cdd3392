# SPDX-License-Identifier: MIT
"""Run a tutorial: its files are written, its commands run in one shell, and
their output is compared with what the page shows.

usage: tutorial.py PAGE

	```yaml NAME     the block is written to NAME in the current folder
	```console       "$ " begins a command, other lines are its output

Numbers may differ, and blanks; "[…]" stands for any lines. A command must end
with status 0, unless "$ echo $?" follows. A command that ends in "&" goes on:
its output is awaited, not its end.
"""
import os
import re
import select
import subprocess
import sys
import time

END = "__end_of_command__"
WAIT_S = 300
BACKGROUND_WAIT_S = 20


class Shell:
	def __init__(self):
		self.process = subprocess.Popen(
			["bash", "--norc"], stdin=subprocess.PIPE,
			stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
		self.status = 0

	def lines(self, until, wait_s):
		"""Output up to now, line by line, until @until(lines) is true."""
		text, lines, deadline = b"", [], time.monotonic() + wait_s
		fd = self.process.stdout.fileno()
		while not until(lines):
			left = deadline - time.monotonic()
			if left <= 0 or not select.select([fd], [], [], left)[0]:
				return lines + ["(nothing more in time)"]
			chunk = os.read(fd, 4096)
			if not chunk:
				return lines + ["(the shell has ended)"]
			text += chunk
			*whole, text = text.split(b"\n")
			lines += [line.decode(errors="replace") for line in whole]
		return lines

	def run(self, command, expected):
		# $? is the command's before, not that of our own echo.
		self.process.stdin.write(
			f"(exit {self.status})\n{command}\n"
			f"echo {END} $?\n".encode())
		self.process.stdin.flush()
		ended = lambda lines: any(x.startswith(END) for x in lines)
		if command.endswith("&"):
			enough = lambda lines: ended(lines) and matches(
				[x for x in lines if not x.startswith(END)],
				expected)
		else:
			enough = ended
		lines = self.lines(enough, BACKGROUND_WAIT_S
				   if command.endswith("&") else WAIT_S)
		for line in lines:
			if line.startswith(END):
				self.status = int(line.split()[1])
		return [x for x in lines if not x.startswith(END)]


def masked(line):
	return re.sub(r"[0-9]+(\.[0-9]+)?", "0", " ".join(line.split()))


def matches(seen, expected):
	"""Like a shell pattern over lines, with "[…]" for "*"."""
	seen = [masked(x) for x in seen]
	expected = [masked(x) for x in expected]
	at = {0}
	for line in expected:
		if line == "[…]":
			at = set(range(min(at), len(seen) + 1)) if at else at
		else:
			at = {i + 1 for i in at
			      if i < len(seen) and seen[i] == line}
	return len(seen) in at


def blocks(page):
	block = None
	for number, line in enumerate(page.splitlines(), 1):
		if block is None and line.startswith("```"):
			block = (line[3:].split(), number, [])
		elif block is not None and line == "```":
			yield block
			block = None
		elif block is not None:
			block[2].append(line)


def commands(lines, first):
	"""(line number, command, expected output) of a console block."""
	found = []
	for number, line in enumerate(lines, first):
		if line.startswith("$ "):
			found.append((number, line[2:], []))
		else:
			found[-1][2].append(line)
	return found


def main(path):
	shell, failed, pending = Shell(), 0, None
	count = 0
	for info, first, lines in blocks(open(path).read()):
		if info[:1] == ["yaml"] and len(info) == 2:
			text = "\n".join(lines)
			shell.run(f"cat > {info[1]} << 'END_OF_FILE'\n{text}\n"
				  "END_OF_FILE", [])
		if info[:1] != ["console"]:
			continue
		for number, command, expected in commands(lines, first + 1):
			if pending and command != "echo $?":
				print(f"not ok: {path}:{pending}")
				failed += 1
			seen = shell.run(command, expected)
			pending = None
			if shell.status and command != "echo $?":
				pending = f"{number}: exit {shell.status}"
			if matches(seen, expected):
				print(f"ok: {command}")
			else:
				print(f"not ok: {path}:{number}: {command}")
				print("expected:", *expected, "seen:", *seen,
				      sep="\n    ")
				failed += 1
			count += 1
	if pending:
		print(f"not ok: {path}:{pending}")
		failed += 1
	shell.process.stdin.close()
	shell.process.wait()
	print(f"{count} commands, {failed} failed")
	return 1 if failed or not count else 0


sys.exit(main(sys.argv[1]))
