"""What the turns amount to: rows of numbers, JSON lines and a table."""

import statistics

COLUMNS = (
    ("contestant", "<13", "name"),
    ("XLA", "<4", "xla_word"),
    ("ms/step", ">9", "ms_per_step"),
    ("middle half", ">17", "middle_half"),
    ("fastest", ">8", "fastest_ms"),
    ("CPU ms", ">8", "cpu_ms_per_step"),
    ("images/s", ">9", "images_per_second"),
    ("MB", ">6", "peak_memory_mb"),
    ("% of peak", ">10", "percent_of_peak"),
    ("fit is", ">7", "speed_up"),
    ("by CPU", ">7", "cpu_speed_up"),
)


def rows(case, contestants, turns, errors, peak, tolerance):
    """One dict per contestant of a case, first `fit`.

    Args:
        case: Dict that all rows begin with.
        contestants: Dict of name to the facts that its worker reported.
        turns: Dict of name to its turns, the i-th of each making a pair.
        errors: Dict of name to why it did not run.
        peak: The machine's largest measured FLOP/s.
        tolerance: Share of the cores that others may take in a quiet turn.
    """
    flops = contestants["fit"]["flops"]  # `None`: not counted.
    found = []
    for name, facts in contestants.items():
        mine = turns[name]
        elapsed = [1e3 * turn["elapsed"] for turn in mine]
        cpu = [1e3 * turn["cpu"] for turn in mine]
        median = statistics.median(elapsed)
        row = {
            **case,
            "name": name,
            "version": facts["version"],
            "xla": facts["xla"],
            "parameters": facts["parameters"],
            "ms_per_step": median,
            "quartiles_ms": quartiles(elapsed),
            "fastest_ms": min(elapsed),
            "cpu_ms_per_step": statistics.median(cpu),
            "images_per_second": 1e3 * facts["images_per_step"] / median,
            "peak_memory_mb": max(turn["peak_memory_mb"] for turn in mine),
            "gflops_per_step": flops and flops / 1e9,
            "peak_gflops": peak / 1e9,
            "percent_of_peak": flops and 100 * flops / (median / 1e3) / peak,
            "quiet_turns": sum(turn["others"] <= tolerance for turn in mine),
            "turns": len(mine),
        }
        for kind in ("elapsed", "cpu"):
            ratios = [
                theirs[kind] / ours[kind]
                for theirs, ours in zip(mine, turns["fit"], strict=True)
            ]
            row[f"{kind}_ratios"] = [round(ratio, 4) for ratio in ratios]
            key = "speed_up" if kind == "elapsed" else "cpu_speed_up"
            row[key] = statistics.median(ratios)
            row[f"{key}_quartiles"] = quartiles(ratios)
        found.append({key: rounded(value) for key, value in row.items()})
    found += [{**case, "name": name, "error": why} for name, why in errors.items()]
    return found


def quartiles(values):
    """The middle half of `values`, `[low, high]`."""
    if len(values) < 2:
        return [values[0], values[0]]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return [low, high]


def rounded(value):
    """Numbers to six digits."""
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def text(found):
    """The rows of one case as lines of text."""
    ours = found[0]
    size = "x".join(map(str, ours["image_shape"][:-1]))
    known = ours["gflops_per_step"]
    work = "" if known is None else f"{known:.1f} GFLOP per step; "
    lines = [
        f"{ours['system']} {size}, batch {ours['batch_size']}, "
        f"{ours['precision']}, backend {ours['backend']}, strategy {ours['strategy']}, "
        f"{ours['threads']} threads: {work}"
        f"peak {ours['peak_gflops']:.0f} GFLOP/s",
        " ".join(format(title, align) for title, align, _ in COLUMNS),
    ]
    for row in found:
        if "error" in row:
            lines.append(f"{row['name']:<13} did not run: {row['error']}")
            continue
        low, high = row["quartiles_ms"]
        shown = {
            **row,
            "xla_word": "yes" if row["xla"] else "no",
            "ms_per_step": f"{row['ms_per_step']:.1f}",
            "middle_half": f"{low:.1f}..{high:.1f}",
            "fastest_ms": f"{row['fastest_ms']:.1f}",
            "cpu_ms_per_step": f"{row['cpu_ms_per_step']:.0f}",
            "images_per_second": f"{row['images_per_second']:.0f}",
            "peak_memory_mb": f"{row['peak_memory_mb']:.0f}",
            "percent_of_peak": "" if known is None else f"{row['percent_of_peak']:.0f}",
            "speed_up": "" if row is ours else f"{row['speed_up']:.2f}x",
            "cpu_speed_up": "" if row is ours else f"{row['cpu_speed_up']:.2f}x",
        }
        lines.append(" ".join(format(shown[key], align) for _, align, key in COLUMNS))
        if row["quiet_turns"] < row["turns"]:
            lines.append(
                f"    {row['turns'] - row['quiet_turns']} of {row['turns']} turns were "
                "disturbed by other programs"
            )
    return "\n".join(line.rstrip() for line in lines)
