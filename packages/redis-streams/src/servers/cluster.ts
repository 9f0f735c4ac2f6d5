// A Redis Cluster: each key's commands go to the node that serves its slot. Four connections to each such node.
//
// Not ioredis' own Cluster: it repeats commands after a failover, and does not tell when a key has gone to another node
// or connection. Core must prove its places then, before anything is appended there.
import { PolylogError, sleep } from "@polylog/core/driver";
import keySlot from "cluster-key-slot";
import type { Redis } from "ioredis";
import { addressText } from "./client.ts";
import { type ClusterNode } from "./cluster-node.ts";
import { ClusterView } from "./cluster-view.ts";
import { anotherConnection, type Link, type RunOptions, type Surroundings } from "./link.ts";
import type { Route, Servers, Waiting } from "./servers.ts";

/**
 * Replies of a node that does not have the key, or not all of them; then nothing was executed. Nothing is ever sent
 * with ASKING to where a slot is on its way: a key that has not arrived there would read as empty. Instead we wait until
 * the slot has arrived, which takes a moment unless others keep many keys in it.
 */
const REDIRECTIONS: ReadonlySet<string> = new Set(["MOVED", "ASK", "TRYAGAIN"]);
/** So often it is tried again, for half a second in all; then it fails as UNAVAILABLE. */
const REDIRECTS = 5;
const REDIRECT_MS = 50;

export class Cluster implements Servers {
	readonly commands: Route;
	readonly reads: Route;
	readonly records: Waiting;
	readonly journals: Waiting;
	readonly #surroundings: Surroundings;
	readonly #view: ClusterView;

	/** `check` judges each node that is to hold logs. */
	constructor(surroundings: Surroundings, check: (client: Redis) => Promise<void>) {
		this.#surroundings = surroundings;
		const view = new ClusterView(surroundings, check);
		this.#view = view;
		this.commands = {
			get generation() {
				return view.generation;
			},
			run: (key, send, options) => this.#run((node) => node.commands, key, send, options),
		};
		this.reads = { generation: 0, run: (key, send, options) => this.#run((node) => node.reads, key, send, options) };
		this.records = { wait: (...place) => this.#wait(...place) };
		this.journals = this.records;
	}

	get clients(): readonly Redis[] {
		return this.#view.nodes.flatMap(({ commands }) => commands.client ?? []);
	}

	async connect(signal?: AbortSignal): Promise<void> {
		await this.#view.connect(signal);
	}

	async close(): Promise<void> {
		await this.#view.close();
	}

	destroy(): void {
		this.#view.destroy();
	}

	async #run<T>(
		linkOf: (node: ClusterNode) => Link,
		key: string,
		send: (client: Redis) => Promise<T>,
		{ generation, signal }: RunOptions = {},
	): Promise<T> {
		for (let attempt = 1; ; attempt++) {
			const node = this.#nodeOf(key);
			// Nothing is awaited between this and the sending.
			if (generation !== undefined && generation !== this.#view.generation) throw anotherConnection(this.#surroundings.settings.display);
			try {
				return await linkOf(node).run(send, { signal });
			} catch (error) {
				const reply = firstWord(error);
				if (reply === "CLUSTERDOWN") this.#view.refreshSoon();
				if (!REDIRECTIONS.has(reply)) throw error;
				if (attempt > REDIRECTS) throw this.#onItsWay(key, node, error);
				if (reply === "MOVED") await this.#view.refresh();
				await sleep(this.#surroundings.clock, REDIRECT_MS * (attempt - 1), signal);
			}
		}
	}

	#onItsWay(key: string, node: ClusterNode, cause: unknown): PolylogError {
		return new PolylogError("UNAVAILABLE", `the slot of ${key} is on its way from ${addressText(node.address)} to another node`, { cause });
	}

	async #wait(...[key, afterId, waitMs, signal]: Parameters<Waiting["wait"]>): Promise<boolean> {
		const node = this.#view.ownerOf(keySlot(key));
		if (node) return await node.tail.wait(key, afterId, waitMs, signal);
		// Nobody serves it: reading says so, after a while.
		await sleep(this.#surroundings.clock, Math.min(waitMs, REDIRECT_MS), signal).catch(() => undefined);
		return false;
	}

	#nodeOf(key: string): ClusterNode {
		const node = this.#view.ownerOf(keySlot(key));
		if (node) return node;
		this.#view.refreshSoon();
		const { display } = this.#surroundings.settings;
		if (this.#view.closed) throw new PolylogError("CLOSED", `the connection to ${display} was closed`);
		throw new PolylogError("UNAVAILABLE", `no node of ${display} serves the slot of ${key}`);
	}
}

function firstWord(error: unknown): string {
	return error instanceof Error ? (error.message.split(" ")[0] ?? "") : "";
}
