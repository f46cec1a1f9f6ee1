"""The containers that `stopline-pytest` starts for other people's tests are those of the deployment."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from compose_project import ROOT, missing_engine

pytestmark = pytest.mark.docker


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The distribution as a wheel has it, unpacked."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wheel = [*pip, "wheel", "--no-deps", "--no-index", "--no-build-isolation", "-w", tmp_path]
    subprocess.run([*wheel, ROOT / "clients" / "stopline-pytest"], check=True, timeout=120)
    unpacked = tmp_path / "installed"
    install = [*pip, "install", "--no-deps", "--no-index", "--target", unpacked, *tmp_path.glob("*.whl")]
    subprocess.run(install, check=True, timeout=120)
    return unpacked


def test_they_have_every_setting_that_the_deployment_needs_and_the_image_that_was_named(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if why_not := missing_engine():
        pytest.skip(why_not)
    program = (
        "import json, os; from pathlib import Path; from stopline_pytest.containers import StoplineContainers;"
        "made = StoplineContainers(image='shop/stopline:7', folder=Path(os.environ['STOPLINE_HOME']));"
        "services = made.get_config()['services']; made.addresses();"
        "shown = {'images': {name: service['image'] for name, service in services.items()}};"
        "shown['carrier'] = services['sender']['environment']['STOPLINE_CARRIER_URL'];"
        "shown['is_own'] = services['api']['environment']['STOPLINE_ADMIN_TOKEN'] == made.addresses().admin_token;"
        "print(json.dumps(shown))"
    )
    monkeypatch.setenv("PYTHONPATH", str(installed))
    monkeypatch.setenv("STOPLINE_HOME", str(installed / "home"))
    # Whoever operates a deployment may have its settings in their shell: tests must not send by its carrier.
    monkeypatch.setenv("STOPLINE_CARRIER_URL", "https://carrier.example.com")
    monkeypatch.setenv("STOPLINE_ADMIN_TOKEN", "of-a-deployment")
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == 0, found.stderr
    shown = json.loads(found.stdout)
    assert (shown["carrier"], shown["is_own"]) == ("http://sandbox:8084", True)
    images: dict[str, str] = shown["images"]
    assert {"inbound", "optout", "api", "sender", "sandbox", "tables", "topics"} <= images.keys()
    ours = {name: image for name, image in images.items() if "stopline" in image}
    assert set(ours.values()) == {"shop/stopline:7"}
