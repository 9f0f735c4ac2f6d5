// What is seen while it runs: on a terminal one line that is rewritten, elsewhere a line now and then.

export interface Progress {
	readonly elapsedMs: number;
	/** Of 1. */
	readonly share: number;
	readonly members: readonly { readonly name: string; readonly partitions: readonly number[] }[];
	readonly perSecond: number | undefined;
	/** `undefined`: unknown. */
	readonly lag: bigint | undefined;
	readonly secondsLeft: number | undefined;
}

export const whole = (value: number | bigint) => value.toLocaleString("en-US", { maximumFractionDigits: 0 });
export const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

export function progressLine({ elapsedMs, share, members, perSecond, lag, secondsLeft }: Progress): string {
	const owners = members.map(({ name, partitions }) => `${name}: ${partitions.length > 0 ? partitions.join(" ") : "-"}`);
	return [
		seconds(elapsedMs).padStart(7),
		`${Math.floor(share * 100)} %`.padStart(5),
		owners.join(" | "),
		`${perSecond === undefined ? "?" : whole(perSecond)}/s`,
		`lag ${lag === undefined ? "?" : whole(lag)}`,
		`left ${secondsLeft === undefined ? "unknown" : seconds(secondsLeft * 1000)}`,
	].join("  ");
}

const LINE_EVERY_MS = 1_000;
const REWRITE = "\r\u001B[2K";

/** What is needed of `process.stdout`. */
type Terminal = Pick<NodeJS.WriteStream, "write" | "isTTY" | "columns">;

export class Screen {
	readonly #out: Terminal;
	#lastLineMs = -Infinity;
	#rewriting = false;

	constructor(out: Terminal) {
		this.#out = out;
	}

	/** Something that stays. */
	say(text: string): void {
		this.#out.write(`${this.#rewriting ? REWRITE : ""}${text}\n`);
		this.#rewriting = false;
	}

	show(progress: Progress): void {
		if (this.#out.isTTY) {
			this.#out.write(REWRITE + progressLine(progress).slice(0, this.#out.columns - 1));
			this.#rewriting = true;
		} else if (progress.elapsedMs - this.#lastLineMs >= LINE_EVERY_MS) {
			this.#lastLineMs = progress.elapsedMs;
			this.say(progressLine(progress));
		}
	}
}
