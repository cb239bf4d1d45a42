"""The paper's loss, document by document, as its definition reads; slow and independent of the library."""

import torch


def paper_loss(documents, labels, is_yes, margin=0.3, hard_negatives=10, temperature=0.1):
    """L = 1/B sum_i sum_{j in H_i} w_ij max(0, s_ij - s_ii + margin) for rows [B, dim] and is_yes [B, B].

    H_i are the best columns that are no yes of document i; w_i is a softmax of s / temperature over the violators among them, without gradient.
    """
    batch = documents.shape[0]
    total = documents.new_zeros(())
    for i in range(batch):
        scores = labels @ documents[i]
        columns = [j for j in range(batch) if j != i and not is_yes[i, j]]
        columns.sort(key=lambda j: (-scores[j].item(), j))
        violators = [j for j in columns[:hard_negatives] if (scores[j] - scores[i] + margin).item() > 0]
        if violators:
            weights = torch.softmax(scores[violators].detach() / temperature, dim=0)
            total = total + (weights * torch.relu(scores[violators] - scores[i] + margin)).sum()
    return total / batch
