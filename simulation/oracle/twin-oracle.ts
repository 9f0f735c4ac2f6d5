// Processes that were started with one `instanceId`: who joined when, and so who had to go.
import type { WireEntry } from "./wire-entry.ts";

interface Join {
	readonly client: string;
	readonly instanceId: string;
	/** Its process lived when the entry was stored. */
	readonly alive: boolean;
}

export class TwinOracle {
	readonly #joins: Join[] = [];
	readonly #isAlive: (client: string) => boolean;

	constructor(isAlive: (client: string) => boolean) {
		this.#isAlive = isAlive;
	}

	appended(wire: WireEntry): void {
		const [, , , , , client, instanceId] = wire.events.find(([type]) => type === "j") ?? [];
		if (typeof client !== "string" || typeof instanceId !== "string") return;
		this.#joins.push({ client, instanceId, alive: this.#isAlive(client) });
	}

	/** Whether another process that lived joined with this `instanceId` after the first join of `client`. */
	mayReplace(client: string, instanceId: string | undefined): boolean {
		const first = this.#joins.findIndex((join) => join.client === client);
		return this.#joins.slice(first + 1).some((join) => join.client !== client && join.instanceId === instanceId && join.alive);
	}
}
