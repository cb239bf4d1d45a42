"""Many texts to tags: files of any size, and DataFrames."""

from .frames import tag_frame
from .tagging import TaggingCounts
from .to_file import tag_to_file

__all__ = ["TaggingCounts", "tag_frame", "tag_to_file"]
