// Kafka's compressions of record batches: all of them are read, two are written.
import * as zlib from "node:zlib";
import { PolylogError } from "@polylog/core/driver";
import { lz4Decompress } from "./lz4.ts";
import { snappyDecompress } from "./snappy.ts";

/** A batch's content may not become larger than this: a small batch could otherwise fill the memory. */
const MAX_CONTENT_BYTES = 256 * 1024 * 1024;

export type Compression = "none" | "gzip" | "zstd";

/** As the attributes of a batch number them. */
export const COMPRESSION_BITS: Readonly<Record<Compression, number>> = { none: 0, gzip: 1, zstd: 4 };

export function compress(compression: Compression, bytes: Buffer): Buffer {
	if (compression === "gzip") return zlib.gzipSync(bytes);
	if (compression === "zstd") return zlib.zstdCompressSync(bytes);
	return bytes;
}

export function decompress(bits: number, bytes: Buffer): Buffer {
	const limit = { maxOutputLength: MAX_CONTENT_BYTES };
	if (bits === 0) return bytes;
	if (bits === 1) return zlib.gunzipSync(bytes, limit);
	if (bits === 2) return snappyDecompress(bytes, MAX_CONTENT_BYTES);
	if (bits === 3) return lz4Decompress(bytes, MAX_CONTENT_BYTES);
	if (bits === 4) return zlib.zstdDecompressSync(bytes, limit);
	throw new PolylogError("UNSUPPORTED", `a record batch is compressed in a way (${bits}) that this version does not know`);
}
