// An ioredis connector (its option `Connector`) whose connections pack lists of entries: see entry-packing.ts.
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { AbstractConnector, type RedisOptions } from "ioredis";
import { EntryPacker } from "./entry-packing.ts";

const DISCONNECT_MS = 2000;

export class PackingConnector extends AbstractConnector {
	readonly #options: RedisOptions;

	constructor(options: unknown) {
		super(DISCONNECT_MS);
		// What ioredis was constructed with.
		this.#options = options as RedisOptions;
	}

	connect(): Promise<Socket> {
		const { host = "127.0.0.1", port = 6379, tls } = this.#options;
		this.connecting = true;
		const socket = tls ? connectTls({ host, port, ...tls }) : connectTcp({ host, port });
		socket.once("error", (error) => (this.firstError = error));
		pack(socket);
		this.stream = socket;
		return Promise.resolve(socket);
	}
}

/** A readable stream gives out what it is pushed: packed here, before anybody who listens for data. */
function pack(socket: Socket): void {
	const packer = new EntryPacker();
	const push = socket.push.bind(socket);
	socket.push = (chunk: Buffer | null) => {
		if (chunk === null) return push(null);
		let more = true;
		for (const piece of packer.take(chunk)) more = push(piece);
		return more;
	};
}
