// Errors of the broker while a session lives: told once per spell, waited out, unless waiting cannot help.
import { sleep } from "../clock.ts";
import { isPolylogError } from "../errors.ts";
import type { JournalContext } from "./context.ts";

export class Trouble {
	readonly #context: JournalContext;
	readonly #group: string;
	readonly #end: AbortSignal;
	#told = false;

	constructor(context: JournalContext, group: string, end: AbortSignal) {
		this.#context = context;
		this.#group = group;
		this.#end = end;
	}

	/** The journal answered: the next error is told again. */
	over(): void {
		this.#told = false;
	}

	warn(error: unknown): void {
		if (this.#told || this.#end.aborted) return;
		this.#told = true;
		this.#context.log.warn(`journal of group "${this.#group}": ${error instanceof Error ? error.message : String(error)}; trying again`);
	}

	/** Waits a little; throws the error if waiting cannot help. */
	async waitOut(error: unknown, delayMs: number): Promise<void> {
		if (this.#end.aborted) return;
		const { code } = isPolylogError(error) ? error : this.#context.classify(error);
		if (code === "JOURNAL_UNUSABLE" || code === "UNAUTHORIZED") throw error;
		this.warn(error);
		try {
			await sleep(this.#context.clock, delayMs, this.#end);
		} catch {
			// The session ended: its loop sees that itself.
		}
	}
}
