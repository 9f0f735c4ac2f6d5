// What is known of a Redis Cluster: who serves which slot, and the connections to those nodes. Learned anew whenever
// something is amiss, and until every serving node is connected.
import { PolylogError } from "@polylog/core/driver";
import type { Redis } from "ioredis";
import type { Address } from "../options.ts";
import { addressText, askOnce } from "./client.ts";
import { ClusterNode } from "./cluster-node.ts";
import { gather } from "./gather.ts";
import type { Surroundings } from "./link.ts";
import { type NodeView, parseNodes, SlotMap } from "./slot-map.ts";

/** While something is amiss, twice as long each time, up to four times: a failover takes seconds, and this comes on top. */
const REFRESH_MS = 250;
const MOST_DOUBLINGS = 2;

export class ClusterView {
	readonly #surroundings: Surroundings;
	readonly #check: (client: Redis) => Promise<void>;
	readonly #seeds: readonly Address[];
	/** Those that serve slots, by address. */
	#nodes = new Map<string, ClusterNode>();
	#map = new SlotMap([]);
	#generation = 0;
	#refreshing: Promise<void> | undefined;
	/** Refreshes in a row after which something was still amiss. */
	#amiss = 0;
	#cancelRefresh: (() => void) | undefined;
	#closed = false;

	constructor(surroundings: Surroundings, check: (client: Redis) => Promise<void>) {
		const { target } = surroundings.settings;
		if (target.kind !== "cluster") throw new TypeError(`a ${target.kind} is no cluster`);
		this.#surroundings = surroundings;
		this.#check = check;
		this.#seeds = target.seeds;
	}

	/** Rises with each connection to append on, and with each change of who serves what. */
	get generation(): number {
		return this.#generation;
	}

	get closed(): boolean {
		return this.#closed;
	}

	get nodes(): readonly ClusterNode[] {
		return [...this.#nodes.values()];
	}

	ownerOf(slot: number): ClusterNode | undefined {
		const owner = this.#map.owner(slot);
		return owner === undefined ? undefined : this.#nodes.get(owner);
	}

	/** All nodes that serve slots, or the first error. */
	async connect(signal?: AbortSignal): Promise<void> {
		this.#map = await this.#ask();
		signal?.throwIfAborted();
		if (this.#map.masters.size === 0)
			throw new PolylogError("UNAVAILABLE", `no node of ${this.#surroundings.settings.display} serves any slot`);
		await Promise.all([...this.#map.masters].map((master) => this.#add(master).connect(signal)));
	}

	/** Resolves when what was asked after this call is known, whatever came of it. */
	async refresh(): Promise<void> {
		this.#cancelRefresh?.();
		this.#cancelRefresh = undefined;
		await this.#refreshing;
		this.#refreshing ??= this.#learn().finally(() => (this.#refreshing = undefined));
		await this.#refreshing;
	}

	refreshSoon(): void {
		if (this.#closed || this.#cancelRefresh) return;
		const delayMs = REFRESH_MS * 2 ** Math.min(this.#amiss, MOST_DOUBLINGS) * (0.5 + this.#surroundings.random.fraction() / 2);
		this.#cancelRefresh = this.#surroundings.clock.after(delayMs, () => {
			this.#cancelRefresh = undefined;
			void this.refresh();
		});
	}

	async close(): Promise<void> {
		this.#closed = true;
		this.#cancelRefresh?.();
		await Promise.all(this.nodes.map((node) => node.close()));
	}

	destroy(): void {
		this.#closed = true;
		this.#cancelRefresh?.();
		for (const node of this.nodes) node.destroy();
	}

	async #learn(): Promise<void> {
		try {
			const map = await this.#ask();
			if (!this.#closed && map.masters.size > 0) await this.#adopt(map);
		} catch (error) {
			this.#surroundings.log.info(`no node of ${this.#surroundings.settings.display} answers: ${String(error)}`);
		}
		const whole = this.nodes.every(({ commands }) => commands.client !== undefined);
		this.#amiss = whole ? 0 : this.#amiss + 1;
		if (!whole) this.refreshSoon();
	}

	async #adopt(map: SlotMap): Promise<void> {
		const changed = !map.equals(this.#map);
		const before = this.#nodes;
		this.#map = map;
		// First the number: nothing that was proven on the way there may be appended to another node.
		if (changed) this.#generation += 1;
		this.#nodes = new Map([...before].filter(([address]) => map.masters.has(address)));
		for (const [address, node] of before) if (!map.masters.has(address)) node.leave();
		if (changed) for (const node of this.nodes) node.tail.wakeAll();
		const fresh = [...map.masters].filter((master) => !this.#nodes.has(master));
		await Promise.all(fresh.map((master) => this.#add(master).begin()));
	}

	#add(text: string): ClusterNode {
		const address = this.#map.nodes.get(text);
		if (!address) throw new TypeError(`${text} is no node's address`);
		const node: ClusterNode = new ClusterNode(this.#surroundings, address, {
			check: this.#check,
			opened: () => (this.#generation += 1),
			lost: () => this.refreshSoon(),
		});
		this.#nodes.set(text, node);
		return node;
	}

	/** Everybody who is known, side by side; rejects if none answers. */
	async #ask(): Promise<SlotMap> {
		const known = new Map([...this.#map.nodes, ...this.#seeds.map((seed) => [addressText(seed), seed] as const)]);
		const asked = [...known.values()].map((address) => this.#askNode(address));
		const { answers, errors } = await gather(this.#surroundings.clock, asked);
		if (answers.length === 0) throw errors[0];
		return new SlotMap(answers.flat());
	}

	async #askNode(address: Address): Promise<NodeView[]> {
		const { settings, clock, clientId } = this.#surroundings;
		const { tls, username, password, connectTimeoutMs, commandTimeoutMs } = settings;
		const identity = { tls, username, password, database: 0, name: `${clientId}:nodes` };
		const request = { address, ...identity, connectTimeoutMs, commandTimeoutMs };
		const reply = await askOnce(clock, request, (client) => client.call("CLUSTER", "NODES"));
		return parseNodes(String(reply), address.host);
	}
}
