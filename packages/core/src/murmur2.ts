/** MurmurHash2 with the seed of Kafka's Java client (org.apache.kafka.common.utils.Utils.murmur2), unsigned. */
export function murmur2(bytes: Uint8Array): number {
	const m = 0x5bd1e995;
	const length = bytes.length;
	let h = 0x9747b28c ^ length;
	let i = 0;
	for (; i + 4 <= length; i += 4) {
		let k = (bytes[i] as number) | ((bytes[i + 1] as number) << 8) | ((bytes[i + 2] as number) << 16) | ((bytes[i + 3] as number) << 24);
		k = Math.imul(k, m);
		k ^= k >>> 24;
		h = Math.imul(h, m) ^ Math.imul(k, m);
	}
	const rest = length - i;
	if (rest === 3) h ^= (bytes[i + 2] as number) << 16;
	if (rest >= 2) h ^= (bytes[i + 1] as number) << 8;
	if (rest >= 1) h = Math.imul(h ^ (bytes[i] as number), m);
	h ^= h >>> 13;
	h = Math.imul(h, m);
	h ^= h >>> 15;
	return h >>> 0;
}
