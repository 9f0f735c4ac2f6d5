// A TCP proxy that can spoil connections: between a client and its broker, for tests of what the client then does.
import { createServer, connect, type Server, type Socket } from "node:net";
import { type Flow, Pipe, type Rules } from "./pipe.ts";

export type { Flow } from "./pipe.ts";

interface Pair {
	readonly client: Socket;
	readonly broker: Socket;
	readonly pipes: readonly Pipe[];
}

interface Target {
	readonly host: string;
	/** Read at each connection: a broker may be told the proxy's port before it has one itself. */
	readonly port: number;
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
	/** Everything passes again, at once. */
	heal(): void;
	close(): Promise<void>;
}

export async function startProxy(target: Target): Promise<Proxy> {
	const proxy = new TcpProxy(target);
	await proxy.listen();
	return proxy;
}

class TcpProxy implements Proxy {
	readonly #target: Target;
	readonly #server: Server;
	readonly #pairs = new Set<Pair>();
	readonly #toBroker: Rules = { flow: "pass", delayMs: 0 };
	readonly #toClient: Rules = { flow: "pass", delayMs: 0 };
	#refused = false;
	#trap: { readonly text: string; readonly when: "before" | "reply"; readonly sprung: () => void } | undefined;

	constructor(target: Target) {
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
		this.#toBroker.flow = toBroker ?? this.#toBroker.flow;
		this.#toClient.flow = toClient ?? this.#toClient.flow;
		this.#pump();
	}

	delayReplies(delayMs: number): void {
		this.#toClient.delayMs = delayMs;
		this.#pump();
	}

	cutOn(text: string, when: "before" | "reply"): Promise<void> {
		return new Promise((resolve) => {
			this.#trap = { text, when, sprung: resolve };
		});
	}

	heal(): void {
		this.#trap = undefined;
		this.refuse(false);
		this.delayReplies(0);
		this.flow({ toBroker: "pass", toClient: "pass" });
	}

	async close(): Promise<void> {
		this.cut();
		await new Promise((resolve) => this.#server.close(resolve));
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}

	#pump(): void {
		for (const { pipes } of this.#pairs) for (const pipe of pipes) pipe.pump();
	}

	#accept(client: Socket): void {
		const broker = connect({ host: this.#target.host, port: this.#target.port, noDelay: true });
		const [toBroker, toClient] = [new Pipe(broker, this.#toBroker), new Pipe(client, this.#toClient)];
		const pair = { client, broker, pipes: [toBroker, toClient] };
		this.#pairs.add(pair);
		const closed = (other: Socket, pipe: Pipe) => () => {
			if (!other.destroyed) return pipe.finish();
			this.#pairs.delete(pair);
			for (const each of pair.pipes) each.end();
		};
		client.once("close", closed(broker, toBroker)).on("error", () => client.destroy());
		broker.once("close", closed(client, toClient)).on("error", () => broker.destroy());
		if (this.#refused) return reset(pair);
		let doomed: (() => void) | undefined;
		client.on("data", (chunk) => {
			const trap = this.#trap;
			if (trap && chunk.includes(trap.text)) {
				this.#trap = undefined;
				doomed = trap.sprung;
				if (trap.when === "before") return this.#spring(pair, trap.sprung);
			}
			toBroker.write(chunk);
		});
		broker.on("data", (chunk) => (doomed ? this.#spring(pair, doomed) : toClient.write(chunk)));
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
