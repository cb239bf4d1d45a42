"""Results in pages of docs/, between two comments that name their file."""


def amount_text(amount, unit):
    if amount is None:
        return ""
    number = f"{amount:.2f}" if amount < 100 and unit in ("s", "ms", "%") else f"{amount / 1e6:.2f} M" if amount >= 1e6 else f"{amount:,.0f}"
    return f"{number} {unit}"


def fill_part(page, name, text):
    """The page with `text` where that file's results are."""
    begin, end = (f"<!-- {name}: {what} -->\n" for what in ("begin", "end"))
    before, rest = page.split(begin)
    return before + begin + text + end + rest.split(end)[1]
