"""In what rows that were measured before differ from what their arms are today. Needs NumPy, and LMTX to say so."""


def published():
    """The options of the preset `paper`, from which results say how they depart; None where LMTX is not there."""
    try:
        import lmtx
    except ImportError:
        return None
    return lmtx.TrainerOptions("paper").to_dict()


def differences(row, published):
    """Options by name, as the row was measured, where its arm has others today; empty where it has none or where nobody can say."""
    key = row["key"]
    if published is None or not key["options"]:
        return {}
    from arms import ARMS, resolve

    if key["arm"] not in ARMS:
        return {}
    now = resolve(ARMS[key["arm"]], {}, key["budget"], key["seed"]).to_dict()
    measured = {**published, **key["options"]}
    return {name: value for name, value in measured.items() if name != "seed" and name in now and now[name] != value}
