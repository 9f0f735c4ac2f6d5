// Unpacks what Redis' Lua packed of an XRANGE reply: MessagePack, of which that holds lists and strings only.
import type { StreamEntry } from "./message-mapping.ts";

const ARRAY = { fixed: 0x90, sixteen: 0xdc, thirtyTwo: 0xdd };
const STRING = { fixed: 0xa0, eight: 0xd9, sixteen: 0xda, thirtyTwo: 0xdb };

/** The strings are views of `packed`. Throws TypeError for anything that is not a list of entries. */
export function unpackEntries(packed: Buffer): StreamEntry[] {
	const source = new Source(packed);
	const entries: StreamEntry[] = [];
	for (let left = source.arrayLength(); left > 0; left--) {
		if (source.arrayLength() !== 2) throw new TypeError("a packed entry is not an id and its fields");
		const id = source.string();
		const fields: Buffer[] = [];
		for (let more = source.arrayLength(); more > 0; more--) fields.push(source.string());
		entries.push([id, fields]);
	}
	return entries;
}

class Source {
	readonly #packed: Buffer;
	#at = 0;

	constructor(packed: Buffer) {
		this.#packed = packed;
	}

	arrayLength(): number {
		const type = this.#number(1);
		if (type >> 4 === ARRAY.fixed >> 4) return type & 0x0f;
		if (type === ARRAY.sixteen) return this.#number(2);
		if (type === ARRAY.thirtyTwo) return this.#number(4);
		throw new TypeError(`expected a packed list, not type ${type} at byte ${this.#at - 1}`);
	}

	string(): Buffer {
		const length = this.#stringLength();
		const start = this.#at;
		this.#at += length;
		if (this.#at > this.#packed.length) throw new TypeError(`a packed string ends at byte ${this.#at} of ${this.#packed.length}`);
		return this.#packed.subarray(start, this.#at);
	}

	#stringLength(): number {
		const type = this.#number(1);
		if (type >> 5 === STRING.fixed >> 5) return type & 0x1f;
		if (type === STRING.eight) return this.#number(1);
		if (type === STRING.sixteen) return this.#number(2);
		if (type === STRING.thirtyTwo) return this.#number(4);
		throw new TypeError(`expected a packed string, not type ${type} at byte ${this.#at - 1}`);
	}

	#number(bytes: 1 | 2 | 4): number {
		const value = this.#packed.readUIntBE(this.#at, bytes);
		this.#at += bytes;
		return value;
	}
}
