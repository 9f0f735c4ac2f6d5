import { inspect } from "node:util";

/** A credential. Prints as `[redacted]` in every way of printing; `reveal()` is for the adapter's client alone. */
export class Secret {
	readonly #value: string;

	constructor(value: string) {
		this.#value = value;
	}

	reveal(): string {
		return this.#value;
	}

	toString(): string {
		return "[redacted]";
	}

	toJSON(): string {
		return "[redacted]";
	}

	[inspect.custom](): string {
		return "[redacted]";
	}
}

/** Removes every form of the secret that a driver's error may carry: as it is, URL-encoded, base64. */
export function scrub(text: string, secrets: readonly Secret[]): string {
	let clean = text;
	for (const secret of secrets) {
		const value = secret.reveal();
		if (value === "") continue;
		for (const form of new Set([value, encodeURIComponent(value), Buffer.from(value).toString("base64")])) {
			clean = clean.replaceAll(form, "[redacted]");
		}
	}
	return clean;
}
