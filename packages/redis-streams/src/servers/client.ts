// One connection, as a fresh ioredis client that neither reconnects nor queues nor resends: when its socket closes, whatever
// was under way on it rejects, and nothing is ever sent twice behind the caller's back. (ioredis' own reconnecting with
// autoResendUnfulfilledCommands resends appends; without it, 6.0.0 may leave promises pending.)
import { type Clock, PolylogError, type Secret } from "@polylog/core/driver";
import { Redis, type RedisOptions } from "ioredis";
import type { ConnectionOptions } from "node:tls";
import { withoutCommand } from "../errors.ts";
import type { Address } from "../options.ts";
import { PackingConnector } from "./packing-connector.ts";

export interface ClientRequest {
	readonly address: Address;
	readonly tls: ConnectionOptions | undefined;
	readonly username: string | undefined;
	readonly password: Secret | undefined;
	readonly database: number;
	/** Shown by CLIENT LIST. */
	readonly name: string | undefined;
	readonly connectTimeoutMs: number;
	readonly commandTimeoutMs: number;
	/** Lists of entries come packed: see entry-packing.ts. */
	readonly packed?: boolean;
}

/**
 * Connects, and runs `check` on the new connection; rejects with the first thing that went wrong. `begun` gets the
 * client at once, to end it early.
 */
export async function openClient(
	clock: Clock,
	request: ClientRequest,
	check: (client: Redis) => Promise<void>,
	begun: (client: Redis) => void = () => undefined,
): Promise<Redis> {
	const client = new Redis(optionsOf(request));
	begun(client);
	let socketError: Error | undefined;
	client.on("error", (error) => (socketError ??= error));
	const { address, connectTimeoutMs } = request;
	// ioredis' own limit ends with the TCP connection; a frozen server accepts and then says nothing.
	const cancel = clock.after(connectTimeoutMs, () => {
		socketError ??= new PolylogError("CONNECTION_LOST", `${addressText(address)} did not answer within ${connectTimeoutMs} ms`);
		destroyClient(client);
	});
	try {
		await client.connect();
		// SELECT of a database that does not exist is only an event: going on would write into database 0.
		if (socketError) throw socketError;
		await check(client);
		return client;
	} catch (error) {
		destroyClient(client);
		throw withoutCommand(socketError ?? error);
	} finally {
		cancel();
	}
}

/** For one question. */
export async function askOnce<T>(clock: Clock, request: ClientRequest, question: (client: Redis) => Promise<T>): Promise<T> {
	let answer: Promise<T> | undefined;
	const client = await openClient(clock, request, async (connected) => {
		answer = question(connected);
		await answer;
	});
	destroyClient(client);
	// It resolved, or opening had rejected.
	return await (answer as Promise<T>);
}

export function addressText({ host, port }: Address): string {
	return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

export function destroyClient(client: Redis): void {
	client.disconnect();
	destroySocket(client);
}

export function destroySocket(client: Redis): void {
	// Absent until the client began to connect, whatever its type says.
	const socket: { destroy(): unknown } | undefined = client.stream;
	socket?.destroy();
}

function optionsOf(request: ClientRequest): RedisOptions {
	const { address, tls, username, password, database, name, connectTimeoutMs, commandTimeoutMs, packed = false } = request;
	return {
		...address,
		db: database,
		...(username === undefined ? {} : { username }),
		...(password === undefined ? {} : { password: password.reveal() }),
		...(tls === undefined ? {} : { tls }),
		// CLIENT SETNAME takes printable characters without spaces.
		...(name === undefined ? {} : { connectionName: name.replaceAll(/[^!-~]/g, "_") }),
		connectTimeout: connectTimeoutMs,
		commandTimeout: commandTimeoutMs,
		protocol: 2,
		lazyConnect: true,
		retryStrategy: null,
		enableOfflineQueue: false,
		autoResendUnfulfilledCommands: false,
		maxRetriesPerRequest: 0,
		enableReadyCheck: false,
		disableClientInfo: true,
		...(packed ? { Connector: PackingConnector } : {}),
	};
}
