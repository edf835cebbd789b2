"""Ridge logistic regression by Newton's method (iteratively reweighted least squares): Hastie, Tibshirani & Friedman, The Elements of
Statistical Learning, 4.4; standard errors as Huber 1967 and White 1982 have them."""

from dataclasses import dataclass

import numpy as np

from match.blend import expit

STEPS = 100  # of Newton; some ten suffice wherever there is an answer
HALVINGS = 30  # of one step
CLOSE = 1e-12  # of the loss: what another step would gain, where it is done


@dataclass(frozen=True)
class Fitted:
    """A fitted logistic regression of d coefficients."""

    coefficients: np.ndarray  # (d,) float64, log-odds
    covariance: np.ndarray  # (d, d) of the coefficients as estimates, whatever the weights are and wherever the model is wrong
    posterior: np.ndarray  # (d, d) of the coefficients, the ridge taken for a normal prior (Laplace's approximation)
    steps: int

    @property
    def errors(self) -> np.ndarray:
        """(d,) float64: standard errors. A coefficient held by its ridge alone has a small one, since it hardly varies from log to log;
        how uncertain it is stands in `posterior`."""
        errors: np.ndarray = np.sqrt(self.covariance.diagonal())
        return errors

    def predict(self, x: np.ndarray, offset: np.ndarray | float = 0.0) -> np.ndarray:
        """(n,) float64 probabilities; x: (n, d); offset: (n,) log-odds, where it was fitted beside one."""
        return expit(x @ self.coefficients + offset)


def fit_logistic(
    x: np.ndarray,
    y: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    ridge: float | np.ndarray = 0.0,
    towards: float | np.ndarray = 0.0,
    units: np.ndarray | None = None,
    offset: np.ndarray | float = 0.0,
) -> Fitted:
    """The coefficients b that minimise the sum of weights · log loss of y given x @ b + offset, and 1/2 of the sum of
    ridge · (b - towards)^2.

    x: (n, d), with a column of ones where an intercept is wanted; y: (n,) in 0..1; weights: (n,) of 0 and more, such as inverse
    propensities; ridge: of 0 and more, one for all or (d,), where 0 leaves a coefficient free; towards: likewise, what the ridge draws
    to; units: (n,), the user of each row, where rows of one are not independent: standard errors then count users; offset: (n,)
    log-odds that are known and not fitted. scikit-learn's `C` is 1 / ridge, and its intercept is free.

    Raises ValueError for shapes that do not meet, and where nothing holds a coefficient: the columns say the same, or y can be told
    without error.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.ndim != 2 or y.shape != (len(x),) or not len(x):
        raise ValueError(f"x {x.shape} and y {y.shape}: give (n, d) and (n,), n of 1 and more")
    counts = np.ones(len(x)) if weights is None else np.asarray(weights, np.float64)
    if counts.shape != y.shape or not (counts >= 0).all() or not ((y >= 0) & (y <= 1)).all():
        raise ValueError("weights: give (n,) of 0 and more; y: 0..1")
    held, drawn = (np.broadcast_to(np.asarray(value, np.float64), x.shape[1:]) for value in (ridge, towards))
    asked = _Asked(x, y, counts, held, drawn, np.broadcast_to(np.asarray(offset, np.float64), y.shape))
    b = drawn.copy()
    loss = asked.loss(b)
    for step in range(1, STEPS + 1):
        gradient = x.T @ asked.pulls(b) + held * (b - drawn)
        move = _solve(asked.hessian(b), gradient)
        b, after = asked.downhill(b, move, loss)
        if float(gradient @ move) <= CLOSE * max(loss, np.finfo(float).tiny) or after >= loss:
            return _fitted(asked, b, units, step)
        loss = after
    raise ValueError(f"no answer after {STEPS} steps: y can be told from x without error; give a ridge")


@dataclass(frozen=True)
class _Asked:
    """What is to be fitted, all of it checked."""

    x: np.ndarray  # (n, d)
    y: np.ndarray  # (n,)
    counts: np.ndarray  # (n,)
    held: np.ndarray  # (d,)
    drawn: np.ndarray  # (d,)
    known: np.ndarray  # (n,) log-odds

    def loss(self, b: np.ndarray) -> float:
        odds = self.x @ b + self.known
        return float(self.counts @ (np.logaddexp(0.0, odds) - self.y * odds) + 0.5 * (self.held @ (b - self.drawn) ** 2))

    def pulls(self, b: np.ndarray) -> np.ndarray:
        """(n,): by how much each row's log-odds are too high, as much as it counts."""
        pulls: np.ndarray = self.counts * (expit(self.x @ b + self.known) - self.y)
        return pulls

    def hessian(self, b: np.ndarray) -> np.ndarray:
        p = expit(self.x @ b + self.known)
        curved: np.ndarray = (self.x * (self.counts * p * (1 - p))[:, None]).T @ self.x
        curved[np.diag_indices_from(curved)] += self.held
        return curved

    def downhill(self, b: np.ndarray, move: np.ndarray, loss: float) -> tuple[np.ndarray, float]:
        """As far along the Newton step as the loss falls: far from the answer a whole step may overshoot."""
        for halving in range(HALVINGS):
            there = b - move * 0.5**halving
            after = self.loss(there)
            if after <= loss:
                return there, after
        return b, loss


def _solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    try:
        return np.linalg.solve(matrix, right)
    except np.linalg.LinAlgError as error:
        raise ValueError(
            "nothing holds some coefficient: columns say the same, or y is told without error; give a ridge"
        ) from error


def _fitted(asked: _Asked, b: np.ndarray, units: np.ndarray | None, steps: int) -> Fitted:
    posterior = _solve(asked.hessian(b), np.eye(len(b)))
    scores = asked.x * asked.pulls(b)[:, None]
    if units is not None:
        names, unit = np.unique(units, return_inverse=True)
        of_units = np.zeros((len(names), len(b)))
        np.add.at(of_units, unit, scores)
        scores = of_units
    return Fitted(b, posterior @ (scores.T @ scores) @ posterior, posterior, steps)
