# Busana as a server. `docker build -t busana .` shows and predicts, without torch; `--build-arg WITH=train` trains too.
FROM python:3.12-slim
ARG WITH=""
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    BUSANA_HOME=/home/busana/app BUSANA_SHARED=1
RUN apt-get update -q && apt-get install -yq --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/* && useradd --create-home --uid 1000 busana
WORKDIR /home/busana/app
COPY --chown=busana . .
RUN pip install ".${WITH:+[$WITH]}" && pip uninstall -yq busana && { [ -n "$WITH" ] || sh deploy/slim.sh; } \
    && install -d -o busana data runs
USER busana
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/healthz', timeout=4)"]
CMD ["streamlit", "run", "app.py", "--server.address=0.0.0.0", "--server.port=8501", "--server.headless=true", \
     "--server.fileWatcherType=none", "--server.maxUploadSize=20"]
