// A connection that is made anew whenever it breaks.
import { type Clock, type Log, PolylogError, type Random, untilAborted } from "@polylog/core/driver";
import type { Redis } from "ioredis";
import { classify, withoutCommand } from "../errors.ts";
import type { Address, Settings } from "../options.ts";
import { destroyClient, destroySocket, openClient } from "./client.ts";

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2000;
/** The role of the connection whose breaks are worth a warning. */
const SPEAKER = "commands";
/** For the peer to answer our goodbye. */
const CLOSE_MS = 250;

/** What all connections of a driver have in common. */
export interface Surroundings {
	readonly settings: Settings;
	readonly clock: Clock;
	readonly random: Random;
	readonly log: Log;
	readonly clientId: string;
}

export interface LinkOptions {
	/** Tells the connections of one process apart in CLIENT LIST. */
	readonly role: string;
	/** Of the server, safe to print. */
	readonly display: string;
	/** Where the server is, asked before each attempt. */
	locate(): Address | Promise<Address>;
	/** Run on each new connection before it is used; a rejection means: not fit. */
	check(client: Redis): Promise<void>;
	/** Called with each new connection, before anything is sent on it or its number is seen. */
	opened?(): void;
	/** Called when a connection is lost, and when an attempt at one failed. */
	lost?(): void;
	/** Beyond a command's ordinary time, for commands that block. */
	readonly extraTimeoutMs?: number;
	/** Lists of entries come packed: see entry-packing.ts. */
	readonly packed?: boolean;
}

export interface RunOptions {
	/** Only on the connection of that number. */
	readonly generation?: number | undefined;
	readonly signal?: AbortSignal | undefined;
}

export class Link {
	readonly #surroundings: Surroundings;
	readonly #options: LinkOptions;
	#client: Redis | undefined;
	/** Being made; not used yet. */
	#opening: Redis | undefined;
	#generation = 0;
	#attempts = 0;
	#cancelRetry: (() => void) | undefined;
	#lastError: unknown;
	#closed = false;

	constructor(surroundings: Surroundings, options: LinkOptions) {
		this.#surroundings = surroundings;
		this.#options = options;
	}

	/** Rises with every connection made. */
	get generation(): number {
		return this.#generation;
	}

	get client(): Redis | undefined {
		return this.#client;
	}

	/** Makes the first connection: one attempt, whose error it rejects with. */
	async connect(signal?: AbortSignal): Promise<void> {
		signal?.throwIfAborted();
		const abort = () => this.#opening?.disconnect();
		signal?.addEventListener("abort", abort, { once: true });
		try {
			await untilAborted(this.#open(), signal);
		} finally {
			signal?.removeEventListener("abort", abort);
		}
	}

	/** Makes the first connection, however many attempts it takes; resolves after the first attempt. */
	async begin(): Promise<void> {
		await this.#tryAgain();
	}

	/** Sends at once or rejects at once; never waits for a connection. */
	async run<T>(send: (client: Redis) => Promise<T>, { generation, signal }: RunOptions = {}): Promise<T> {
		signal?.throwIfAborted();
		const client = this.#client;
		if (!client) throw this.#disconnected();
		if (generation !== undefined && generation !== this.#generation) throw anotherConnection(this.#options.display);
		try {
			return await untilAborted(send(client), signal);
		} catch (error) {
			// Silence may be a half-open connection; and what was sent may still arrive, so nothing may overtake it there.
			if (classify(error).code === "TIMEOUT" || isDemoted(error)) this.#drop(client, error);
			if (client.status !== "ready" && neverSent(error)) throw this.#disconnected();
			throw withoutCommand(error);
		}
	}

	/** Gives the connection up for another one: what is under way on it rejects. */
	renew(reason: string): void {
		if (this.#client) this.#drop(this.#client, new PolylogError("CONNECTION_LOST", reason));
	}

	/** Ends the connection in good order, or after a quarter of a second without. */
	async close(): Promise<void> {
		const client = this.#end();
		if (!client || client.status === "end") return;
		await new Promise<void>((resolve) => {
			const cancel = this.#surroundings.clock.after(CLOSE_MS, () => {
				destroySocket(client);
				resolve();
			});
			client.once("end", () => {
				cancel();
				resolve();
			});
			client.disconnect();
		});
	}

	destroy(): void {
		const client = this.#end();
		if (client) destroyClient(client);
	}

	#end(): Redis | undefined {
		this.#closed = true;
		this.#cancelRetry?.();
		if (this.#opening) destroyClient(this.#opening);
		const client = this.#client;
		this.#client = undefined;
		return client;
	}

	async #open(): Promise<void> {
		if (this.#closed) throw this.#disconnected();
		const { settings, clock, clientId } = this.#surroundings;
		const { role, extraTimeoutMs = 0, packed = false } = this.#options;
		const address = await this.#options.locate();
		const { tls, username, password, database, connectTimeoutMs } = settings;
		const commandTimeoutMs = settings.commandTimeoutMs + extraTimeoutMs;
		const identity = { tls, username, password, database, name: `${clientId}:${role}` };
		const request = { address, ...identity, connectTimeoutMs, commandTimeoutMs, packed };
		try {
			const client = await openClient(
				clock,
				request,
				(connected) => this.#options.check(connected),
				(begun) => (this.#opening = begun),
			);
			if (this.#closed || client.status !== "ready") {
				destroyClient(client);
				throw this.#disconnected();
			}
			this.#use(client);
		} finally {
			this.#opening = undefined;
		}
	}

	#use(client: Redis): void {
		if (this.#attempts > 1) this.#tell(`connected to ${this.#options.display} again`);
		this.#options.opened?.();
		this.#client = client;
		this.#generation += 1;
		this.#attempts = 0;
		client.once("end", () => this.#drop(client, this.#lastError));
		client.on("error", (error: unknown) => (this.#lastError = withoutCommand(error)));
	}

	#drop(client: Redis, error: unknown): void {
		if (this.#client !== client) return;
		this.#client = undefined;
		this.#lastError = error;
		destroyClient(client);
		if (this.#closed) return;
		this.#surroundings.log.info(`lost the connection to ${this.#options.display} (${this.#options.role})`);
		this.#options.lost?.();
		this.#retry();
	}

	/** Connections of one process break together: one of them speaks for all. */
	#tell(message: string): void {
		if (this.#options.role === SPEAKER) this.#surroundings.log.warn(message);
		else this.#surroundings.log.info(`${message} (${this.#options.role})`);
	}

	#retry(): void {
		const ceiling = Math.min(FIRST_RETRY_MS * 2 ** this.#attempts, LAST_RETRY_MS);
		this.#attempts += 1;
		const delayMs = ceiling * (0.5 + this.#surroundings.random.fraction() / 2);
		this.#cancelRetry = this.#surroundings.clock.after(delayMs, () => void this.#tryAgain());
	}

	async #tryAgain(): Promise<void> {
		try {
			await this.#open();
		} catch (error) {
			if (this.#closed) return;
			if (this.#attempts === 1) this.#tell(`cannot connect to ${this.#options.display}: ${String(error)}; trying on`);
			this.#lastError = error;
			this.#options.lost?.();
			this.#retry();
		}
	}

	#disconnected(): PolylogError {
		const { display } = this.#options;
		if (this.#closed) return new PolylogError("CLOSED", `the connection to ${display} was closed`);
		const { code, retryable } = classify(this.#lastError);
		const cause = this.#lastError === undefined ? {} : { cause: this.#lastError };
		const reason = this.#lastError instanceof Error ? `: ${this.#lastError.message}` : "";
		if (code === "UNKNOWN" || code === "TIMEOUT" || code === "CLOSED")
			return new PolylogError("CONNECTION_LOST", `not connected to ${display}${reason}`, cause);
		return new PolylogError(code, `not connected to ${display}${reason}`, retryable === undefined ? cause : { ...cause, retryable });
	}
}

export function anotherConnection(display: string): PolylogError {
	return new PolylogError("CONNECTION_LOST", `the connection to ${display} is another one by now`);
}

/** What ioredis says of a command it was given after the socket had closed. */
function neverSent(error: unknown): boolean {
	return error instanceof Error && error.message.startsWith("Stream isn't writeable");
}

/** The primary has become a replica; the next attempt finds the new one, or is refused. */
function isDemoted(error: unknown): boolean {
	return error instanceof Error && error.message.startsWith("READONLY");
}
