"""Versions, as runs write them down."""

import platform
from importlib.metadata import version

from tvsl_core.system.versions import package_versions, tvsl_version, versions


def test_a_run_names_python_the_system_and_what_can_change_a_result():
    found = versions()

    assert found["python"] == platform.python_version()
    assert found["system"].startswith(platform.system())
    assert found["torch"] == version("torch")
    assert found["tvsl"] == tvsl_version() == version("tvsl")


def test_what_is_not_installed_is_said_and_stops_nothing():
    assert package_versions(["numpy", "no-such-package"]) == {
        "numpy": version("numpy"),
        "no-such-package": "not installed",
    }
