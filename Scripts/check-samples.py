"""Type-checks the Swift samples of README.md, of docs, of the articles, and of the comments in Sources.

    check-samples.py BUILD        BUILD: the folder of a debug build with every trait, such as .build/debug

Each sample becomes a file in .build/samples. Its types, extensions and tests stay at the level of that file; what is
left goes into a function, as if it were the top level of a program.

A sample with imports is whole. One without lacks what it names and does not declare: that comes from the types and
extensions of its page's other samples, and otherwise from the stand-ins in Scripts/samples, from the file that is named
after the page's module before Sessions.swift. The first of these files with imports has the sample's imports too.

`…` stands for a body that is left out. A sample that begins with `// Package.swift` is a part of a manifest and is
passed over. Everything else has to compile, without a warning. Flow and regions are not looked at: no code is made.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
STAND_INS = ROOT / "Scripts/samples"
OUT = ROOT / ".build/samples"

MANIFEST = "// Package.swift"
BEGIN = re.compile(r"(\s*)```swift\b")
COMMENT = re.compile(r"^\s*/// ?")
ELLIPSIS = re.compile(r"(?<=\s)…(?=\s)")
IMPORT = re.compile(r"import \w+")
DECLARATION = re.compile(r"@Test\b|(?:final )?(?:struct|class|enum|actor|protocol|extension)\b")
STAND_IN = re.compile(DECLARATION.pattern + r"|(?:var|func)\b")
DECLARED = re.compile(r"\b(?:struct|class|enum|actor|protocol|var|let|func) (\w+)")
ATTRIBUTE = re.compile(r"(?:@Test(?:\(.*\))?\s+)?")
REMARK = re.compile(r"//.*")
NAME = re.compile(r"\.?\b\w+")
DIAGNOSTIC = re.compile(r"^.+:\d+:\d+: (?:error|warning): ", re.MULTILINE)
# A sample shows how a thing is made; what is done with it then is the reader's.
HARMLESS = re.compile(r"warning: .*(?:never used|never read|never mutated)")


class Lines(NamedTuple):
    """Lines of a page, and where they begin."""

    page: Path
    first: int
    lines: list[str]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def declares(self) -> list[str]:
        """What others write to use a declaration: its name, or `.name` for each member of an extension."""
        names = DECLARED.findall(self.text)
        return [f".{name}" for name in names] if self.text.startswith("extension") else names[:1]

    @property
    def located(self) -> str:
        """The text, such that a diagnostic names the page and its line."""
        return f'#sourceLocation(file: "{self.page.relative_to(ROOT)}", line: {self.first})\n{self.text}\n'

    @property
    def private(self) -> Lines:
        """A declaration, such that another file may declare the same."""
        return self._replace(lines=ATTRIBUTE.sub(r"\g<0>private ", self.text, count=1).splitlines())


class Code(NamedTuple):
    """Swift, taken apart."""

    imports: list[str]
    declarations: list[Lines]
    statements: Lines


def samples(page: Path) -> list[Lines]:
    """The Swift blocks of a page, or of a source file's comments."""
    found, block, margin = [], None, ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if page.suffix == ".swift":
            line, comments = COMMENT.subn("", line)
            if not comments:
                continue
        if block is None:
            begin = BEGIN.match(line)
            if begin:
                block, margin = Lines(page, number + 1, []), begin[1]
        elif line.strip() == "```":
            found.append(block)
            block = None
        else:
            block.lines.append(ELLIPSIS.sub("fatalError()", line.removeprefix(margin)))
    if block is not None:
        sys.exit(f"{page.relative_to(ROOT)}:{block.first - 1}: error: this sample has no end")
    return found


def parse(lines: Lines, begins: re.Pattern[str]) -> Code:
    """Takes Swift apart. A declaration begins at the margin, and ends where its braces are closed."""
    code = Code([], [], Lines(lines.page, lines.first, []))
    current = None
    for number, line in enumerate(lines.lines, lines.first):
        if current is None and begins.match(line):
            current = Lines(lines.page, number, [])
            code.declarations.append(current)
        if current is not None:
            current.lines.append(line)
            if current.text.count("{") == current.text.count("}") > 0:
                current = None
            line = ""
        elif IMPORT.match(line):
            code.imports.append(line)
            line = ""
        code.statements.lines.append(line)
    return code


def lacking(sample: Code, others: list[Code]) -> list[Lines]:
    """The declarations of the others that a sample lacks, and those that these lack."""
    offered = {}
    for declaration in [declaration for code in others for declaration in code.declarations]:
        for name in declaration.declares:
            offered.setdefault(name, declaration)
    declared = {name for declaration in sample.declarations for name in declaration.declares}
    found = []
    texts = [sample.statements.text] + [declaration.text for declaration in sample.declarations]
    while texts:
        for name in NAME.findall(REMARK.sub("", texts.pop())):
            if name in offered and name not in declared:
                found.append(offered[name])
                declared.update(offered[name].declares)
                texts.append(offered[name].text)
    return found


def whole(sample: Code, page: list[Code], stand_ins: list[Code]) -> str:
    """A sample as a file that stands alone."""
    parts = list(sample.imports)
    if not parts:
        parts += next(code.imports for code in stand_ins if code.imports)
        parts += [declaration.private.text for declaration in lacking(sample, page + stand_ins)]
    parts += [declaration.private.located for declaration in sample.declarations]
    # With a result of any type, because a sample may show how a handler returns early.
    parts += ["private func sample() async throws -> Any {", sample.statements.located, "return ()", "}", ""]
    return "\n".join(parts)


def flags(build: Path) -> list[str]:
    """What swiftc has to be told to read the modules of a build: what it was told when it made them."""
    description = build / "description.json"
    if not description.exists():
        sys.exit(f"error: {build} is not the folder of a debug build")
    found = {}
    for command in json.loads(description.read_text(encoding="utf-8"))["swiftCommands"].values():
        arguments = iter(command["otherArguments"])
        for argument in arguments:
            if argument == "-Xcc":
                argument = next(arguments)
                if argument == "-I":
                    next(arguments)
                    argument += next(arguments)
                if argument.startswith(("-I", "-fmodule-map-file=")):
                    found["-Xcc", argument] = None
            elif argument.startswith("-I"):
                found[argument,] = None
    return ["-I", str(build / "Modules")] + [argument for group in found for argument in group]


def problems(output: str) -> list[str]:
    """The diagnostics that count, each with the notes below it, and each once."""
    starts = [found.start() for found in DIAGNOSTIC.finditer(output)]
    diagnostics = [output[start:end] for start, end in zip(starts, starts[1:] + [len(output)])]
    return [text for text in dict.fromkeys(diagnostics) if not HARMLESS.search(text.splitlines()[0])]


def main() -> None:
    build = Path(sys.argv[1])
    standing_in = {
        file.stem: parse(Lines(file, 1, file.read_text(encoding="utf-8").splitlines()), STAND_IN)
        for file in STAND_INS.glob("*.swift")
    }
    pages = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
    pages += sorted(ROOT.glob("Sources/*/*.docc/*.md")) + sorted(ROOT.glob("Sources/**/*.swift"))
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)

    files, manifests = [], 0
    for page in pages:
        blocks = samples(page)
        code = [parse(block, DECLARATION) for block in blocks if not block.text.startswith(MANIFEST)]
        manifests += len(blocks) - len(code)
        # In Sources, the second part of a path is the module.
        names = (*page.relative_to(ROOT).parts[1:2], "Sessions")
        stand_ins = [standing_in[name] for name in names if name in standing_in]
        for sample in code:
            files.append(OUT / f"{page.name}-{sample.statements.first}.swift")
            files[-1].write_text(whole(sample, code, stand_ins), encoding="utf-8")
    if not files:
        sys.exit("error: no samples were found")

    command = ["swiftc", "-typecheck", "-swift-version", "6", "-parse-as-library", "-module-name", "Samples"]
    # A member needs the import of its module, as in a package that asks for that.
    command += ["-enable-upcoming-feature", "MemberImportVisibility"]
    command += ["-j2", "-continue-building-after-errors", "-diagnostic-style", "llvm"]
    command += [*flags(build), *map(str, files)]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", cwd=ROOT)
    found = problems(run.stdout)
    print("".join(found), end="")
    if found:
        sys.exit(f"error: samples of the documentation do not compile as they should; problems: {len(found)}")
    if run.returncode != 0:
        sys.exit(f"{run.stdout}error: swiftc failed")
    print(f"{len(files)} samples type-checked; {manifests} are parts of manifests")


main()
