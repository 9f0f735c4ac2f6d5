// The journals of all groups.
import type { JournalLog, JournalStore } from "@polylog/core/driver";
import type { Catalogue } from "./catalogue.ts";
import { type JournalContext, StreamJournal } from "./journal.ts";
import { declareStream, shortStreamArguments } from "./streams.ts";
import { journalQueue } from "./topology.ts";

export class RabbitmqJournals implements JournalStore {
	readonly #context: JournalContext;
	readonly #catalogue: Catalogue;

	constructor(context: Omit<JournalContext, "remake">, catalogue: Catalogue) {
		this.#context = { ...context, remake: (group) => this.#remake(group) };
		this.#catalogue = catalogue;
	}

	async open(group: string, signal?: AbortSignal): Promise<JournalLog> {
		await this.#make(group, signal);
		return new StreamJournal(this.#context, group, true);
	}

	async find(group: string): Promise<JournalLog | undefined> {
		const known = (await this.#catalogue.sync()).get("group", group);
		return known?.phase === "ready" ? new StreamJournal(this.#context, group, false) : undefined;
	}

	async list(): Promise<string[]> {
		return (await this.#catalogue.sync()).names("group");
	}

	async delete(group: string, signal?: AbortSignal): Promise<boolean> {
		return await this.#catalogue.drop("group", group, () => this.#remove(group, signal), signal);
	}

	async #make(group: string, signal?: AbortSignal): Promise<void> {
		await this.#catalogue.make(
			{ kind: "group", name: group },
			() => this.#declare(group, signal),
			() => this.#remove(group, signal),
			signal,
		);
	}

	/** Somebody deleted the queue alone. */
	async #remake(group: string): Promise<void> {
		await this.#make(group);
		await this.#declare(group, undefined);
	}

	async #declare(group: string, signal: AbortSignal | undefined): Promise<void> {
		const { probe, settings } = this.#context;
		await declareStream(probe, journalQueue(group), shortStreamArguments(settings), signal);
	}

	async #remove(group: string, signal: AbortSignal | undefined): Promise<void> {
		const queue = journalQueue(group);
		await this.#context.probe.ask(`deleting the queue "${queue}"`, (channel) => channel.deleteQueue(queue), signal ? { signal } : {});
	}
}
