#!/bin/sh
# SPDX-License-Identifier: MIT
# Target files: checked, fetched, and an MTA in a tree of one's own.
# usage: targets.sh DEADMX
deadmx=$(cd "$(dirname "$1")" && pwd)/${1##*/}
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$root/tests/e2e/lib/check.sh"

# --- the list and the check

status 0 "$deadmx" targets && grep -q '^model  *included ' out
ok "the model MTA is included"

status 0 "$deadmx" targets --check "$root"/harness/targets/*.yml
ok "the shipped target files have no mistakes"

cat > bad.yml <<- 'END'
	description: an MTA with mistakes
	start: run
	submit: {port: 99999}
	features: [dns]
	files:
	  /etc/x: {content: x, owner: "nobody-here:root"}
	known:
	  - {finding: law/lots, reason: r}
	documented: {source: none}
END
status 2 "$deadmx" targets --check bad.yml &&
	grep -q '^bad.yml:3:16: ' err &&
	grep -q '^bad.yml:4:12: features.*did you mean "dsn"' err &&
	grep -q '^bad.yml:8:15: finding.*did you mean "law/lost"' err &&
	grep -q '^bad.yml:8:5: "source" is missing in known' err &&
	grep -q '^1 of 1 files faulty' err
ok "all mistakes are told at once, each where it is"

sed '/^features/d; /^known/,/^  - /d; s/99999/25/' bad.yml > owner.yml
status 2 "$deadmx" targets --check owner.yml &&
	grep -q '^owner.yml:5:3: owner.*"nobody-here:root"' err
ok "an owner that nobody knows is told before a run"

status 2 "$deadmx" targets frob && status 2 "$deadmx" targets --check &&
	status 2 "$deadmx" targets --check no-such.yml &&
	status 2 "$deadmx" targets fetch no-such-target
ok "wrong usage"

# --- features

status 0 "$deadmx" run --target dma --out runs \
	"$root/scenarios/extensions/no_dsn.yml" &&
	grep -q 'no_dsn.yml:[0-9]*: the target dma has no dsn' out
ok "what an MTA lacks is unsupported, with the line that asks for it"

# --- an MTA in a tree

status 0 "$deadmx" targets fetch dma && grep -q '^dma ' out
ok "dma is fetched"
tree=$(echo "${XDG_CACHE_HOME:-$HOME/.cache}"/deadmx/packages/dma_*)
cp -r "$tree" built && printf 'X' >> built/usr/sbin/dma
# Where nothing can be fetched, a tree that has the program needs nothing.
status 0 env XDG_CACHE_HOME="$work/none" "$deadmx" run --target dma \
	--target-root built --out runs "$root/scenarios/control/healthy.yml"
ok "an MTA of one's own tree delivers, and nothing is fetched"
[ ! -d none/deadmx/packages ]
ok "the cache was not asked for"
sed 's|^version: .*|version: tail -c 1 /usr/sbin/dma|' \
	"$root/harness/targets/dma.yml" > mine.yml
status 0 env XDG_CACHE_HOME="$work/none" "$deadmx" run --target mine.yml \
	--target-root built --out runs "$root/scenarios/control/healthy.yml" &&
	grep -q '"target_version": "X"' runs/control/healthy/mine/verdict.json
ok "it is the tree's program that ran"
status 2 "$deadmx" run --target-root built "$root/scenarios/control" &&
	status 2 "$deadmx" run --target dma --target-root nowhere \
		"$root/scenarios/control"
ok "a tree needs a target, and has to be there"
status 2 "$deadmx" run --target dma --target "$root/harness/targets/dma.yml" \
	"$root/scenarios/control" && grep -q 'two targets are called dma' err
ok "two targets of one name are refused"

# --- the file of docs/own-target.md, on Debian's dma

sed -n '/^<!-- the whole file -->$/,/^<!-- end -->$/s/^    //p' \
	"$root/docs/own-target.md" > my-mta.yml
status 0 "$deadmx" targets --check my-mta.yml &&
	status 0 "$deadmx" run --target my-mta.yml --target-root "$tree" \
		--out runs "$root/scenarios/control/healthy.yml" &&
	grep -q '"target_version": "v0' runs/control/healthy/my-mta/verdict.json
ok "the target file of the how-to works"

# --- known faults

sed 's/^  mutant: none/  mutant: no-ndr/' \
	"$root/harness/targets/model.yml" > broken.yml
scenario=$root/scenarios/offline/refused_expires.yml
status 1 "$deadmx" run --target broken.yml --out runs "$scenario"
ok "a model that sends no bounces fails"
cat >> broken.yml <<- 'END'

	known:
	  - finding: [expect/ndr, rfc5321/6.1/ndr-missing, law/lost]
	    scenario: offline/refused_expires
	    reason: it is a mutant
	    source: this test
	  - finding: law/ndr-twice
	    scenario: offline/refused_expires
	    reason: another mutant
	    source: this test
END
status 0 "$deadmx" run --target broken.yml --out runs --tap known.tap \
	--junit known.xml "$scenario" &&
	grep -q ' broken  *known ' out &&
	grep -q '(known: it is a mutant)' out &&
	grep -q '^not ok 1 .* # TODO known: it is a mutant' known.tap &&
	grep -q '<skipped message=".*type="known"' known.xml &&
	grep -q '"known/absent"' runs/offline/refused_expires/broken/verdict.json
ok "a fault that the target file names is known, one that is gone is told"
status 0 "$deadmx" judge --json runs/offline/refused_expires/broken &&
	python3 - runs/offline/refused_expires/broken/verdict.json <<- 'END'
		import json, sys
		again, stored = json.load(open("out")), json.load(open(sys.argv[1]))
		sys.exit(again["results"] != [stored])
	END
ok "the same verdict when it is judged again"
exit $failed
