"""`python -m stagewatch` is the command `stagewatch`."""

from stagewatch.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
