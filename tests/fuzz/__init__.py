"""A coverage-guided fuzzer of `ostiary.verify`: `make fuzz`, and a short run with the tests."""
