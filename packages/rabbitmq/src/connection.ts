// One AMQP connection, from its socket to its end.
import { connect as connectSocket } from "node:net";
import type { Writable } from "node:stream";
import { type Clock, PolylogError, scrub } from "@polylog/core/driver";
import { type ChannelModel, connect, credentials, type SocketOptions } from "amqplib";
import { gatherWrites } from "./gathered-writes.ts";
import type { Host, Settings } from "./options.ts";
import { within } from "./waiting.ts";

/** Seconds. A peer that is silent for two of them is gone. */
const HEARTBEAT_S = 5;
/** For the peer to answer our goodbye. */
const CLOSE_MS = 250;

export interface ConnectRequest {
	readonly settings: Settings;
	readonly host: Host;
	/** Shown in the broker's own tools. */
	readonly name: string;
	readonly clock: Clock;
	/** Rises with every connection of a link. */
	readonly generation: number;
}

export class Connection {
	readonly model: ChannelModel;
	readonly generation: number;
	readonly host: string;
	readonly #clock: Clock;
	readonly #socket: AbortController;
	readonly #lost = new AbortController();
	/** Why the broker takes no more records on it. */
	#blocked: string | undefined;
	onBlocked: (() => void) | undefined;

	private constructor(model: ChannelModel, socket: AbortController, { clock, generation, host }: ConnectRequest) {
		this.model = model;
		this.generation = generation;
		this.host = `${host.host}:${host.port}`;
		this.#clock = clock;
		this.#socket = socket;
		let reason: unknown;
		// Listeners stay for good: amqplib reports on a connection long after it was given up.
		model.on("error", (error: unknown) => (reason ??= error));
		model.on("close", (error: unknown) => this.#lose(reason ?? error));
		model.on("blocked", (why: string) => {
			this.#blocked = why;
			this.onBlocked?.();
		});
		model.on("unblocked", () => (this.#blocked = undefined));
	}

	static async open(request: ConnectRequest): Promise<Connection> {
		const { settings, clock, host } = request;
		const socket = new AbortController();
		const target = {
			protocol: settings.tls ? "amqps" : "amqp",
			hostname: host.host,
			port: host.port,
			// amqplib decodes it.
			vhost: encodeURIComponent(settings.vhost),
			heartbeat: HEARTBEAT_S,
		};
		const connecting = connect(target, socketOptions(request, socket.signal));
		try {
			const model = await within(clock, settings.connectTimeoutMs, `connecting to ${host.host}:${host.port}`, connecting);
			gatherWrites(socketOf(model));
			return new Connection(model, socket, request);
		} catch (error) {
			connecting.then(
				(late) => late.on("error", () => {}),
				() => {},
			);
			socket.abort();
			throw withoutSecret(error, settings);
		}
	}

	/** Aborts when the connection is gone, with the reason. */
	get lost(): AbortSignal {
		return this.#lost.signal;
	}

	get blocked(): string | undefined {
		return this.#blocked;
	}

	/** Ends it in good order, or after a quarter of a second without. */
	async close(): Promise<void> {
		if (this.lost.aborted) return;
		try {
			await within(this.#clock, CLOSE_MS, "closing", this.model.close());
		} catch {
			// It is going either way.
		}
		this.destroy(new PolylogError("CLOSED", "the connection was closed"));
	}

	destroy(reason: unknown): void {
		this.#lose(reason);
		this.#socket.abort();
	}

	#lose(reason: unknown): void {
		if (this.lost.aborted) return;
		this.#lost.abort(reason ?? new PolylogError("CONNECTION_LOST", `the connection to ${this.host} ended`));
	}
}

function socketOptions({ settings, host, name }: ConnectRequest, signal: AbortSignal): SocketOptions {
	const { tls, external, username, password } = settings;
	const common = {
		noDelay: true,
		keepAlive: true,
		keepAliveDelay: 10_000,
		clientProperties: { connection_name: name },
		credentials: external ? credentials.external() : credentials.plain(username, password?.reveal() ?? "guest"),
	};
	// Passed on to node:net, whose sockets end with the signal; node:tls takes a socket that does.
	const plain: SocketOptions & { signal: AbortSignal } = { ...common, signal };
	if (!tls) return plain;
	const socket = connectSocket({ host: host.host, port: host.port, signal, noDelay: true });
	socket.on("error", () => {});
	return { ...tls, ...common, socket };
}

/** amqplib has no name for it in its types. */
function socketOf({ connection }: ChannelModel): Writable {
	return (connection as unknown as { readonly stream: Writable }).stream;
}

/** amqplib does not put credentials into its errors; the servers of others may. */
function withoutSecret(error: unknown, { password }: Settings): unknown {
	if (error instanceof Error && password) error.message = scrub(error.message, [password]);
	return error;
}
