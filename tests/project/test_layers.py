"""The layers of ARCHITECTURE.md hold: imports go downwards only and the core is pure."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]


def test_every_import_contract_is_kept():
    """import-linter finds no import that a contract in pyproject.toml forbids."""
    program = pathlib.Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout


def test_the_contracts_would_see_a_violation(tmp_path):
    """A core module that reads the clock breaks the contract: the check can fail."""
    package = tmp_path / "reconciler"
    for name in ("scheduler", "model"):
        (package / name).mkdir(parents=True)
        (package / name / "__init__.py").write_text("")
    (package / "__init__.py").write_text("")
    (package / "scheduler" / "late.py").write_text("import time\n")
    (tmp_path / "contracts.toml").write_text(
        '[tool.importlinter]\nroot_packages = ["reconciler"]\ninclude_external_packages = true\n'
        '[[tool.importlinter.contracts]]\nname = "pure"\ntype = "forbidden"\n'
        'source_modules = ["reconciler.scheduler"]\nforbidden_modules = ["time"]\n'
    )
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "from importlinter import cli; sys.exit(cli.lint_imports("
        "config_filename=sys.argv[1] + '/contracts.toml', no_cache=True))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 broken" in done.stdout
