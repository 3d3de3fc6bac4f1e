"""How near our pixels are to full decoding: the mean PSNR in dB over photographs."""

import io
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from preprocessing import decode

values = []
for path in sorted(Path(sys.argv[1]).rglob("*.jpg")):
    content = path.read_bytes()
    full = Image.open(io.BytesIO(content)).resize((224, 224), Image.Resampling.BOX)
    error = np.mean((np.asarray(full, float) - decode(content, 224).astype(float)) ** 2)
    values.append(10 * np.log10(255**2 / error))
print(json.dumps({"mean": float(np.mean(values)), "least": float(np.min(values))}))
