import { createHash } from "node:crypto";
import type { Redis } from "ioredis";

/**
 * A Lua script, run by its digest. Data comes in through keys and arguments alone.
 *
 * A server that does not know the digest (restarted, failed over, flushed) refuses it without having run anything,
 * so that sending the text then repeats nothing.
 */
export class Script {
	readonly #text: string;
	readonly #digest: string;

	constructor(text: string) {
		this.#text = text;
		this.#digest = createHash("sha1").update(text).digest("hex");
	}

	async run(client: Redis, keys: readonly string[], values: readonly (string | Buffer)[]): Promise<unknown> {
		try {
			return await client.callBuffer("EVALSHA", this.#digest, keys.length, ...keys, ...values);
		} catch (error) {
			if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
			return await client.callBuffer("EVAL", this.#text, keys.length, ...keys, ...values);
		}
	}
}

/** A script's reply that is a list of texts and numbers. */
export function texts(reply: unknown): string[] {
	if (!Array.isArray(reply)) throw new TypeError("a script's reply is not a list");
	return reply.map((part: unknown) => (Buffer.isBuffer(part) ? part.toString("latin1") : String(part)));
}
