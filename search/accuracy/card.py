"""Model cards: what an accuracy model was made from, how well it does, and what it is not for.

Source of the form: Mitchell et al., "Model Cards for Model Reporting", FAT* 2019, Sec. 4.
"""

from __future__ import annotations

from search.accuracy.kernel import KernelAccuracy


def model_card(model: KernelAccuracy) -> str:
    """The card of a fitted model in Markdown."""
    sections = (
        ("Source", _source(model)),
        ("What it is", _method(model)),
        ("Validity", _validity(model)),
        ("Error", _error(model)),
        ("Not for", _limits(model)),
    )
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections)
    return f"# Accuracy model `{model.name}`\n\n{body}\n"


def _source(model: KernelAccuracy) -> str:
    about = model.provenance
    return (
        f"{about['source']}\n\n"
        f"{about['measurements']} measurements of {about['networks']} distinct networks "
        f"of {model.space.label}."
    )


def _method(model: KernelAccuracy) -> str:
    forms = {
        "pairs": "every choice of a gene and every pair of choices",
        "rbf": "every choice of a gene and a radial basis function of the genes that differ",
    }
    return (
        "Gaussian-process regression of top-1 accuracy (percent) on one-hot genes. Its kernel "
        f"covers {forms[model.process.kernel.form]}; it was chosen by leave-one-out errors, "
        "its hyperparameters by marginal likelihood. Written by `nassearch fit` of nasprof "
        f"{model.provenance['nasprof']}, seed {model.provenance['seed']}."
    )


def _validity(model: KernelAccuracy) -> str:
    valid = model.provenance["validity"]
    low, high = valid["top1"]
    small, large = (macs / 1e6 for macs in valid["macs"])
    apart = valid["differing_genes"]
    return (
        f"- top-1 of the networks measured: {low:.2f} to {high:.2f} %\n"
        f"- millions of multiply-accumulates: {small:.0f} to {large:.0f}\n"
        f"- genes in which a network differs from the nearest other one: "
        f"{apart['nearest_median']:.0f} (median), {apart['nearest_most']:.0f} (most)\n\n"
        "Standard deviations grow with the distance from the networks measured."
    )


def _error(model: KernelAccuracy) -> str:
    score = model.provenance["cross_validation"]
    noise = model.provenance["noise"]
    floor = (
        "unknown: no network was measured twice"
        if noise is None
        else f"{noise:.3f} points between measurements of the same network"
    )
    return (
        f"{score['folds']}-fold cross-validation by distinct network ({score['n']} networks):\n\n"
        "| Spearman | Kendall | mean absolute error | root mean square |\n|---|---|---|---|\n"
        f"| {score['spearman']:.4f} | {score['kendall']:.4f} | {score['mae']:.3f} points "
        f"| {score['rmse']:.3f} points |\n\n"
        f"{score['covered']:.1%} of the networks lay within 1.96 standard deviations, which were "
        f"then multiplied by {model.caution:.3f} so that 95 % do with 90 % confidence. "
        f"Noise floor (standard deviation): {floor}."
    )


def _limits(model: KernelAccuracy) -> str:
    return (
        f"- Networks of any other space, width or resolution than {model.space.label}.\n"
        "- Networks trained otherwise, or for other data, than those measured.\n"
        "- Claims about the accuracy of a single network: measure it.\n"
        "- Telling apart networks whose predictions differ by less than their standard deviations."
    )
