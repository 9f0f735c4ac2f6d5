// One connection that is made anew whenever it breaks, to the next host of the list each time.
//
// amqplib's own recovery is not used: it knows nothing of positions in streams.
import { type Clock, type Log, PolylogError, type Random } from "@polylog/core/driver";
import { Connection } from "./connection.ts";
import { classify } from "./errors.ts";
import type { Settings } from "./options.ts";

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 3000;
/** For confirms of what went before a block. */
const BLOCKED_GRACE_MS = 100;

export interface LinkContext {
	readonly settings: Settings;
	readonly clock: Clock;
	readonly random: Random;
	readonly log: Log;
	readonly clientId: string;
}

export interface LinkOptions {
	/** Shown in the broker's own tools: tells the connections of one process apart. */
	readonly role: string;
	/** The broker stops reading a connection that publishes while it is short of memory or disk; a new one works until it publishes. */
	readonly replaceBlocked?: boolean;
	/** Run on each new connection before it is used; a rejection means: not fit. */
	check?(connection: Connection): void;
}

export class Link {
	readonly #context: LinkContext;
	readonly #options: LinkOptions;
	#connection: Connection | undefined;
	#opening: Promise<Connection> | undefined;
	#host = 0;
	#generation = 0;
	#attempts = 0;
	#cancelRetry: (() => void) | undefined;
	#lastError: unknown;
	#blockedAt = Number.NEGATIVE_INFINITY;
	#closed = false;

	constructor(context: LinkContext, options: LinkOptions) {
		this.#context = context;
		this.#options = options;
	}

	/** Rises with every connection made. */
	get generation(): number {
		return this.#generation;
	}

	get connection(): Connection | undefined {
		return this.#connection;
	}

	/** Tries each host once; rejects with the last one's error. */
	async connect(signal?: AbortSignal): Promise<void> {
		for (let left = this.#context.settings.hosts.length; ; left--) {
			signal?.throwIfAborted();
			try {
				await this.#open();
				return;
			} catch (error) {
				signal?.throwIfAborted();
				// Other hosts of the same cluster would say the same.
				if (left <= 1 || ["UNAUTHORIZED", "UNSUPPORTED", "CONFIG_INVALID"].includes(classify(error).code)) throw error;
				this.#host++;
			}
		}
	}

	/** The connection, or at once the reason why there is none. With `generation`, only that one. */
	require(generation?: number): Connection {
		const connection = this.#connection;
		if (!connection) throw this.#disconnected();
		if (generation === undefined || generation === connection.generation) return connection;
		throw new PolylogError("CONNECTION_LOST", `the connection to ${this.#context.settings.display} is another one by now`);
	}

	/** Gives a connection up that still looks alive; the next one is to another host, if there is one. */
	leave(connection: Connection, reason: unknown): void {
		if (this.#connection !== connection) return;
		this.#context.log.warn(
			`leaving ${connection.host} (${this.#options.role}): ${reason instanceof Error ? reason.message : String(reason)}`,
		);
		connection.destroy(reason);
	}

	/** Whether the broker refused records on this link a short while ago. */
	recentlyBlocked(ms: number): boolean {
		return this.#connection?.blocked !== undefined || this.#context.clock.now() - this.#blockedAt < ms;
	}

	async close(): Promise<void> {
		await this.#end()?.close();
	}

	destroy(): void {
		this.#end()?.destroy(new PolylogError("CLOSED", "the connection was dropped"));
	}

	#end(): Connection | undefined {
		this.#closed = true;
		this.#cancelRetry?.();
		this.#opening?.then(
			(late) => late.destroy(new PolylogError("CLOSED", "the connection was closed")),
			() => {},
		);
		const connection = this.#connection;
		this.#connection = undefined;
		return connection;
	}

	async #open(): Promise<void> {
		const { settings, clock, clientId } = this.#context;
		if (this.#closed) throw this.#disconnected();
		const host = settings.hosts[this.#host % settings.hosts.length] ?? settings.hosts[0];
		this.#opening = Connection.open({ settings, host, clock, name: `${clientId}:${this.#options.role}`, generation: this.#generation + 1 });
		try {
			const connection = await this.#opening;
			if (this.#closed) throw this.#disconnected();
			try {
				this.#options.check?.(connection);
			} catch (error) {
				connection.destroy(error);
				throw error;
			}
			if (connection.lost.aborted) throw connection.lost.reason;
			this.#use(connection);
		} finally {
			this.#opening = undefined;
		}
	}

	#use(connection: Connection): void {
		if (this.#attempts > 0) this.#context.log.info(`connected to ${connection.host} again (${this.#options.role})`);
		this.#connection = connection;
		this.#generation = connection.generation;
		this.#attempts = 0;
		connection.lost.addEventListener("abort", () => this.#dropped(connection), { once: true });
		connection.onBlocked = () => this.#onBlocked(connection);
	}

	#onBlocked(connection: Connection): void {
		const now = this.#context.clock.now();
		if (!this.recentlyBlocked(5000) || this.#blockedAt === Number.NEGATIVE_INFINITY) {
			this.#context.log.warn(`${connection.host} takes no more records for now: ${connection.blocked} (${this.#options.role})`);
		}
		this.#blockedAt = now;
		if (!this.#options.replaceBlocked) return;
		this.#context.clock.after(BLOCKED_GRACE_MS, () => {
			if (this.#connection !== connection) return;
			this.#connection = undefined;
			connection.destroy(new PolylogError("BACKPRESSURE", `${connection.host} takes no more records for now: ${connection.blocked}`));
			void this.#tryAgain();
		});
	}

	#dropped(connection: Connection): void {
		if (this.#connection !== connection) return;
		this.#connection = undefined;
		this.#lastError = connection.lost.reason;
		if (this.#closed) return;
		this.#context.log.info(`lost the connection to ${connection.host} (${this.#options.role})`);
		this.#host++;
		this.#retry();
	}

	/** The first hosts come in quick succession, whole rounds ever more slowly. */
	#retry(): void {
		const rounds = Math.floor(this.#attempts / this.#context.settings.hosts.length);
		const delayMs = Math.min(FIRST_RETRY_MS * 1.5 ** rounds, LAST_RETRY_MS) * (1 + 2 * this.#context.random.fraction());
		this.#attempts += 1;
		this.#cancelRetry = this.#context.clock.after(Math.min(delayMs, LAST_RETRY_MS), () => void this.#tryAgain());
	}

	async #tryAgain(): Promise<void> {
		try {
			await this.#open();
		} catch (error) {
			if (this.#closed) return;
			if (classify(error).code !== classify(this.#lastError).code)
				this.#context.log.warn(`cannot connect to ${this.#context.settings.display}: ${String(error)}`);
			this.#lastError = error;
			this.#host++;
			this.#retry();
		}
	}

	#disconnected(): PolylogError {
		const { display } = this.#context.settings;
		if (this.#closed) return new PolylogError("CLOSED", `the connection to ${display} was closed`);
		const { code, retryable } = classify(this.#lastError);
		const cause = this.#lastError === undefined ? {} : { cause: this.#lastError };
		const reason = this.#lastError instanceof Error ? `: ${this.#lastError.message}` : "";
		// A user may be added, a broker started again: what a connection lacks now is no reason to give up for ever, but credentials are.
		if (code === "UNAUTHORIZED")
			return new PolylogError(code, `not connected to ${display}${reason}`, retryable === undefined ? cause : { ...cause, retryable });
		return new PolylogError("CONNECTION_LOST", `not connected to ${display}${reason}`, cause);
	}
}
