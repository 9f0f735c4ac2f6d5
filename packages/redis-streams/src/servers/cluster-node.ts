// The connections to one node of a Redis Cluster: commands, reads, and two by which it is waited for news.
import type { Redis } from "ioredis";
import type { Address } from "../options.ts";
import { addressText } from "./client.ts";
import { Link, type Surroundings } from "./link.ts";
import { ping } from "./one-primary.ts";
import { TrackingTail } from "./tracking-tail.ts";

export interface NodeEvents {
	/** Judges a node that is to hold logs. */
	check(client: Redis): Promise<void>;
	/** There is a new connection to append on. */
	opened(): void;
	/** The node may be gone. */
	lost(): void;
}

export class ClusterNode {
	readonly address: Address;
	readonly commands: Link;
	readonly reads: Link;
	readonly tail: TrackingTail;
	readonly #links: readonly Link[];

	constructor(surroundings: Surroundings, address: Address, events: NodeEvents) {
		this.address = address;
		const common = { display: addressText(address), locate: () => address, lost: () => events.lost() };
		const check = (client: Redis) => events.check(client);
		this.commands = new Link(surroundings, { ...common, role: "commands", check, opened: () => events.opened() });
		this.reads = new Link(surroundings, { ...common, role: "reads", check: ping, packed: true });
		const asks = new Link(surroundings, { ...common, role: "tail", check: ping });
		const listener = new Link(surroundings, { ...common, role: "listener", check: (client) => this.tail.listen(client) });
		this.tail = new TrackingTail(asks, surroundings.clock);
		this.#links = [this.commands, this.reads, asks, listener];
	}

	/** Resolves after the first attempt at each; the node goes on trying. */
	async begin(): Promise<void> {
		await Promise.all(this.#links.map((link) => link.begin()));
	}

	async connect(signal?: AbortSignal): Promise<void> {
		await this.commands.connect(signal);
		await Promise.all(this.#links.slice(1).map((link) => link.connect(signal)));
	}

	async close(): Promise<void> {
		this.tail.close();
		await Promise.all(this.#links.map((link) => link.close()));
	}

	/** It serves nothing any more: whoever waits there looks elsewhere. */
	leave(): void {
		this.tail.wakeAll();
		for (const link of this.#links) link.destroy();
	}

	destroy(): void {
		this.tail.close();
		for (const link of this.#links) link.destroy();
	}
}
