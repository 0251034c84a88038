"""The fixtures that these tests share with those of restarters."""

from tests.restarters.conftest import *  # noqa: F403
