# spiden on a CPU: serves its page, or does what else the command line does. See docs/serve.md.
FROM python:3.12-slim AS build
WORKDIR /source
RUN pip install --no-cache-dir build
COPY pyproject.toml README.md LICENSE ./
COPY spiden_cli spiden_cli
COPY weights weights
RUN python -m build --wheel --outdir /wheel

FROM python:3.12-slim
# torch's CPU build first: the one that pip takes by default brings gigabytes of CUDA.
RUN pip install --no-cache-dir torch --index-url https://download.pytorch.org/whl/cpu
COPY --from=build /wheel /wheel
RUN pip install --no-cache-dir "$(ls /wheel/*.whl)[web,fast,heic,jxl,raw]" && rm -r /wheel
RUN useradd --create-home --uid 1000 spiden
USER spiden
# The event engine is compiled once, for this kind of processor, and not by each new container.
RUN python -c "import numpy, spiden_cli; spiden_cli.load('tiny').denoise(numpy.zeros((64, 64), 'uint8'), 25)"
WORKDIR /pictures
EXPOSE 8000
# Asked only of a container that serves; a batch is not unwell.
HEALTHCHECK --start-period=2m CMD ["python", "-c", "import urllib.request as u; b'serve' in open('/proc/1/cmdline', 'rb').read().split(b'\\0') and u.urlopen('http://127.0.0.1:8000/about', timeout=9)"]
ENTRYPOINT ["spiden"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
