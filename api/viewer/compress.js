// Compresses what was built, once and as small as it gets: the gateway sends these files as they lie.
import fs from "node:fs";
import { fileURLToPath } from "node:url";
import zlib from "node:zlib";

const folder = fileURLToPath(new URL("../voxlake/api/static/neuroglancer/assets/", import.meta.url));
const SMALLEST = 1024;

const best = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: zlib.constants.BROTLI_MAX_QUALITY } };
const codings = {
  ".br": (bytes) => zlib.brotliCompressSync(bytes, best),
  ".gz": (bytes) => zlib.gzipSync(bytes, { level: zlib.constants.Z_BEST_COMPRESSION }),
};

for (const name of fs.readdirSync(folder)) {
  const bytes = fs.readFileSync(folder + name);
  if (/\.(br|gz)$/.test(name) || bytes.length < SMALLEST) continue;
  for (const [suffix, compress] of Object.entries(codings)) {
    fs.writeFileSync(folder + name + suffix, compress(bytes));
  }
}
