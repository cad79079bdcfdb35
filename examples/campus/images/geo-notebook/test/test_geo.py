"""The Debian tools and the Python package both know where things are."""


def test_projection_of_debian(inside):
    east, north, _ = inside.sh("echo 48.15 11.58 | cs2cs EPSG:4326 EPSG:25832").split()
    assert (round(float(east)), round(float(north))) == (691891, 5336192)


def test_shapes_of_python(inside):
    code = "import shapely; print(shapely.box(0, 0, 2, 3).area)"
    assert inside.sh(f"python -c '{code}'") == "6.0"
