// A TCP proxy that can spoil connections: between a client and its broker, for tests of what the client then does.
import { createServer, connect, type Server, type Socket } from "node:net";

/** What happens to bytes: passed on, or swallowed without a word (a half-open connection). */
export type Flow = "pass" | "black-hole";

interface Pair {
	readonly client: Socket;
	readonly broker: Socket;
}

export interface Proxy extends AsyncDisposable {
	readonly port: number;
	/** Connections open now. */
	readonly connections: number;
	/** Resets every connection now open; new ones pass. */
	cut(): void;
	/** Refuses new connections (and cuts the open ones), or takes them again. */
	refuse(refused: boolean): void;
	/** Sets what happens to bytes in each direction, also on open connections. */
	flow(directions: { readonly toBroker?: Flow; readonly toClient?: Flow }): void;
	/** Holds each chunk of replies back for so long. */
	delayReplies(delayMs: number): void;
	/** Resets the next connection that sends a chunk holding `text`: `before` the broker gets it, or at its reply. */
	cutOn(text: string, when: "before" | "reply"): Promise<void>;
	close(): Promise<void>;
}

export async function startProxy(target: { readonly host: string; readonly port: number }): Promise<Proxy> {
	const proxy = new TcpProxy(target);
	await proxy.listen();
	return proxy;
}

class TcpProxy implements Proxy {
	readonly #target: { readonly host: string; readonly port: number };
	readonly #server: Server;
	readonly #pairs = new Set<Pair>();
	#toBroker: Flow = "pass";
	#toClient: Flow = "pass";
	#delayMs = 0;
	#refused = false;
	#trap: { readonly text: string; readonly when: "before" | "reply"; readonly sprung: () => void } | undefined;

	constructor(target: { readonly host: string; readonly port: number }) {
		this.#target = target;
		this.#server = createServer({ noDelay: true }, (client) => this.#accept(client));
	}

	get port(): number {
		const address = this.#server.address();
		if (typeof address !== "object" || !address) throw new Error("the proxy does not listen");
		return address.port;
	}

	get connections(): number {
		return this.#pairs.size;
	}

	listen(): Promise<void> {
		return new Promise((resolve, reject) => {
			this.#server.once("error", reject);
			this.#server.listen(0, "127.0.0.1", resolve);
		});
	}

	cut(): void {
		for (const pair of this.#pairs) reset(pair);
	}

	refuse(refused: boolean): void {
		this.#refused = refused;
		if (refused) this.cut();
	}

	flow({ toBroker, toClient }: { readonly toBroker?: Flow; readonly toClient?: Flow }): void {
		this.#toBroker = toBroker ?? this.#toBroker;
		this.#toClient = toClient ?? this.#toClient;
	}

	delayReplies(delayMs: number): void {
		this.#delayMs = delayMs;
	}

	cutOn(text: string, when: "before" | "reply"): Promise<void> {
		return new Promise((resolve) => {
			this.#trap = { text, when, sprung: resolve };
		});
	}

	async close(): Promise<void> {
		this.cut();
		await new Promise((resolve) => this.#server.close(resolve));
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}

	#accept(client: Socket): void {
		const broker = connect({ ...this.#target, noDelay: true });
		const pair = { client, broker };
		this.#pairs.add(pair);
		const end = () => {
			this.#pairs.delete(pair);
			client.destroy();
			broker.destroy();
		};
		for (const socket of [client, broker]) socket.once("close", end).on("error", end);
		if (this.#refused) return reset(pair);
		let doomed: (() => void) | undefined;
		client.on("data", (chunk) => {
			const trap = this.#trap;
			if (trap && chunk.includes(trap.text)) {
				this.#trap = undefined;
				doomed = trap.sprung;
				if (trap.when === "before") return this.#spring(pair, trap.sprung);
			}
			if (this.#toBroker === "pass") broker.write(chunk);
		});
		broker.on("data", (chunk) => {
			if (doomed) return this.#spring(pair, doomed);
			if (this.#toClient !== "pass") return;
			if (this.#delayMs === 0) client.write(chunk);
			else setTimeout(() => client.destroyed || client.write(chunk), this.#delayMs);
		});
	}

	#spring(pair: Pair, sprung: () => void): void {
		reset(pair);
		sprung();
	}
}

function reset({ client, broker }: Pair): void {
	client.resetAndDestroy();
	broker.destroy();
}
