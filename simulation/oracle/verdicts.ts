export interface Violation {
	/** The invariant's name: "commit-fence". */
	readonly invariant: string;
	readonly text: string;
	readonly atMs: number;
}

/** Collects what went against an invariant; each name once per run is enough. */
export class Verdicts {
	readonly violations: Violation[] = [];
	readonly #now: () => number;
	readonly #onViolation: (violation: Violation) => void;

	constructor(now: () => number, onViolation: (violation: Violation) => void) {
		this.#now = now;
		this.#onViolation = onViolation;
	}

	report(invariant: string, text: string): void {
		if (this.violations.some((violation) => violation.invariant === invariant)) return;
		const violation = { invariant, text, atMs: this.#now() };
		this.violations.push(violation);
		this.#onViolation(violation);
	}
}
