// Which broker coordinates a group, found out when needed and forgotten when it says it does not.
import { type Clock, PolylogError, sleep } from "@polylog/core/driver";
import { findCoordinatorRequest, type FoundCoordinator } from "../wire/api/membership.ts";
import { check, ERROR } from "../wire/error-codes.ts";
import type { Lane, Network, SendOptions } from "../wire/network.ts";
import type { WireRequest } from "../wire/wire.ts";

/** How long an answer may take before others are asked whether there is another coordinator. */
const LOOK_MS = 3000;
const MOVED: ReadonlySet<number> = new Set([ERROR.coordinatorLoading, ERROR.coordinatorNotAvailable, ERROR.notCoordinator]);

type Asked = Pick<Network, "ask" | "send" | "learn" | "suspect" | "nodes">;

export class CoordinatorLink {
	readonly #network: Asked;
	readonly #clock: Clock;
	readonly #group: string;
	#node: Promise<number> | undefined;
	/** The last one that failed as a coordinator. */
	#doubted: number | undefined;

	constructor({ network, clock }: { readonly network: Asked; readonly clock: Clock }, group: string) {
		this.#network = network;
		this.#clock = clock;
		this.#group = group;
	}

	/** Any failure makes the next request look for the coordinator anew. */
	async send<T>(lane: Lane, request: WireRequest<T>, options: SendOptions = {}): Promise<T> {
		const finding = (this.#node ??= this.#find());
		const over = new AbortController();
		try {
			const node = await finding;
			const moved = this.#movedFrom(node, over.signal);
			moved.catch(() => {});
			return await Promise.race([this.#network.send(node, lane, request, options), moved]);
		} catch (error) {
			if (this.#node === finding) this.doubt();
			throw error;
		} finally {
			over.abort();
		}
	}

	/** A join is waited for as long as other members take; that a frozen coordinator never answers it, others know. */
	async #movedFrom(node: number, signal: AbortSignal): Promise<never> {
		for (;;) {
			await sleep(this.#clock, LOOK_MS, signal);
			const now = await this.#find(node).catch(() => node);
			if (now === node) continue;
			throw new PolylogError("UNAVAILABLE", `group ${this.#group} has another coordinator now`, { group: this.#group });
		}
	}

	/** It does not do what a coordinator does: others are asked who it is. */
	doubt(): void {
		void this.#node?.then(
			(node) => {
				this.#doubted = node;
				this.#network.suspect(node);
			},
			() => {},
		);
		this.#node = undefined;
	}

	/** Whether others than the coordinator itself say that it is one. */
	async vouched(): Promise<boolean> {
		try {
			const [node, answers] = await Promise.all([this.#node, this.#ask()]);
			return node !== undefined && (named(answers, node) >= 2 || this.#network.nodes.length < 2);
		} catch {
			return false;
		}
	}

	/** Whether the answer means that another broker coordinates the group now, or this one is not ready. */
	moved(errorCode: number): boolean {
		if (!MOVED.has(errorCode)) return false;
		this.#node = undefined;
		return true;
	}

	/** Where brokers differ, one is cut off from the others: whom most of them name, and at a tie another one than before. */
	async #find(doubted = this.#doubted): Promise<number> {
		const found = await this.#ask();
		const good = found.filter(({ errorCode }) => errorCode === ERROR.none);
		const [first] = found;
		if (good.length === 0) check(first.errorCode, `finding the coordinator of group ${this.#group}`, first.told);
		const weight = ({ node }: FoundCoordinator) => 2 * named(good, node) - (node === doubted ? 1 : 0);
		const { node, address } = good.toSorted((a, b) => weight(b) - weight(a))[0] ?? first;
		this.#network.learn([[node, address]]);
		return node;
	}

	/** Until two name the same. */
	#ask(): Promise<readonly [FoundCoordinator, ...FoundCoordinator[]]> {
		const agreed = (answers: readonly FoundCoordinator[]) => answers.some(({ node }) => named(answers, node) >= 2);
		return this.#network.ask(findCoordinatorRequest(this.#group), { enough: agreed });
	}
}

function named(answers: readonly FoundCoordinator[], node: number): number {
	return answers.filter((answer) => answer.errorCode === ERROR.none && answer.node === node).length;
}
