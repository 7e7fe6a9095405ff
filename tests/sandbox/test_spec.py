"""Only what can be run is a specification."""

import pathlib

import pytest

from reconciler.sandbox import spec


@pytest.mark.parametrize("name", ["n1", "N-1.example_x", "0", "a" * 63])
def test_plain_names_are_legal(name):
    """Letters, digits, '_', '.' and '-' make a node name."""
    assert spec.NodeSpec(name, "10.0.0.1").name == name


@pytest.mark.parametrize("name", ["", "-n", ".sandbox", "a/b", "a b", "é", "n\n", "a" * 64, ".."])
def test_other_names_are_refused(name):
    """A name that could leave the sandbox's directory or is no host name is refused."""
    with pytest.raises(spec.SandboxError, match="node name"):
        spec.NodeSpec(name, "10.0.0.1")


@pytest.mark.parametrize(
    ("address", "prefix"), [("10.0.0.256", 24), ("host", 24), ("10.0.0.1", 33)]
)
def test_an_address_must_be_one(address, prefix):
    """Address and prefix length are checked before anything runs."""
    with pytest.raises(spec.SandboxError, match="n1"):
        spec.NodeSpec("n1", address, prefix)


@pytest.mark.parametrize(
    "password", ["", "x" * 17, 'quo"te', "back\\slash", "new\nline", "two words", "ü"]
)
def test_a_password_ipmi_sim_cannot_hold_is_refused_without_being_shown(password):
    """The message names the limits and never the password."""
    with pytest.raises(spec.SandboxError) as caught:
        spec.BmcSpec("admin", password, 9000)

    assert not password or password not in str(caught.value)


def test_a_password_is_not_in_the_representation():
    """Logging a specification gives no secret away."""
    assert "s3cret" not in repr(spec.BmcSpec("admin", "s3cret", 9000))


@pytest.mark.parametrize("address", ["10.0.0.1", "192.0.2.1", "localhost"])
def test_a_simulated_bmc_listens_on_loopback_only(address):
    """No simulated controller is reachable from another machine."""
    with pytest.raises(spec.SandboxError, match="loopback"):
        spec.BmcSpec("admin", "secret", 9000, address)


def test_what_must_be_unique_is_checked():
    """Two nodes share no name, no address and no BMC port."""
    one = spec.NodeSpec("n1", "10.0.0.1", bmc=spec.BmcSpec("a", "b", 9000))
    for other, what in (
        (spec.NodeSpec("n1", "10.0.0.2"), "node name used twice: n1"),
        (spec.NodeSpec("n2", "10.0.0.1"), "address used twice: 10.0.0.1"),
        (spec.NodeSpec("n2", "10.0.0.2", bmc=one.bmc), "BMC used twice"),
    ):
        with pytest.raises(spec.SandboxError, match=what):
            spec.ClusterSpec("demo", pathlib.Path("/nowhere"), (one, other))


def test_a_sandbox_has_a_node():
    """A cluster of nothing is a mistake."""
    with pytest.raises(spec.SandboxError, match="1 to 64 nodes"):
        spec.ClusterSpec("demo", pathlib.Path("/nowhere"), ())
