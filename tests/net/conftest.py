"""The fixtures that these tests share with those of probes."""

from tests.probes.conftest import *  # noqa: F403
