"""Texts in scenario files."""

from typing import Annotated

from pydantic import Field

Words = Annotated[str, Field(min_length=1, max_length=500)]
