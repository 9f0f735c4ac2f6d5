// CRC-32C (Castagnoli), the checksum of Kafka's record batches, eight bytes at a time.

const POLYNOMIAL = 0x82f63b78;

const TABLES: readonly Int32Array[] = makeTables();

function makeTables(): Int32Array[] {
	const tables = Array.from({ length: 8 }, () => new Int32Array(256));
	for (let byte = 0; byte < 256; byte++) {
		let crc = byte;
		for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
		table(tables, 0)[byte] = crc;
	}
	for (let byte = 0; byte < 256; byte++) {
		let crc = table(tables, 0)[byte] ?? 0;
		for (let k = 1; k < 8; k++) {
			crc = (table(tables, 0)[crc & 0xff] ?? 0) ^ (crc >>> 8);
			table(tables, k)[byte] = crc;
		}
	}
	return tables;
}

function table(tables: readonly Int32Array[], index: number): Int32Array {
	return tables[index] ?? new Int32Array(256);
}

const [T0, T1, T2, T3, T4, T5, T6, T7] = [0, 1, 2, 3, 4, 5, 6, 7].map((index) => table(TABLES, index)) as [
	Int32Array,
	Int32Array,
	Int32Array,
	Int32Array,
	Int32Array,
	Int32Array,
	Int32Array,
	Int32Array,
];

/** As an unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array): number {
	let crc = -1;
	let at = 0;
	const { length } = bytes;
	// Indices stay inside: the masks keep them below 256, the loop's bound below `length`.
	for (; at + 8 <= length; at += 8) {
		crc ^= (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
		crc =
			(T7[crc & 0xff] as number) ^
			(T6[(crc >>> 8) & 0xff] as number) ^
			(T5[(crc >>> 16) & 0xff] as number) ^
			(T4[crc >>> 24] as number) ^
			(T3[bytes[at + 4] as number] as number) ^
			(T2[bytes[at + 5] as number] as number) ^
			(T1[bytes[at + 6] as number] as number) ^
			(T0[bytes[at + 7] as number] as number);
	}
	for (; at < length; at++) crc = (T0[(crc ^ (bytes[at] as number)) & 0xff] as number) ^ (crc >>> 8);
	return ~crc >>> 0;
}
