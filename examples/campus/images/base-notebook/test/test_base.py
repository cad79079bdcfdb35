"""The tools that all courses build on."""


def test_python_is_the_one_of_the_spec(inside):
    assert inside.sh("python --version").startswith("Python 3.11.")


def test_a_kernel_runs_code(inside):
    notebook = '{"cells": [{"cell_type": "code", "metadata": {}, "source": "print(6 * 7)", "outputs": [], '
    notebook += '"execution_count": null, "id": "a"}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    inside.sh(f"echo '{notebook}' > ~/answer.ipynb")
    assert '"42\\n"' in inside.sh("jupyter nbconvert --to notebook --execute --stdout ~/answer.ipynb 2>/dev/null")
