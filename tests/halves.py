"""All tests, in two halves at once, since most wait for processes more than they compute: `python -m tests.halves [ARGUMENT …]`.

With arguments it is one run of pytest with these. What each half says is shown when it has ended.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "tests.complete", "--durations=25")
HALVES: dict[str, Sequence[str]] = {
    "unit and component": ("tests/unit", "tests/component"),
    "integration, faults and end to end": ("tests/integration", "tests/faults", "tests/e2e"),
}
SHOWN_EACH_S = 60.0


def main(words: Sequence[str]) -> int:
    """Run them; 1 if any test fails."""
    if words:
        return subprocess.run([*PYTEST, *words], cwd=ROOT, check=False).returncode
    with TemporaryDirectory(prefix="tests-") as folder:
        outputs = {name: Path(folder) / str(number) for number, name in enumerate(HALVES)}
        running = {name: _begin(paths, outputs[name]) for name, paths in HALVES.items()}
        _wait(running, outputs)
        for name, output in outputs.items():
            _tell(f"=== {name}\n{output.read_text(errors='replace')}")
    return int(any(half.returncode for half in running.values()))


def _begin(paths: Sequence[str], output: Path) -> "subprocess.Popen[bytes]":
    with output.open("wb") as file:
        return subprocess.Popen([*PYTEST, *paths], cwd=ROOT, stdout=file, stderr=subprocess.STDOUT)


def _wait(running: "dict[str, subprocess.Popen[bytes]]", outputs: dict[str, Path]) -> None:
    """Return when both have ended; meanwhile tell each minute how far they are."""
    began = time.monotonic()
    try:
        while any(half.poll() is None for half in running.values()):
            time.sleep(1)
            if int(time.monotonic() - began) % int(SHOWN_EACH_S) == 0:
                told = ", ".join(f"{name}: {_progress(outputs[name])}" for name in running)
                _tell(f"{time.monotonic() - began:5.0f} s  {told}")
    finally:
        for half in running.values():
            if half.poll() is None:
                half.terminate()
                half.wait()


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _progress(output: Path) -> str:
    lines = [line for line in output.read_text(errors="replace").splitlines() if line.endswith("%]")]
    return lines[-1].rpartition("[")[2].strip(" ]") if lines else "0%"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
