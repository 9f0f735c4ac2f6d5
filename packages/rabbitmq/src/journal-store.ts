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
		this.#context = { ...context, remake: (group) => this.#make(group) };
		this.#catalogue = catalogue;
	}

	async open(group: string, signal?: AbortSignal): Promise<JournalLog> {
		await this.#make(group, signal);
		return new StreamJournal(this.#context, group, true);
	}

	async find(group: string): Promise<JournalLog | undefined> {
		const { groups } = await this.#catalogue.sync();
		return groups.has(group) ? new StreamJournal(this.#context, group, false) : undefined;
	}

	async list(): Promise<string[]> {
		return [...(await this.#catalogue.sync()).groups];
	}

	async delete(group: string, signal?: AbortSignal): Promise<boolean> {
		const { groups } = await this.#catalogue.sync();
		if (!groups.has(group)) return false;
		const queue = journalQueue(group);
		await this.#context.probe.ask(`deleting the queue "${queue}"`, (channel) => channel.deleteQueue(queue), signal ? { signal } : {});
		await this.#catalogue.change({ type: "ungroup", group }, signal);
		return true;
	}

	async #make(group: string, signal?: AbortSignal): Promise<void> {
		const { probe, settings } = this.#context;
		const { groups } = await this.#catalogue.sync();
		await declareStream(probe, journalQueue(group), shortStreamArguments(settings), signal);
		if (!groups.has(group)) await this.#catalogue.change({ type: "group", group }, signal);
	}
}
