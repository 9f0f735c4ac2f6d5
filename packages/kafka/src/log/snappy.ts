// Snappy, reading only: raw blocks, and the framing that Java's client puts around them.

const FRAME = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
/** Magic, version and the lowest compatible version. */
const FRAME_HEADER_BYTES = 16;

/** Throws RangeError for malformed bytes, and for more than `maxBytes` of content. */
export function snappyDecompress(bytes: Buffer, maxBytes: number): Buffer {
	if (!bytes.subarray(0, FRAME.length).equals(FRAME)) return decompressBlock(bytes, maxBytes);
	const blocks: Buffer[] = [];
	let left = maxBytes;
	for (let at = FRAME_HEADER_BYTES; at < bytes.length;) {
		const length = bytes.readInt32BE(at);
		if (length < 0 || at + 4 + length > bytes.length) throw malformed();
		const block = decompressBlock(bytes.subarray(at + 4, at + 4 + length), left);
		left -= block.length;
		blocks.push(block);
		at += 4 + length;
	}
	return Buffer.concat(blocks);
}

function decompressBlock(bytes: Buffer, maxBytes: number): Buffer {
	let at = 0;
	let size = 0;
	for (let shift = 0; ; shift += 7) {
		const byte = bytes.readUInt8(at++);
		size += (byte & 0x7f) * 2 ** shift;
		if (byte < 0x80) break;
		if (shift > 28) throw malformed();
	}
	if (size > maxBytes) throw new RangeError(`${size} bytes of content, more than the ${maxBytes} allowed`);
	const out = Buffer.allocUnsafe(size);
	let end = 0;
	while (at < bytes.length) {
		const tag = bytes.readUInt8(at++);
		const kind = tag & 3;
		if (kind === 0) {
			let length = tag >> 2;
			if (length >= 60) {
				const extra = length - 59;
				length = bytes.readUIntLE(at, extra);
				at += extra;
			}
			length++;
			if (at + length > bytes.length || end + length > size) throw malformed();
			bytes.copy(out, end, at, at + length);
			at += length;
			end += length;
			continue;
		}
		let length = (tag >> 2) + 1;
		let distance: number;
		if (kind === 1) {
			length = ((tag >> 2) & 7) + 4;
			distance = ((tag >> 5) << 8) | bytes.readUInt8(at++);
		} else {
			distance = kind === 2 ? bytes.readUInt16LE(at) : bytes.readUInt32LE(at);
			at += kind === 2 ? 2 : 4;
		}
		if (distance === 0 || distance > end || end + length > size) throw malformed();
		end = copyBack(out, end, distance, length);
	}
	if (end !== size) throw malformed();
	return out;
}

/** Copies what was just written; source and target may overlap, and then the pattern repeats. */
export function copyBack(out: Buffer, end: number, distance: number, length: number): number {
	if (distance >= length) out.copyWithin(end, end - distance, end - distance + length);
	else for (let i = 0; i < length; i++) out[end + i] = out[end + i - distance] ?? 0;
	return end + length;
}

function malformed(): RangeError {
	return new RangeError("malformed snappy data");
}
