#!/bin/sh
# Removes from an installed environment what a server never loads: the tests and C headers of packages, OpenVINO's parts
# for graphics cards and NPUs, extensions of notebooks, and pyarrow's network service.    sh deploy/slim.sh [PYTHON]
set -eu
site=$("${1:-python3}" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
find "$site" -depth -type d \( -name tests -o -name test \) -exec rm -rf {} +
find "$site" -type f \( -name '*.h' -o -name '*.hpp' -o -name '*.pxd' -o -name '*.a' \) -exec rm -f {} +
rm -f "$site"/openvino/libs/libopenvino_intel_[gn]pu_plugin.so "$site"/openvino/libs/cache.json
rm -rf "$site"/pydeck/nbextension "$site"/plotly/labextension
rm -f "$site"/pyarrow/libarrow_flight.so* "$site"/pyarrow/libarrow_python_flight.so* "$site"/pyarrow/_flight.*.so
