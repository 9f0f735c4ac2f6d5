import type { Codec } from "../api/topic.ts";

/** Values as they are stored. The array belongs to core until the message is settled. A tombstone does not decode. */
export function bytes(): Codec<Uint8Array> {
	return {
		name: "bytes",
		encode(value) {
			if (!(value instanceof Uint8Array))
				throw new TypeError(`the value must be a Uint8Array, not ${value === null ? "null" : typeof value}`);
			return value;
		},
		decode(stored) {
			if (stored === null) throw new TypeError("the record is a tombstone: it has no value");
			return stored;
		},
	};
}
