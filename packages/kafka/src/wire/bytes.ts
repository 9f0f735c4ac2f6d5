// Kafka's encodings of plain values, in the older form and the flexible (compact) one. A writer or reader is in one of
// the two; which one is a matter of the request's version.

export class ByteWriter {
	readonly flexible: boolean;
	#bytes = Buffer.allocUnsafe(256);
	#at = 0;

	constructor(flexible = false) {
		this.flexible = flexible;
	}

	get written(): Buffer {
		return this.#bytes.subarray(0, this.#at);
	}

	int8(value: number): this {
		this.#at = this.#room(1).writeInt8(value, this.#at);
		return this;
	}

	int16(value: number): this {
		this.#at = this.#room(2).writeInt16BE(value, this.#at);
		return this;
	}

	int32(value: number): this {
		this.#at = this.#room(4).writeInt32BE(value, this.#at);
		return this;
	}

	int64(value: bigint): this {
		this.#at = this.#room(8).writeBigInt64BE(value, this.#at);
		return this;
	}

	boolean(value: boolean): this {
		return this.int8(value ? 1 : 0);
	}

	unsignedVarint(value: number): this {
		let rest = value >>> 0;
		while (rest > 0x7f) {
			this.#at = this.#room(1).writeUInt8((rest & 0x7f) | 0x80, this.#at);
			rest >>>= 7;
		}
		this.#at = this.#room(1).writeUInt8(rest, this.#at);
		return this;
	}

	string(value: string | undefined): this {
		const bytes = value === undefined ? undefined : Buffer.from(value);
		if (this.flexible) this.unsignedVarint(bytes ? bytes.length + 1 : 0);
		else this.int16(bytes?.length ?? -1);
		return bytes ? this.raw(bytes) : this;
	}

	bytes(value: Uint8Array | undefined): this {
		if (this.flexible) this.unsignedVarint(value ? value.length + 1 : 0);
		else this.int32(value?.length ?? -1);
		return value ? this.raw(value) : this;
	}

	array<T>(items: readonly T[] | undefined, write: (item: T) => void): this {
		if (this.flexible) this.unsignedVarint(items ? items.length + 1 : 0);
		else this.int32(items?.length ?? -1);
		for (const item of items ?? []) write(item);
		return this;
	}

	/** No tagged fields: the end of every structure in the flexible form. */
	tags(): this {
		return this.flexible ? this.unsignedVarint(0) : this;
	}

	raw(bytes: Uint8Array): this {
		this.#room(bytes.length).set(bytes, this.#at);
		this.#at += bytes.length;
		return this;
	}

	#room(length: number): Buffer {
		const needed = this.#at + length;
		if (needed > this.#bytes.length) {
			const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
			this.#bytes.copy(larger, 0, 0, this.#at);
			this.#bytes = larger;
		}
		return this.#bytes;
	}
}

/** Reads what a broker sent. Throws RangeError where the bytes end too early. */
export class ByteReader {
	readonly flexible: boolean;
	readonly #bytes: Buffer;
	#at = 0;

	constructor(bytes: Buffer, flexible = false) {
		this.#bytes = bytes;
		this.flexible = flexible;
	}

	get remaining(): number {
		return this.#bytes.length - this.#at;
	}

	int8(): number {
		return this.#bytes.readInt8(this.#advance(1));
	}

	int16(): number {
		return this.#bytes.readInt16BE(this.#advance(2));
	}

	int32(): number {
		return this.#bytes.readInt32BE(this.#advance(4));
	}

	int64(): bigint {
		return this.#bytes.readBigInt64BE(this.#advance(8));
	}

	boolean(): boolean {
		return this.int8() !== 0;
	}

	unsignedVarint(): number {
		let value = 0;
		for (let shift = 0; shift < 35; shift += 7) {
			const byte = this.#bytes.readUInt8(this.#advance(1));
			value |= (byte & 0x7f) << shift;
			if (byte < 0x80) return value >>> 0;
		}
		throw new RangeError("a varint of more than five bytes");
	}

	nullableString(): string | undefined {
		const length = this.flexible ? this.unsignedVarint() - 1 : this.int16();
		return length < 0 ? undefined : this.raw(length).toString();
	}

	string(): string {
		return this.nullableString() ?? "";
	}

	nullableBytes(): Buffer | undefined {
		const length = this.flexible ? this.unsignedVarint() - 1 : this.int32();
		return length < 0 ? undefined : this.raw(length);
	}

	bytes(): Buffer {
		return this.nullableBytes() ?? Buffer.alloc(0);
	}

	array<T>(read: () => T): T[] {
		const length = this.flexible ? this.unsignedVarint() - 1 : this.int32();
		if (length > this.remaining) throw new RangeError(`an array of ${length} elements in ${this.remaining} bytes`);
		const items: T[] = [];
		for (let i = 0; i < length; i++) items.push(read());
		return items;
	}

	/** The tagged fields at the end of a structure; `known` is called for each. */
	tags(known?: (tag: number, value: ByteReader) => void): void {
		if (!this.flexible) return;
		for (let left = this.unsignedVarint(); left > 0; left--) {
			const tag = this.unsignedVarint();
			const value = this.raw(this.unsignedVarint());
			known?.(tag, new ByteReader(value, true));
		}
	}

	/** Shares memory with the response. */
	raw(length: number): Buffer {
		const start = this.#advance(length);
		return this.#bytes.subarray(start, start + length);
	}

	#advance(length: number): number {
		const at = this.#at;
		if (length < 0 || at + length > this.#bytes.length) throw new RangeError(`${length} bytes expected, ${this.#bytes.length - at} left`);
		this.#at = at + length;
		return at;
	}
}
