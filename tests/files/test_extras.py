"""Optional packages."""

import json

import pytest

from poseglass.errors import DataError
from poseglass.files.extras import require


def test_an_installed_module_is_imported():
    assert require("json") is json


def test_a_missing_package_is_named_with_its_install_command():
    with pytest.raises(DataError, match=r"needs the package nolibrary; run pip install 'poseglass\[datasets\]'"):
        require("nolibrary.io")
