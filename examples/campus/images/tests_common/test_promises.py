"""What every image of the stack promises, whatever else is in it."""


def test_is_not_root(inside):
    assert inside.sh("id -un") == "student"


def test_home_is_writable(inside):
    assert inside.sh("touch ~/notes && echo ~") == "/home/student"


def test_python_packages_agree_with_each_other(inside):
    assert inside.sh("pip check") == "No broken requirements found."
