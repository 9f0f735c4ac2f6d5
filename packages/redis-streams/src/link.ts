// One connection that is made anew whenever it breaks.
//
// Every connection is a fresh ioredis client that neither reconnects nor queues nor resends: when its socket closes,
// whatever was under way on it rejects, and nothing is ever sent twice behind the caller's back. (ioredis' own
// reconnecting with autoResendUnfulfilledCommands resends appends; without it, 6.0.0 may leave promises pending.)
import { type Clock, type Log, PolylogError, type Random } from "@polylog/core/driver";
import { Redis, type RedisOptions } from "ioredis";
import { classify, withoutCommand } from "./errors.ts";
import { PackingConnector } from "./packing-connector.ts";
import type { Settings } from "./options.ts";

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2000;
/** The role of the connection whose breaks are worth a warning. */
const SPEAKER = "commands";
/** For the peer to answer our goodbye. */
const CLOSE_MS = 250;

export interface LinkContext {
	readonly settings: Settings;
	readonly clock: Clock;
	readonly random: Random;
	readonly log: Log;
	readonly clientId: string;
	/** Run on each new connection before it is used; a rejection means: not fit. */
	check(client: Redis): Promise<void>;
}

export interface LinkOptions {
	/** Beyond a command's ordinary time, for commands that block. */
	readonly extraTimeoutMs?: number;
	/** Lists of entries come packed: see entry-packing.ts. */
	readonly packed?: boolean;
}

export class Link {
	readonly #context: LinkContext;
	readonly #role: string;
	readonly #commandTimeoutMs: number;
	readonly #packed: boolean;
	#client: Redis | undefined;
	/** Being made; not used yet. */
	#opening: Redis | undefined;
	#generation = 0;
	#attempts = 0;
	#cancelRetry: (() => void) | undefined;
	#lastError: unknown;
	#closed = false;

	/** `role` tells the connections of one process apart in CLIENT LIST. */
	constructor(context: LinkContext, role: string, { extraTimeoutMs = 0, packed = false }: LinkOptions = {}) {
		this.#context = context;
		this.#role = role;
		this.#commandTimeoutMs = context.settings.commandTimeoutMs + extraTimeoutMs;
		this.#packed = packed;
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
			await this.#open();
		} catch (error) {
			signal?.throwIfAborted();
			throw error;
		} finally {
			signal?.removeEventListener("abort", abort);
		}
	}

	/** Sends at once or rejects at once; never waits for a connection. With `generation`, only on that connection. */
	async run<T>(
		send: (client: Redis) => Promise<T>,
		options: { readonly generation?: number; readonly signal?: AbortSignal } = {},
	): Promise<T> {
		options.signal?.throwIfAborted();
		const client = this.#client;
		if (!client) throw this.#disconnected();
		if (options.generation !== undefined && options.generation !== this.#generation) {
			throw new PolylogError("CONNECTION_LOST", `the connection to ${this.#context.settings.display} is another one by now`);
		}
		try {
			return await untilAborted(send(client), options.signal);
		} catch (error) {
			// Silence may be a half-open connection; and what was sent may still arrive, so nothing may overtake it there.
			if (classify(error).code === "TIMEOUT") this.#drop(client, error);
			if (client.status !== "ready" && neverSent(error)) throw this.#disconnected();
			throw withoutCommand(error);
		}
	}

	/** Ends the connection in good order, or after a quarter of a second without. */
	async close(): Promise<void> {
		const client = this.#end();
		if (!client || client.status === "end") return;
		await new Promise<void>((resolve) => {
			const cancel = this.#context.clock.after(CLOSE_MS, () => {
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
		client?.disconnect();
		if (client) destroySocket(client);
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
		const { clock, settings } = this.#context;
		if (this.#closed) throw this.#disconnected();
		const client = new Redis(this.#options());
		this.#opening = client;
		let socketError: Error | undefined;
		client.on("error", (error) => (socketError ??= error));
		// ioredis' own limit ends with the TCP connection; a frozen server accepts and then says nothing.
		const cancel = clock.after(settings.connectTimeoutMs, () => {
			socketError ??= new PolylogError("CONNECTION_LOST", `${settings.display} did not answer within ${settings.connectTimeoutMs} ms`);
			destroyClient(client);
		});
		try {
			await client.connect();
			// SELECT of a database that does not exist is only an event: going on would write into database 0.
			if (socketError) throw socketError;
			await this.#context.check(client);
			if (this.#closed || client.status !== "ready") throw this.#disconnected();
		} catch (error) {
			destroyClient(client);
			throw withoutCommand(socketError ?? error);
		} finally {
			cancel();
			this.#opening = undefined;
		}
		this.#use(client);
	}

	#use(client: Redis): void {
		if (this.#attempts > 1) this.#tell(`connected to ${this.#context.settings.display} again`);
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
		this.#context.log.info(`lost the connection to ${this.#context.settings.display} (${this.#role})`);
		this.#retry();
	}

	/** Connections of one process break together: one of them speaks for all. */
	#tell(message: string): void {
		if (this.#role === SPEAKER) this.#context.log.warn(message);
		else this.#context.log.info(`${message} (${this.#role})`);
	}

	#retry(): void {
		const ceiling = Math.min(FIRST_RETRY_MS * 2 ** this.#attempts, LAST_RETRY_MS);
		this.#attempts += 1;
		const delayMs = ceiling * (0.5 + this.#context.random.fraction() / 2);
		this.#cancelRetry = this.#context.clock.after(delayMs, () => void this.#tryAgain());
	}

	async #tryAgain(): Promise<void> {
		try {
			await this.#open();
		} catch (error) {
			if (this.#closed) return;
			if (this.#attempts === 1) this.#tell(`cannot connect to ${this.#context.settings.display}: ${String(error)}; trying on`);
			this.#lastError = error;
			this.#retry();
		}
	}

	#options(): RedisOptions {
		const { settings, clientId } = this.#context;
		return {
			host: settings.host,
			port: settings.port,
			db: settings.database,
			...(settings.username === undefined ? {} : { username: settings.username }),
			...(settings.password === undefined ? {} : { password: settings.password.reveal() }),
			...(settings.tls === undefined ? {} : { tls: settings.tls }),
			// CLIENT SETNAME takes printable characters without spaces.
			connectionName: `${clientId.replaceAll(/[^!-~]/g, "_")}:${this.#role}`,
			connectTimeout: settings.connectTimeoutMs,
			commandTimeout: this.#commandTimeoutMs,
			protocol: 2,
			lazyConnect: true,
			retryStrategy: null,
			enableOfflineQueue: false,
			autoResendUnfulfilledCommands: false,
			maxRetriesPerRequest: 0,
			enableReadyCheck: false,
			disableClientInfo: true,
			...(this.#packed ? { Connector: PackingConnector } : {}),
		};
	}

	#disconnected(): PolylogError {
		const { display } = this.#context.settings;
		if (this.#closed) return new PolylogError("CLOSED", `the connection to ${display} was closed`);
		const { code, retryable } = classify(this.#lastError);
		const cause = this.#lastError === undefined ? {} : { cause: this.#lastError };
		const reason = this.#lastError instanceof Error ? `: ${this.#lastError.message}` : "";
		if (code === "UNKNOWN" || code === "TIMEOUT" || code === "CLOSED")
			return new PolylogError("CONNECTION_LOST", `not connected to ${display}${reason}`, cause);
		return new PolylogError(code, `not connected to ${display}${reason}`, retryable === undefined ? cause : { ...cause, retryable });
	}
}

/** What ioredis says of a command it was given after the socket had closed. */
function neverSent(error: unknown): boolean {
	return error instanceof Error && error.message.startsWith("Stream isn't writeable");
}

function destroyClient(client: Redis): void {
	client.disconnect();
	destroySocket(client);
}

function destroySocket(client: Redis): void {
	// Absent until the client began to connect, whatever its type says.
	const socket: { destroy(): unknown } | undefined = client.stream;
	socket?.destroy();
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
	if (!signal) return promise;
	return new Promise((resolve, reject) => {
		const abort = () => reject(signal.reason);
		signal.addEventListener("abort", abort, { once: true });
		promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
	});
}
