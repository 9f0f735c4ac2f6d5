// A connected driver with what core adds to every call: errors wrapped once, shared lookups, the injected clock.
import { type Clock, type Random, sleep } from "./clock.ts";
import { wrapDriverError } from "./driver-errors.ts";
import type { Driver, PartitionDescription, TopicDescription } from "./driver/driver.ts";
import { type ErrorContext, isPolylogError, PolylogError } from "./errors.ts";
import type { Log } from "./log.ts";
import type { Offset, Position } from "./offset.ts";
import { type Partition, partitionKey } from "./partition.ts";
import { partitionContext } from "./partition-context.ts";
import { backoffMs } from "./patience.ts";
import { checkPosition } from "./position.ts";
import type { Secret } from "./secret.ts";

/** For looking at and operating topics and groups while a connection is made anew, or a node takes another's place. */
const PATIENCE_MS = 10_000;
const LONGEST_PAUSE_MS = 1_000;

export interface BackendParts {
	readonly driver: Driver;
	readonly clock: Clock;
	readonly random: Random;
	readonly log: Log;
	readonly clientId: string;
	readonly secrets: readonly Secret[];
	/** Where the broker is, safe to print. */
	readonly display: string;
}

export class Backend {
	readonly driver: Driver;
	readonly clock: Clock;
	readonly random: Random;
	readonly log: Log;
	readonly clientId: string;
	readonly #parts: BackendParts;
	#closed = false;
	readonly #describing = new Map<string, Promise<TopicDescription | undefined>>();
	/** Begins when the one under way is done. */
	readonly #describingNext = new Map<string, Promise<TopicDescription | undefined>>();

	constructor(parts: BackendParts) {
		this.#parts = parts;
		this.driver = parts.driver;
		this.clock = parts.clock;
		this.random = parts.random;
		this.log = parts.log;
		this.clientId = parts.clientId;
	}

	/** A driver's error as a PolylogError, saying what was being done. */
	wrap(error: unknown, doing: string, context: ErrorContext = {}): PolylogError {
		return wrapDriverError(this.driver, error, `${doing} on ${this.#parts.display}`, context, this.#parts.secrets);
	}

	/** From now on every attempt is CLOSED. */
	close(): void {
		this.#closed = true;
	}

	/** Runs a driver's call; its error is wrapped. */
	async attempt<R>(doing: string, work: () => Promise<R>, context: ErrorContext = {}): Promise<R> {
		if (this.#closed)
			throw new PolylogError("CLOSED", `${doing}: the connection to ${this.#parts.display} is closed; connect() again`, context);
		try {
			return await work();
		} catch (error) {
			throw this.wrap(error, doing, context);
		}
	}

	/**
	 * The same for a call that does no harm when it is made twice: one that fails since the broker cannot be reached is
	 * repeated for 10 s. `again` is set where an earlier one may have taken effect.
	 */
	async patiently<R>(doing: string, work: (again: boolean) => Promise<R>, context: ErrorContext = {}): Promise<R> {
		const end = this.clock.now() + PATIENCE_MS;
		for (let tries = 1; ; tries++) {
			try {
				return await this.attempt(doing, () => work(tries > 1), context);
			} catch (error) {
				const passes = isPolylogError(error, "CONNECTION_LOST") || isPolylogError(error, "UNAVAILABLE");
				const pauseMs = backoffMs(tries, this.random, undefined, LONGEST_PAUSE_MS);
				if (!passes || !error.retryable || this.clock.now() + pauseMs > end) throw error;
				await sleep(this.clock, pauseMs);
			}
		}
	}

	/**
	 * Callers share lookups: a thousand partitions starting together ask twice. Never one that was under way already when
	 * it was asked for, since it may have looked before what the caller knows to be there.
	 */
	describeTopic(topic: string): Promise<TopicDescription | undefined> {
		const next = this.#describingNext.get(topic);
		if (next) return next;
		const underWay = this.#describing.get(topic);
		if (!underWay) return this.#describe(topic);
		const again = () => {
			this.#describingNext.delete(topic);
			return this.#describe(topic);
		};
		const asked = underWay.then(again, again);
		this.#describingNext.set(topic, asked);
		return asked;
	}

	/** TOPIC_NOT_FOUND if there is no such topic. */
	async describeExisting(topic: string): Promise<TopicDescription> {
		const described = await this.describeTopic(topic);
		if (described) return described;
		throw new PolylogError("TOPIC_NOT_FOUND", `topic ${topic} does not exist on ${this.#parts.display}`, { topic });
	}

	#describe(topic: string): Promise<TopicDescription | undefined> {
		const asked = this.attempt(`describing topic ${topic}`, () => this.driver.topics.describe(topic), { topic }).finally(() =>
			this.#describing.delete(topic),
		);
		this.#describing.set(topic, asked);
		return asked;
	}

	async describePartition(partition: Partition): Promise<PartitionDescription> {
		const described = (await this.describeTopic(partition.topic))?.partitions[partition.index];
		if (described) return described;
		throw new PolylogError(
			"TOPIC_NOT_FOUND",
			`${partitionKey(partition)} does not exist on ${this.#parts.display}; create it with broker.topics.ensure, or check the name`,
			partitionContext(partition),
		);
	}

	/** The offset a position means now. OFFSET_OUT_OF_RANGE for an offset that is not in the log. */
	async resolve(partition: Partition, position: Position): Promise<Offset> {
		checkPosition(position);
		if (position !== "earliest" && position !== "latest" && "timestamp" in position) {
			const at = Number(position.timestamp);
			return this.attempt(
				`finding the offset at ${new Date(at).toISOString()} in ${partitionKey(partition)}`,
				() => this.driver.offsetAt(partition, at),
				partitionContext(partition),
			);
		}
		const { earliest, end } = await this.describePartition(partition);
		if (position === "earliest") return earliest;
		if (position === "latest") return end;
		const requested = position.offset;
		if (requested >= earliest && requested <= end) return requested;
		throw new PolylogError(
			"OFFSET_OUT_OF_RANGE",
			`offset ${requested} of ${partitionKey(partition)} is outside what the log holds, ${earliest} to ${end}`,
			{
				...partitionContext(partition),
				requested,
				earliest,
				end,
			},
		);
	}
}
