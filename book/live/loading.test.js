import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { download, gunzip, obstacle } from "./loading.js";

test("packed bytes are unpacked, others stay", async () => {
  const bytes = Uint8Array.from({ length: 5000 }, (_, i) => i % 7);
  const packed = Uint8Array.from(gzipSync(bytes));
  assert.deepEqual(new Uint8Array(await gunzip(packed.buffer)), bytes);
  assert.deepEqual(new Uint8Array(await gunzip(bytes.buffer)), bytes);
});

test("downloads report their progress up to 1, and a missing file is an error with its name", async () => {
  const shares = [];
  const fetcher = async (name) => new Response(new Uint8Array(name === "a" ? 30 : 10));
  const files = await download({ a: 30, b: 10 }, (share) => shares.push(share), fetcher);
  assert.equal(files.a.byteLength + files.b.byteLength, 40);
  assert.equal(shares.at(-1), 1);
  const missing = async () => new Response("", { status: 404 });
  await assert.rejects(
    download({ "model.bin": 1 }, () => {}, missing),
    /model.bin is missing.*404/,
  );
});

test("a browser without WebAssembly, or too old a one, is told so", () => {
  const scope = { WebAssembly: {}, DecompressionStream() {}, Worker() {} };
  assert.equal(obstacle(scope), "");
  assert.match(obstacle({ ...scope, WebAssembly: undefined }), /WebAssembly is off/);
  assert.match(obstacle({ ...scope, DecompressionStream: undefined }), /too old/);
});
