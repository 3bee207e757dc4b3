"""Names of files after what is in them."""


def exactly(number: float) -> str:
    """A number in as few digits as tell it from every other one."""
    short = f"{number:g}"
    return short if float(short) == number else repr(number)
