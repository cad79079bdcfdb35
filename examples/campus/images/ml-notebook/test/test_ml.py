"""A model learns something on data that comes with the package."""

LEARN = """
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
flowers, kinds = load_iris(return_X_y=True)
print(LogisticRegression(max_iter=500).fit(flowers, kinds).score(flowers, kinds))
"""


def test_a_model_learns(inside):
    assert float(inside.sh(f"python -c '{LEARN}'")) > 0.9
