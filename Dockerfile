# Lift videos without installing anything else:
#   docker build -t poseglass .
#   docker run --rm -v "$PWD:/work" poseglass lift walk.mp4 -o walk.bvh
# PyPI's torch for Linux brings CUDA: run with --gpus all --device cuda. For a smaller image without it, build with
# --build-arg TORCH="torch --index-url URL", where URL is the CPU index of PyTorch's installation page.
FROM python:3.11-slim
ARG TORCH=torch
RUN apt-get update && apt-get install -y --no-install-recommends libegl1 libgles2 && rm -rf /var/lib/apt/lists/*
RUN pip install --no-cache-dir $TORCH
COPY pyproject.toml README.md LICENSE CITATION.cff /source/
COPY src /source/src
ENV POSEGLASS_CACHE=/opt/poseglass
RUN pip install --no-cache-dir "/source[video]" && poseglass doctor --fetch full && chmod -R a+rX "$POSEGLASS_CACHE"
WORKDIR /work
ENTRYPOINT ["poseglass"]
CMD ["--help"]
