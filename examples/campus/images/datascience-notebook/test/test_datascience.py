"""One exercise of the first week, as a student would type it."""

MEAN_BY_GROUP = """
import io, pandas
marks = pandas.read_csv(io.StringIO("group,mark\\na,1\\na,2\\nb,5\\n"))
print(marks.groupby("group")["mark"].mean().to_dict())
"""


def test_pandas_groups(inside):
    assert inside.sh(f"python -c '{MEAN_BY_GROUP}'") == "{'a': 1.5, 'b': 5.0}"


def test_numpy_solves(inside):
    code = "import numpy; print(numpy.linalg.solve([[2, 0], [0, 4]], [2, 8]).tolist())"
    assert inside.sh(f"python -c '{code}'") == "[1.0, 2.0]"
