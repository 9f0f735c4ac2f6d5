// Which broker coordinates a group, found out when needed and forgotten when it says it does not.
import { findCoordinatorRequest } from "../wire/api/membership.ts";
import { check, ERROR } from "../wire/error-codes.ts";
import type { Lane, Network, SendOptions } from "../wire/network.ts";
import type { WireRequest } from "../wire/wire.ts";

const MOVED: ReadonlySet<number> = new Set([ERROR.coordinatorLoading, ERROR.coordinatorNotAvailable, ERROR.notCoordinator]);

export class CoordinatorLink {
	readonly #network: Network;
	readonly #group: string;
	#node: Promise<number> | undefined;

	constructor(network: Network, group: string) {
		this.#network = network;
		this.#group = group;
	}

	/** Any failure makes the next request look for the coordinator anew. */
	async send<T>(lane: Lane, request: WireRequest<T>, options: SendOptions = {}): Promise<T> {
		const finding = (this.#node ??= this.#find());
		try {
			return await this.#network.send(await finding, lane, request, options);
		} catch (error) {
			if (this.#node === finding) this.doubt();
			throw error;
		}
	}

	/** It does not do what a coordinator does: others are asked who it is. */
	doubt(): void {
		void this.#node?.then(
			(node) => this.#network.suspect(node),
			() => {},
		);
		this.#node = undefined;
	}

	/** Whether the answer means that another broker coordinates the group now, or this one is not ready. */
	moved(errorCode: number): boolean {
		if (!MOVED.has(errorCode)) return false;
		this.#node = undefined;
		return true;
	}

	async #find(): Promise<number> {
		const { errorCode, told, node, address } = await this.#network.ask(findCoordinatorRequest(this.#group));
		check(errorCode, `finding the coordinator of group ${this.#group}`, told);
		this.#network.learn([[node, address]]);
		return node;
	}
}
