// Names of keys. Pure.
//
//   {orders:3}                      partition 3 of the topic "orders": the stream
//   polylog:{orders:3}:meta         its incarnation, retention and floor (hash)
//   polylog:{orders:3}:producers    who appended what last, for idempotence and fencing (hash)
//   polylog:{topics}                topic → shape (hash);  polylog:{topics}:made  the number of the newest one made
//   polylog:{group:billing}:journal a group's journal (stream);  polylog:{groups}  the groups' names (set)
//   polylog:{group:billing}:looked  written by who looks at the group, gone at once: WAIT wants a write (string)
//
// Everything of one partition shares one hash tag, so that a script may touch all of it on Redis Cluster too.
import type { Partition } from "@polylog/core/driver";

const RESERVED = "polylog:";

export interface PartitionKeys {
	readonly stream: string;
	readonly meta: string;
	readonly producers: string;
	/** The stream was there before this library, which made no metadata for it. */
	readonly adopted: boolean;
}

export class Topology {
	readonly topics: string;
	readonly made: string;
	readonly groups: string;
	/** Topic → key of an existing stream. */
	readonly adopted: ReadonlyMap<string, string>;
	readonly #prefix: string;

	constructor(prefix: string, adopted: ReadonlyMap<string, string>) {
		this.#prefix = prefix;
		this.adopted = adopted;
		this.topics = `${prefix}${RESERVED}{topics}`;
		this.made = `${this.topics}:made`;
		this.groups = `${prefix}${RESERVED}{groups}`;
	}

	partition({ topic, index }: Partition): PartitionKeys {
		const adopted = index === 0 ? this.adopted.get(topic) : undefined;
		const stream = adopted ?? `${this.#prefix}{${topic}:${index}}`;
		const tag = hashTag(stream);
		// Two adopted keys may share a tag: the whole key tells their metadata apart.
		const own = `${this.#prefix}${RESERVED}{${tag}}:${adopted !== undefined && adopted !== tag ? `${adopted}:` : ""}`;
		return { stream, meta: `${own}meta`, producers: `${own}producers`, adopted: adopted !== undefined };
	}

	journal(group: string): string {
		return `${this.#prefix}${RESERVED}{group:${group}}:journal`;
	}

	looked(group: string): string {
		return `${this.#prefix}${RESERVED}{group:${group}}:looked`;
	}
}

/** The part of a key that decides its slot on Redis Cluster. */
export function hashTag(key: string): string {
	const open = key.indexOf("{");
	const close = open < 0 ? -1 : key.indexOf("}", open + 1);
	return close > open + 1 ? key.slice(open + 1, close) : key;
}
