"""`python -m ostiary.cli`: the same as the command `ostiary`."""

from ostiary.cli.main import main

main()
