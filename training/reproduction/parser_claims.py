"""What RPR and SSL say that can be measured, and what is said of today's best parsers."""

from __future__ import annotations

from training.reproduction.claims import Claim, Values
from training.reproduction.methods import MIRRORED, NOTHING, NOTHING_KNOWN, PACKAGED, PRE_ANNOTATED, SCALED


def _corrected(method: str, start: str, rounds: int) -> Values:
    return lambda results: results.at(method, rounds, start=start)


def _of(method: str, measure: str = "mean_f1", start: str = NOTHING) -> Values:
    # The papers' F1 of means leaps where a label is hardly ever predicted, and then rightly.
    return lambda results: results.values(method, measure, start)


PARSER_CLAIMS: tuple[Claim, ...] = (
    Claim("RPR is better than CE2P (mean F1 of labels)", "RPR, Table 1", _of("ce2p-rpr"), _of("ce2p")),
    Claim("RPR is better than CE2P (mIoU)", "RPR, Table 3", _of("ce2p-rpr", "mean_iou"), _of("ce2p", "mean_iou")),
    Claim("refining the head alone helps", "RPR, ablations", _of("ce2p-head"), _of("ce2p")),
    Claim("refining the body alone helps", "RPR, ablations", _of("ce2p-body"), _of("ce2p")),
    Claim("two regions are better than the head alone", "RPR, ablations", _of("ce2p-rpr"), _of("ce2p-head")),
    Claim("two regions are better than the body alone", "RPR, ablations", _of("ce2p-rpr"), _of("ce2p-body")),
    Claim("three regions (sunglasses besides) are better than two", "RPR, ablations",
          _of("ce2p-three"), _of("ce2p-rpr")),
    Claim("late fusion is better than mid fusion", "RPR, ablations", _of("ce2p-rpr"), _of("ce2p-mid")),
    Claim("Eq. 8's weights are better than equal ones", "RPR, ablations", _of("ce2p-rpr"), _of("ce2p-equal")),
    Claim("RPR helps DeepLab V3", "RPR, ablations", _of("deeplab-v3-rpr"), _of("deeplab-v3")),
    Claim("RPR helps OCR", "RPR, ablations", _of("ocr-rpr"), _of("ocr")),
    Claim("structure-sensitive learning helps Attention (mIoU)", "SSL, LIP",
          _of("attention-ssl", "mean_iou"), _of("attention", "mean_iou")),
    Claim("structure-sensitive learning helps DeepLab V2 (mIoU)", "SSL, LIP",
          _of("deeplab-v2-ssl", "mean_iou"), _of("deeplab-v2", "mean_iou")),
    Claim("structure-sensitive learning as printed helps DeepLab V2 (mIoU)", "SSL, LIP",
          _of("deeplab-v2-literal", "mean_iou"), _of("deeplab-v2", "mean_iou")),
    Claim("a joint structure that has a gradient is better than one that has none (mIoU)", "not in the papers",
          _of("deeplab-v2-soft", "mean_iou"), _of("deeplab-v2-ssl", "mean_iou")),
    Claim("Lovász-softmax besides cross-entropy helps (mIoU)", "SCHP and later",
          _of("ce2p-lovasz", "mean_iou"), _of("ce2p", "mean_iou")),
    Claim("batch norm taken anew for averaged weights helps (mIoU)", "SCHP and later",
          _of("ce2p-batch-norm", "mean_iou"), _of("ce2p", "mean_iou")),
    Claim("rotated views help (mIoU)", "SCHP and later", _of("ce2p-rotated", "mean_iou"), _of("ce2p", "mean_iou")),
    Claim("changed colours help (mIoU)", "CDGNet, M2FP", _of("ce2p", "mean_iou"), _of("ce2p-no-colours", "mean_iou")),
    Claim("averaging with the mirrored photograph helps (mIoU)", "CE2P and later",
          _of("ce2p", "mean_iou", MIRRORED), _of("ce2p", "mean_iou")),
    Claim("averaging over scales, too, helps further (mIoU)", "CDGNet",
          _of("ce2p", "mean_iou", SCALED), _of("ce2p", "mean_iou", MIRRORED)),
    Claim("five corrections lead further from a parser's masks than from nothing (mIoU)", "not in the papers",
          _corrected("ocr-rpr", PRE_ANNOTATED, 5), _corrected(PACKAGED, NOTHING_KNOWN, 5)),
    Claim("they lead further from a parser's masks than from the live network's own parsing (mIoU)",
          "not in the papers", _corrected("ocr-rpr", PRE_ANNOTATED, 5), _corrected(PACKAGED, NOTHING, 5)),
)  # fmt: skip
