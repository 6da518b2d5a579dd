# An image with zos-ort and ONNX Runtime for CPUs: docker build --build-arg VERSION=$(git describe --tags --always) -t zos-ort .
# The images to work on are mounted: docker run --rm -v "$PWD:/work" zos-ort search --xi 0.5 --data IMAGES
FROM golang:1.26 AS build
RUN apt-get update && apt-get install -y --no-install-recommends maven && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=container
RUN make image-root VERSION="$VERSION" ROOT=/image

# The C library of the builder is part of /image, so that no base is needed.
FROM scratch
COPY --from=build /image /
ENV PATH=/usr/bin HOME=/work ONNXRUNTIME_SHARED_LIBRARY_PATH=/usr/lib/zos-ort/libonnxruntime.so.1
USER 65532:65532
WORKDIR /work
ENTRYPOINT ["/usr/bin/zos-ort"]
CMD ["help"]
