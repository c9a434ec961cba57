#!/usr/bin/env python
"""Command line entry point. `up` takes the instance lock first, before anything heavy is imported."""

import os
import sys

from tradeplatform.instance import guard_start


def main() -> None:
    """Run the management command named on the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradeplatform.settings")
    if sys.argv[1:2] == ["up"] and not {"-h", "--help"} & set(sys.argv):
        guard_start()
    # after the lock: a second start must be refused quickly
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
