// The portable coordinator: groups over one journal each.
import type { GroupCoordinator, GroupSession, GroupSnapshot, JoinRequest, SessionListener } from "../driver/group-session.ts";
import type { JournalLog } from "../driver/journal-log.ts";
import { isPolylogError, PolylogError } from "../errors.ts";
import type { Offset } from "../offset.ts";
import { type Partition, partitionKey } from "../partition.ts";
import { Admin } from "./admin.ts";
import type { JournalContext } from "./context.ts";
import { describeState } from "./description.ts";
import { Observers } from "./observers.ts";
import { partitionCounts } from "./partition-counts.ts";
import { JournalSession } from "./session.ts";
import { DEFAULT_TIMING, type JournalTiming } from "./timing.ts";

export interface JournalCoordinatorOptions extends Pick<JournalContext, "journals" | "topics" | "clock" | "random" | "log" | "inspect"> {
	/** Tells errors that waiting cannot cure (UNAUTHORIZED) from the others. Default: none is. */
	readonly classify?: JournalContext["classify"];
	readonly timing?: Partial<JournalTiming>;
}

export interface JournalCoordinator extends GroupCoordinator {
	/** Closes what `describe` keeps open. Sessions are their owners' to end. */
	close(): Promise<void>;
}

export function createJournalCoordinator(options: JournalCoordinatorOptions): JournalCoordinator {
	return new Coordinator({
		...options,
		classify: options.classify ?? (() => ({ code: "UNKNOWN" })),
		timing: { ...DEFAULT_TIMING, ...options.timing },
	});
}

class Coordinator implements JournalCoordinator {
	readonly #context: JournalContext;
	readonly #observers: Observers;

	constructor(context: JournalContext) {
		this.#context = context;
		this.#observers = new Observers(context);
	}

	async join(request: JoinRequest, listener: SessionListener, signal?: AbortSignal): Promise<GroupSession> {
		signal?.throwIfAborted();
		const counts = await partitionCounts(this.#context.topics, request.topics, signal);
		const missing = request.topics.find((topic) => !counts.has(topic));
		if (missing !== undefined) {
			throw new PolylogError(
				"TOPIC_NOT_FOUND",
				`group "${request.group}" cannot be joined: there is no topic "${missing}"; create it first`,
				{
					topic: missing,
					group: request.group,
				},
			);
		}
		const log = await this.#context.journals.open(request.group, signal);
		const session = new JournalSession(this.#context, request, listener, log, counts);
		await session.start(signal);
		return session;
	}

	describe(group: string, signal?: AbortSignal): Promise<GroupSnapshot | undefined> {
		return this.#observers.look(group, (state) => describeState(group, state), signal);
	}

	list(signal?: AbortSignal): Promise<string[]> {
		return this.#context.journals.list(signal);
	}

	async reset(
		group: string,
		offsets: Iterable<readonly [Partition, Offset]>,
		options: { readonly force: boolean },
		signal?: AbortSignal,
	): Promise<void> {
		const wanted = new Map([...offsets].map(([partition, offset]) => [partitionKey(partition), offset]));
		await this.#administer(group, await this.#context.journals.open(group, signal), signal, async (admin) => {
			await admin.boot();
			await admin.reset(wanted, options.force);
		});
	}

	async delete(group: string, signal?: AbortSignal): Promise<boolean> {
		const log = await this.#context.journals.find(group, signal);
		if (!log) return false;
		await this.#administer(group, log, signal, async (admin) => {
			try {
				await admin.boot();
				await admin.requireIdle("delete it");
			} catch (error) {
				// Deleting is the way out of a journal that nobody can read.
				if (!isPolylogError(error, "JOURNAL_UNUSABLE")) throw error;
			}
		});
		return this.#context.journals.delete(group, signal);
	}

	close(): Promise<void> {
		return this.#observers.close();
	}

	async #administer(group: string, log: JournalLog, signal: AbortSignal | undefined, work: (admin: Admin) => Promise<void>): Promise<void> {
		try {
			await work(new Admin(this.#context, group, log, signal));
		} finally {
			await log.close();
		}
	}
}
