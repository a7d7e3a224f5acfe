"""`python -m ostiary.cli`: the same as the command `ostiary`."""

from ostiary.cli.entry import main

main()
