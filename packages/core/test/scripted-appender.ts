// The append of a driver, as a test tells it to go: for the producer's queue alone, where no broker could be told to fail so.
import type { Capabilities } from "../src/capabilities.ts";
import type { Classification, Driver, ProducerIdentity } from "../src/driver/driver.ts";
import { wrapDriverError } from "../src/driver-errors.ts";
import type { AppendOutcome, OutgoingRecord } from "../src/driver/record.ts";
import type { ErrorCode, ErrorContext } from "../src/errors.ts";
import type { Partition } from "../src/partition.ts";

export interface Append {
	readonly partition: Partition;
	readonly records: readonly OutgoingRecord[];
	readonly producer: ProducerIdentity;
	readonly signal: AbortSignal | undefined;
}

type Script = (append: Append) => readonly AppendOutcome[] | Promise<readonly AppendOutcome[]>;

export class DriverError extends Error {
	readonly code: ErrorCode;

	constructor(code: ErrorCode, message = `scripted ${code}`) {
		super(message);
		this.code = code;
	}
}

const CAPABILITIES: Capabilities = {
	durability: "none",
	multiProcess: false,
	idempotentAppend: true,
	producerFencing: true,
	headerMultimap: true,
	tombstones: true,
	offsetAt: true,
	growTopics: true,
	commitsOutliveTopic: true,
	nativeGroupView: false,
};

export class ScriptedAppender implements Pick<Driver, "name" | "append" | "capabilities" | "classify"> {
	readonly name = "scripted";
	readonly capabilities: Capabilities;
	readonly appends: Append[] = [];
	/** The most appends of one partition that were under way at once. */
	mostAtOnce = 0;
	script: Script;
	readonly #underWay = new Map<number, number>();

	constructor(script: Script = allOk, capabilities: Partial<Capabilities> = {}) {
		this.script = script;
		this.capabilities = { ...CAPABILITIES, ...capabilities };
	}

	async append(
		partition: Partition,
		records: readonly OutgoingRecord[],
		producer: ProducerIdentity,
		signal?: AbortSignal,
	): Promise<readonly AppendOutcome[]> {
		const append = { partition, records, producer, signal };
		this.appends.push(append);
		const underWay = (this.#underWay.get(partition.index) ?? 0) + 1;
		this.#underWay.set(partition.index, underWay);
		this.mostAtOnce = Math.max(this.mostAtOnce, underWay);
		try {
			return await this.script(append);
		} finally {
			this.#underWay.set(partition.index, underWay - 1);
		}
	}

	classify(error: unknown): Classification {
		return { code: error instanceof DriverError ? error.code : "UNKNOWN" };
	}

	readonly wrap = (error: unknown, doing: string, context: ErrorContext) => wrapDriverError(this, error, doing, context, []);
}

export function allOk({ records }: Append): AppendOutcome[] {
	return records.map(() => ({ status: "ok" }));
}

export function failing(code: ErrorCode): never {
	throw new DriverError(code);
}

/** The values of all appends, as text. */
export function texts(append: Append): string[] {
	return append.records.map((record) => Buffer.from(record.value ?? []).toString());
}
