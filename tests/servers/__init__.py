"""Real servers for the tests, each on loopback, in a temporary folder, ended when its test is done."""

import warnings

with warnings.catch_warnings():
    # ldap3 2.9.1, the last release, imports names that pyasn1 has renamed since; warnings are errors here.
    warnings.filterwarnings("ignore", "(tag|type)Map is deprecated", DeprecationWarning)
    import ldap3  # noqa: F401 - imported here first, so that nobody else meets the warnings
