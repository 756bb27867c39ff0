"""The page and the HTTP interface: what is asked, what is answered, and how errors are told."""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import FastAPI, File, Form, Header, Query, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, Response
from starlette.exceptions import HTTPException
from urllib3.filepost import encode_multipart_formdata

from spiden_cli.core.files.formats import FORMATS, WRITTEN_SUFFIXES
from spiden_cli.core.files.outputs import suffix_of_format
from spiden_cli.core.network.config import MOST_TIMESTEPS
from spiden_cli.core.strict_json import dumps
from spiden_cli.core.tasks.adjustment import MOST_STRENGTH, Adjustment
from spiden_cli.core.tasks.model import Model
from spiden_cli.core.tasks.settings import Settings
from spiden_cli.core.temporary import clear_private_folders
from spiden_cli.errors import (
    TOO_LITTLE_MEMORY,
    InputError,
    OutputError,
    SpidenError,
    is_out_of_memory,
)
from spiden_cli.version import __version__
from spiden_cli.web.guard import Guard, Limits, refusal
from spiden_cli.web.turns import EndingError, StoppedError, Turns
from spiden_cli.web.uploads import Answer, Part, Upload, denoise_upload

__all__ = ["Service", "make_app"]

_PAGE = Path(__file__).parent / "page"
_PAGE_FILES = {"/": "index.html", **{f"/{name}": name for name in (
    "page.css", "page.js", "stage.js", "icon.svg"
)}}  # fmt: skip
_TYPES = {
    ".avif": "image/avif", ".bmp": "image/bmp", ".html": "text/html", ".jp2": "image/jp2",
    ".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".heic": "image/heic", ".heif": "image/heif",
    ".jxl": "image/jxl", ".png": "image/png", ".tif": "image/tiff", ".tiff": "image/tiff",
    ".webp": "image/webp",
}  # fmt: skip
_ALL_PARTS = "multipart/form-data"
_STRENGTH = "Factor of the noise level: more removes more; at 0 the picture stays as it is."
_CHROMA = "The same for colour noise alone; by default as strength."
_DETAIL = "Share of the removed luminance to put back."
_T = "The simulated timesteps; by default what the model was trained for."
_SIGMA = "Noise level in 8-bit units; by default it is estimated."
_FORMAT = "Format to write, such as png or tiff; by default the picture's own."
_QUALITY = "Of JPEG and others that compress with loss; by default the picture's own."
_TICKET = "A name of the sender's for this request, to ask for its progress."
_GONE = 499  # nobody reads it
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string", "description": "What was wrong and what to do."}},
}
_REFUSED = {"content": {"application/json": {"schema": _ERROR}}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": f"The denoised picture. To a request that accepts {_ALL_PARTS}: a part "
        "`report` of JSON, a part `result`, and PNG files of 8 bits to look at: `noisy`, "
        "`denoised`, `removed`, and a `layer` for the network and for each of its layers.",
        "content": {"image/*": _BINARY, _ALL_PARTS: {"schema": {"type": "object"}}},
    },
    **{
        code: {"description": said, **_REFUSED}
        for code, said in {
            400: "The picture or a setting can't be used.",
            403: "The request is from a page of another site.",
            408: "The upload came too slowly.",
            413: "The upload is too large.",
            421: "The request is for another host.",
            422: "A field is missing or no number in its range.",
            500: "A fault in spiden, or in the model.",
            503: "Too many pictures are waiting, or there is too little memory: try again.",
        }.items()
    },
}


@dataclass(frozen=True)
class Service:
    """What is served.

    Attributes:
        model: the only one.
        limits: of requests.
        settings: of all pictures: `max_memory` and `most_pixels`.
    """

    model: Model
    limits: Limits
    settings: Settings


def make_app(service: Service, turns: Turns) -> Guard:
    """Return the ASGI application, which closes the turns when it ends."""

    @asynccontextmanager
    async def living(app: FastAPI) -> AsyncIterator[None]:
        clear_private_folders()
        yield
        turns.close()

    app = FastAPI(
        title="spiden", version=__version__, docs_url=None, redoc_url=None, lifespan=living,
        description="Denoises pictures with a deep spiking neural network.",
    )  # fmt: skip
    for path, name in _PAGE_FILES.items():
        send, methods = _sender(_PAGE / name), ["GET", "HEAD"]
        app.add_api_route(path, send, methods=methods, include_in_schema=False)
    app.add_api_route("/about", _about(service), summary="What this server takes")
    _add_denoising(app, service, turns)
    app.add_exception_handler(HTTPException, _tell_refusal)
    app.add_exception_handler(RequestValidationError, _tell_field)
    app.add_exception_handler(Exception, _tell_fault)
    return Guard(app, service.limits)


def _add_denoising(app: FastAPI, service: Service, turns: Turns) -> None:
    @app.get(
        "/progress/{ticket}", summary="How far a picture is that was sent with this ticket",
        responses={422: {"description": "Not a ticket.", **_REFUSED}},
    )  # fmt: skip
    async def progress(ticket: str) -> dict[str, float | int | None]:
        ahead = turns.ahead(ticket)
        return {"ahead": ahead, "done": None if ahead is None else turns.share(ticket)}

    @app.post(
        "/denoise", response_class=Response, responses=_ANSWERS, summary="Denoise a picture"
    )  # fmt: skip
    async def denoise(
        request: Request,
        picture: Annotated[UploadFile, File(description="The noisy picture.")],
        strength: Annotated[float, Form(ge=0, le=MOST_STRENGTH, description=_STRENGTH)] = 1.0,
        chroma_strength: Annotated[
            float | None, Form(ge=0, le=MOST_STRENGTH, description=_CHROMA)
        ] = None,
        detail: Annotated[float, Form(ge=0, le=1, description=_DETAIL)] = 0.0,
        timesteps: Annotated[int | None, Form(ge=1, le=MOST_TIMESTEPS, description=_T)] = None,
        sigma: Annotated[float | None, Form(ge=0, le=255, description=_SIGMA)] = None,
        format: Annotated[str | None, Form(max_length=9, description=_FORMAT)] = None,
        quality: Annotated[int | None, Form(ge=1, le=100, description=_QUALITY)] = None,
        strip: Annotated[bool, Form(description="Leave the metadata out.")] = False,
        ticket: Annotated[
            str | None, Query(pattern="^[A-Za-z0-9-]{8,64}$", description=_TICKET)
        ] = None,
        accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
    ) -> Response:
        ticket = ticket or secrets.token_hex(16)
        if turns.ahead(ticket) is not None:
            return refusal(400, "this ticket is in use")
        all_parts = _ALL_PARTS in accept

        def settings() -> Settings:
            adjustment = Adjustment(strength, chroma_strength, detail)
            return replace(
                service.settings, noise=sigma, timesteps=timesteps, adjustment=adjustment,
                quality=quality, strip=strip,
            )  # fmt: skip

        try:
            suffix = None if format is None else suffix_of_format(format)
            upload = Upload(picture.file, picture.filename or "", suffix, settings())
            answer = await turns.take(
                ticket,
                lambda turn: denoise_upload(service.model, upload, all_parts, turn.on_tile),
                request.is_disconnected,
            )
        except StoppedError:
            return Response(status_code=_GONE)
        except EndingError:
            return refusal(503, "spiden serve is being ended: start it again")
        except SpidenError as error:
            told = isinstance(error, InputError | OutputError)
            return refusal(400 if told else 500, str(error))
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            return refusal(503, TOO_LITTLE_MEMORY)
        return _all_parts(answer) if all_parts else _file(answer.result)


def _sender(path: Path) -> Callable[[], FileResponse]:
    def send() -> FileResponse:
        return FileResponse(path)

    return send


def _about(service: Service) -> Callable[[], dict[str, Any]]:
    def about() -> dict[str, Any]:
        return {
            "version": __version__,
            "model": Path(service.model.name).name,
            "most_bytes": service.limits.upload,
            "most_pixels": service.settings.most_pixels,
            "most_timesteps": MOST_TIMESTEPS,
            "reads": sorted({s for f in FORMATS if f.available for s in f.suffixes}),
            "writes": sorted(WRITTEN_SUFFIXES),
        }

    return about


def _file(part: Part) -> Response:
    """Return a file to be saved under its name, never to be shown in place of the page."""
    return Response(
        part.content,
        media_type=_type_of(part.file),
        headers={"Content-Disposition": _attachment(part.file)},
    )


def _attachment(name: str) -> str:
    return f"attachment; filename*=UTF-8''{quote(name)}"


def _type_of(name: str) -> str:
    return _TYPES.get(Path(name).suffix.lower(), "application/octet-stream")


def _all_parts(answer: Answer) -> Response:
    fields: list[tuple[str, tuple[str, bytes, str]]] = [
        ("report", ("report.json", dumps(answer.report).encode(), "application/json"))
    ]
    for part in (*answer.views, answer.result):
        fields.append((part.name, (part.file, part.content, _type_of(part.file))))
    content, kind = encode_multipart_formdata(fields)
    return Response(content, media_type=kind)


async def _tell_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refusal(error.status_code, str(error.detail))


async def _tell_field(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    name = str(first["loc"][-1])
    said = "send the picture in a form, as this field" if name == "picture" else first["msg"]
    return refusal(422, f"{name}: {said}")


async def _tell_fault(request: Request, error: Exception) -> Response:
    return refusal(500, f"unexpected {type(error).__name__}: this is a fault in spiden")
