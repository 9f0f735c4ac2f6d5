// One server, named by the URL or by sentinels. Four connections: commands, reads, and one blocked waiting each for
// records and for journal entries.
import { PolylogError } from "@polylog/core/driver";
import type { Redis } from "ioredis";
import { classify } from "../errors.ts";
import type { Address } from "../options.ts";
import { Link, type Surroundings } from "./link.ts";
import { askSentinels } from "./sentinels.ts";
import type { Route, Servers } from "./servers.ts";
import { Tail, TAIL_BLOCK_MS } from "./tail.ts";

export class OnePrimary implements Servers {
	readonly commands: Route;
	readonly reads: Route;
	readonly records: Tail;
	readonly journals: Tail;
	readonly #surroundings: Surroundings;
	readonly #commands: Link;
	readonly #others: readonly Link[];
	/** Where the latest attempt of `commands` went. */
	#tried: Address | undefined;
	/** Where `commands` is, or was last; the others go there too. */
	#address: Address | undefined;

	/** `check` judges a server that is to hold the logs. */
	constructor(surroundings: Surroundings, check: (client: Redis) => Promise<void>) {
		this.#surroundings = surroundings;
		const { display } = surroundings.settings;
		const locate = async () => (this.#tried = await this.#locate());
		this.#commands = new Link(surroundings, { role: "commands", display, locate, check, opened: () => this.#opened() });
		const follow = () => this.#follow();
		const reads = new Link(surroundings, { role: "reads", display, locate: follow, check: ping, packed: true });
		const tailOf = (role: string): [Link, Tail] => {
			const checkTail = (client: Redis) => identify(client, tail);
			const link = new Link(surroundings, { role, display, locate: follow, check: checkTail, extraTimeoutMs: TAIL_BLOCK_MS });
			const tail: Tail = new Tail(link, this.#commands, surroundings.clock);
			return [link, tail];
		};
		const [recordLink, records] = tailOf("tail");
		const [journalLink, journals] = tailOf("journal-tail");
		this.records = records;
		this.journals = journals;
		this.#others = [reads, recordLink, journalLink];
		this.commands = routeOver(this.#commands);
		this.reads = routeOver(reads);
	}

	get clients(): readonly Redis[] {
		return this.#commands.client ? [this.#commands.client] : [];
	}

	async connect(signal?: AbortSignal): Promise<void> {
		// First the one that judges the server: its refusal is the error worth showing.
		await this.#commands.connect(signal);
		await Promise.all(this.#others.map((link) => link.connect(signal)));
	}

	async close(): Promise<void> {
		for (const tail of [this.records, this.journals]) tail.close();
		await Promise.all([this.#commands, ...this.#others].map((link) => link.close()));
	}

	destroy(): void {
		for (const tail of [this.records, this.journals]) tail.close();
		for (const link of [this.#commands, ...this.#others]) link.destroy();
	}

	#locate(): Address | Promise<Address> {
		const { target } = this.#surroundings.settings;
		if (target.kind === "server") return target.address;
		if (target.kind === "sentinel") return askSentinels(this.#surroundings, target);
		throw new TypeError(`one primary cannot be found in a ${target.kind}`);
	}

	#follow(): Address {
		if (this.#address) return this.#address;
		throw new PolylogError("CONNECTION_LOST", `not connected to ${this.#surroundings.settings.display}`);
	}

	/**
	 * There may have been a failover. What the other connections are reading then may be records that the new primary
	 * does not have: nothing of it may be processed and committed there, so they go first.
	 */
	#opened(): void {
		this.#address = this.#tried;
		if (this.#surroundings.settings.target.kind !== "sentinel") return;
		for (const link of this.#others) link.renew("the primary may be another one by now");
	}
}

function routeOver(link: Link): Route {
	return {
		get generation() {
			return link.generation;
		},
		run: (_, send, options) => link.run(send, options),
	};
}

/** A server that is loading its data accepts connections, and refuses this. */
export async function ping(client: Redis): Promise<void> {
	await client.ping();
}

async function identify(client: Redis, tail: Tail): Promise<void> {
	await client.ping();
	try {
		tail.identify(await client.client("ID"));
	} catch (error) {
		if (classify(error).code !== "UNAUTHORIZED") throw error;
		tail.identify(undefined);
	}
}
