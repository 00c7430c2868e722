// Reads OME-Zarr groups with zarrita, as viewers in browsers do, and prints what is in every level.
//
//   node read.mjs TOKEN|- ADDRESS...     addresses are folders or URLs

import { createHash } from "node:crypto";
import { FetchStore, FileSystemStore } from "@zarrita/storage";
import * as zarr from "zarrita";

const [token, ...addresses] = process.argv.slice(2);
const options = token === "-" ? {} : { overrides: { headers: { Authorization: `Bearer ${token}` } } };

async function readLevel(group, { path }) {
  const array = await zarr.open.v3(group.resolve(path), { kind: "array" });
  const { data } = await zarr.get(array);
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { shape: array.shape, dtype: array.dtype, type: data.constructor.name, sha256 };
}

async function readGroup(address) {
  const isRemote = address.startsWith("http");
  const store = isRemote ? new FetchStore(address, options) : new FileSystemStore(address);
  const group = await zarr.open.v3(zarr.root(store), { kind: "group" });
  const levels = [];
  for (const level of group.attrs.ome.multiscales[0].datasets) {
    levels.push(await readLevel(group, level));
  }
  return levels;
}

const found = {};
for (const address of addresses) {
  found[address] = await readGroup(address);
}
console.log(JSON.stringify(found));
