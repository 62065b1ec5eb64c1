"""Hypothesis as the laws need it: no time limit on a busy machine, the same examples every time."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "laws",
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("laws")
