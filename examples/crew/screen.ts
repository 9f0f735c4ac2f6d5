// What is seen while it runs: on a terminal one line that is rewritten, elsewhere a line a second.

const LINE_EVERY_MS = 1_000;
const REWRITE = "\r\u001B[2K";

export const whole = (value: number | bigint) => value.toLocaleString("en-US", { maximumFractionDigits: 0 });
export const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

export class Screen {
	readonly #out = process.stdout;
	readonly #startMs = performance.now();
	#lastLineMs = -Infinity;
	#rewriting = false;

	/** Something that stays. */
	say(text: string): void {
		this.#out.write(`${this.#rewriting ? REWRITE : ""}${text}\n`);
		this.#rewriting = false;
	}

	/** Something that happened, with its time. */
	tell(text: string): void {
		this.say(`${this.#elapsed()}  ${text}`);
	}

	/** How far it is: replaced by what comes next. */
	progress(text: string): void {
		if (this.#out.isTTY) {
			this.#out.write(REWRITE + `${this.#elapsed()}  ${text}`.slice(0, this.#out.columns - 1));
			this.#rewriting = true;
		} else if (performance.now() - this.#lastLineMs >= LINE_EVERY_MS) {
			this.#lastLineMs = performance.now();
			this.tell(text);
		}
	}

	#elapsed(): string {
		return seconds(performance.now() - this.#startMs).padStart(7);
	}
}
