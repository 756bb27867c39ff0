"""gs:// against a server of this machine that speaks the language of Google's storage."""

import json
import socket
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from volume_files import contents, objects, volume

from spiden_cli.cluster.storage import reaching
from spiden_cli.errors import InputError

pytest.importorskip("zarr", reason="spiden[science] isn't installed: no OME-Zarr is tested")
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def google(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A file system on it, with the bucket "scans"; the working directory is new."""
    emulator = pytest.importorskip(
        "gcp_storage_emulator.server", reason="gcp-storage-emulator isn't installed"
    )
    # Else it asks the bucket's kind of Google itself, which no server of this machine can be.
    monkeypatch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    gcsfs = pytest.importorskip("gcsfs", reason="spiden[gs] isn't installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = emulator.create_server("127.0.0.1", port, in_memory=True, default_bucket="scans")
    server.start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
    monkeypatch.chdir(tmp_path)
    yield gcsfs.GCSFileSystem()
    server.stop()


def test_pictures_and_a_volume_stay_on_google_storage(spiden, google, small_weights):
    def denoise(*arguments: object) -> list[str]:
        outcome = spiden("denoise", *arguments, "-m", small_weights, "--sigma", 25, "--json")
        assert outcome.code == 0, outcome.stderr
        told = json.loads(outcome.stdout)
        return [record["status"] for record in (told if isinstance(told, list) else [told])]

    generator = np.random.default_rng(5)
    for name in ("in/a.png", "in/more/b.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (32, 40), dtype=np.uint8)).save(name)
    volume(Path("cells.ome.zarr"), (1, 2, 48, 40))
    google.put("in", "scans/in", recursive=True)
    google.put("cells.ome.zarr", "scans/cells.ome.zarr", recursive=True)
    denoise("in", "-r", "-o", "here")
    denoise("cells.ome.zarr", "-o", "here.ome.zarr")
    assert denoise("gs://scans/in", "-r", "-o", "gs://scans/out") == ["denoised"] * 2
    assert objects(google, "scans/out") == contents("here")
    again = denoise("gs://scans/in/*.png", "-o", "gs://scans/out", "--skip-existing")
    assert again == ["skipped"]
    volumes = "gs://scans/cells.ome.zarr", "-o", "gs://scans/clean.ome.zarr"
    assert denoise(*volumes) == ["denoised"]
    assert objects(google, "scans/clean.ome.zarr") == contents("here.ome.zarr")
    assert denoise(*volumes, "--skip-existing") == ["skipped"]
    missing = spiden("denoise", "gs://scans/none.png", "-m", small_weights)
    assert missing.code == 2
    assert missing.stderr == "error: gs://scans/none.png: no such file, folder or bucket\n"


@pytest.mark.parametrize(("scheme", "hint"), [("gs", "'spiden[gs]'"), ("s3", "'spiden[dask]'")])
def test_a_missing_package_is_named(spiden, small_weights, monkeypatch, scheme, hint):
    registry = pytest.importorskip("fsspec.registry", reason="spiden[dask] isn't installed")
    monkeypatch.delitem(registry._registry, scheme, raising=False)
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    monkeypatch.setitem(sys.modules, "s3fs", None)
    outcome = spiden("denoise", f"{scheme}://scans/a.png", "-m", small_weights)
    assert outcome.code == 2
    said = f"{scheme}://scans/a.png: {scheme}:// needs a package: pip install {hint}"
    assert outcome.stderr == f"error: {said}\n"


def test_credentials_are_asked_for_in_the_words_of_the_storage():
    class NoCredentialsError(Exception):
        pass

    words = {"gs": "GOOGLE_APPLICATION_CREDENTIALS", "s3": "AWS_PROFILE", "memory": "want them"}
    for scheme, word in words.items():
        with pytest.raises(InputError, match=word) as told, reaching(f"{scheme}://a", InputError):
            raise NoCredentialsError
        assert ("AWS" in str(told.value)) is (scheme == "s3")
