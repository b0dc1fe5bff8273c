"""Small symmetric linear systems in plain floats: the same digits on every machine, unlike BLAS."""

from __future__ import annotations

import math


def solve_positive(matrix: list[list[float]], right: list[float]) -> list[float] | None:
    """Solve a symmetric positive definite system by Cholesky's factorisation; None if it is not one.

    Args:
        matrix: Rows; only the lower triangle is read.
        right: Right-hand side.
    """
    n = len(right)
    lower = [[0.0] * n for _ in range(n)]
    solution = [0.0] * n
    for i in range(n):
        row = lower[i]
        for j in range(i):
            other = lower[j]
            row[j] = (matrix[i][j] - sum(row[m] * other[m] for m in range(j))) / other[j]
        pivot = matrix[i][i] - sum(value * value for value in row[:i])
        # Rounding alone leaves a pivot of this size where columns depend on each other.
        if not pivot > 1e-14 * matrix[i][i]:
            return None
        row[i] = math.sqrt(pivot)
        solution[i] = (right[i] - sum(row[m] * solution[m] for m in range(i))) / row[i]
    for i in reversed(range(n)):
        rest = sum(lower[m][i] * solution[m] for m in range(i + 1, n))
        solution[i] = (solution[i] - rest) / lower[i][i]
    return solution
