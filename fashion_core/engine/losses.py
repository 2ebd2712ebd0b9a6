"""What training makes small: the loss of labels, whole or partial, and of a teacher's answers."""

import torch
from torch.nn import functional as F


def partial_cross_entropy(logits: torch.Tensor, candidates: torch.Tensor, smoothing: float = 0.0) -> torch.Tensor:
    """For each photo -log of the probability, summed, of all classes that it may be; float32 (b,).

    logits (b, k) float32, candidates (b, k) bool. With one class each it is cross-entropy with label smoothing;
    more are a partial label, as of a dress whose colour nobody wrote down (Jin and Ghahramani 2002). For a photo that
    may be none of them it is the cross-entropy to equal shares (outlier exposure, Hendrycks et al. 2019).
    """
    log_p = F.log_softmax(logits, dim=1)
    outlier = ~candidates.any(dim=1, keepdim=True)
    of_candidates = torch.logsumexp(log_p.masked_fill(~(candidates | outlier), -torch.inf), dim=1)
    even = torch.where(outlier[:, 0], 1.0, smoothing)
    return -((1 - even) * of_candidates + even * log_p.mean(dim=1))


def distilled(loss: torch.Tensor, logits: torch.Tensor, taught: torch.Tensor, share: float) -> torch.Tensor:
    """`loss` (b,) with `share` of it replaced by the cross-entropy to a teacher's probabilities `taught` (b, k), where
    the teacher has an answer: a row of zeros is none (Hinton, Vinyals, Dean 2015)."""
    soft = -(taught * F.log_softmax(logits, dim=1)).sum(dim=1)
    return torch.where(taught.sum(dim=1) > 0, (1 - share) * loss + share * soft, loss)
