// LZ4 frames, reading only. Checksums of the frame are not looked at: the record batch has its own.
import { copyBack } from "./snappy.ts";

const MAGIC = 0x184d2204;

/** Throws RangeError for malformed bytes, and for more than `maxBytes` of content. */
export function lz4Decompress(bytes: Buffer, maxBytes: number): Buffer {
	if (bytes.length < 7 || bytes.readUInt32LE(0) !== MAGIC) throw malformed();
	const flags = bytes.readUInt8(4);
	const blockChecksums = (flags & 0x10) !== 0;
	const blockBytes = blockSize(bytes.readUInt8(5));
	// After the two descriptor bytes: content size, dictionary id, and the header's checksum.
	let at = 6 + ((flags & 0x08) !== 0 ? 8 : 0) + ((flags & 0x01) !== 0 ? 4 : 0) + 1;
	let out = Buffer.allocUnsafe(Math.min(maxBytes, Math.max(blockBytes, bytes.length * 4)));
	let end = 0;
	for (;;) {
		const head = bytes.readUInt32LE(at);
		at += 4;
		if (head === 0) return out.subarray(0, end);
		const length = head & 0x7fffffff;
		if (at + length > bytes.length) throw malformed();
		const block = bytes.subarray(at, at + length);
		const stored = head >>> 31 === 1;
		const most = end + (stored ? length : blockBytes);
		if (most > out.length) out = Buffer.concat([out.subarray(0, end)], Math.max(most, out.length * 2));
		end = stored ? end + block.copy(out, end) : decompressBlock(block, out, end);
		if (end > maxBytes) throw new RangeError(`more than the ${maxBytes} bytes of content allowed`);
		at += length + (blockChecksums ? 4 : 0);
	}
}

function blockSize(descriptor: number): number {
	const code = (descriptor >> 4) & 7;
	if (code < 4) throw malformed();
	return 2 ** (8 + 2 * code);
}

/** Appends the block's content at `start`, to which it may refer back. Returns the new end. */
function decompressBlock(block: Buffer, out: Buffer, start: number): number {
	let at = 0;
	let end = start;
	const lengthOf = (nibble: number): number => {
		let length = nibble;
		if (nibble !== 15) return length;
		for (;;) {
			const more = block.readUInt8(at++);
			length += more;
			if (more !== 255) return length;
		}
	};
	while (at < block.length) {
		const token = block.readUInt8(at++);
		const literals = lengthOf(token >> 4);
		if (at + literals > block.length || end + literals > out.length) throw malformed();
		block.copy(out, end, at, at + literals);
		at += literals;
		end += literals;
		if (at >= block.length) break;
		const distance = block.readUInt16LE(at);
		at += 2;
		const length = lengthOf(token & 15) + 4;
		if (distance === 0 || distance > end || end + length > out.length) throw malformed();
		end = copyBack(out, end, distance, length);
	}
	return end;
}

function malformed(): RangeError {
	return new RangeError("malformed lz4 data");
}
